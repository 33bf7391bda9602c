//! A client at an endpoint, and why it may not go on uncharged.

use std::hash::{BuildHasher, Hash, Hasher};

use ahash::RandomState;
use limiter_core::Key;

/// A client and an endpoint, as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Account(u64);

impl Account {
    /// The account of a client, by the limiter's key before routing and its address, at an endpoint,
    /// by its address in memory.
    #[inline]
    pub(super) fn new(
        hasher: &RandomState,
        key: Option<&Key>,
        address: Option<&Key>,
        endpoint: usize,
    ) -> Self {
        let mut hasher = hasher.build_hasher();
        key.hash(&mut hasher);
        if let Some(address) = address {
            address.hash(&mut hasher);
        }
        hasher.write_usize(endpoint);
        Self(hasher.finish())
    }

    #[inline]
    pub(super) fn number(self) -> u64 {
        self.0
    }
}

/// Why a request may not go on uncharged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoCredit {
    /// As many as may be are under way.
    Busy,
    /// Too many are unpaid.
    InDebt,
}
