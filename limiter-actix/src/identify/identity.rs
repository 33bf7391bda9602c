//! The default key of a limiter, and what happens to clients without a key.

use std::sync::Arc;

use actix_web::HttpRequest;
use limiter_core::Key;

use super::address::Addresses;

/// How a limiter distinguishes its clients.
pub(crate) struct Identity {
    /// How addresses become keys.
    pub(crate) addresses: Arc<Addresses>,
    pub(crate) key: LimiterKey,
    /// Whether the key is a function of the user's own, which may read what an inner middleware has
    /// written.
    pub(crate) key_is_custom: bool,
    /// The type name of the key function, as the compiler prints it.
    #[cfg_attr(not(feature = "cli"), allow(dead_code, reason = "read by the command line only"))]
    pub(crate) key_name: &'static str,
    pub(crate) missing: MissingIdentity,
}

impl Identity {
    /// The limiter's key of a request.
    #[inline]
    pub(crate) fn key(&self, request: &HttpRequest) -> Option<Key> {
        match &self.key {
            LimiterKey::Peer => self.addresses.peer(request),
            LimiterKey::Custom(key) => key(request),
        }
    }
}

/// The key for limits that have no key of their own.
#[derive(Clone)]
pub(crate) enum LimiterKey {
    /// The peer: known from the connection alone, so the gate may reuse what the middleware
    /// computed.
    Peer,
    /// The result of the user's function.
    Custom(Arc<CustomKey>),
}

type CustomKey = dyn Fn(&HttpRequest) -> Option<Key> + Send + Sync;

/// What happens to a request for which there is no key.
///
/// "Unlimited" is never the default: a request without identity is denied unless you choose
/// otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum MissingIdentity {
    /// Answer with 403. The default.
    #[default]
    Deny,
    /// Count all of them as one client with this key.
    Fallback(Key),
    /// Leave out the limits whose key is missing, as the reference does. Use it only if something
    /// else stops requests without identity.
    Skip,
}
