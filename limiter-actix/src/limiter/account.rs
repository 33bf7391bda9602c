//! A client at an endpoint, and why a request of it may not continue uncharged.

use std::hash::{BuildHasher, Hash, Hasher};

use ahash::RandomState;
use limiter_core::Key;

/// A client and an endpoint, as a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Account(u64);

impl Account {
    /// The account of a client (its limiter key before routing, and its address) at an endpoint
    /// (its address in memory).
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

/// Why a request may not continue uncharged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoCredit {
    /// The maximum number of requests is under way.
    Busy,
    /// Too many are unpaid.
    InDebt,
}
