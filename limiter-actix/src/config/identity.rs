//! Options: who is counted.

use std::sync::Arc;

use actix_web::HttpRequest;

use super::builder::LimiterBuilder;
use crate::identify::{KeyBy, LimiterKey, MissingIdentity, TrustedProxies};

impl LimiterBuilder {
    /// The key of a client, for limits that have no `key` of their own. Default:
    /// [`peer_ip`](crate::peer_ip), or [`client_ip`](crate::client_ip) if
    /// [`trusted_proxies`](Self::trusted_proxies) are configured, because then the peer is a proxy
    /// and not a client.
    ///
    /// For undecorated endpoints the key is computed before routing, so it should read the
    /// connection and the headers only. It may be computed more than once per request.
    pub fn key<K: KeyBy + Send + Sync + 'static>(mut self, key: K) -> Self {
        self.identity.key_name = std::any::type_name::<K>();
        let key = move |request: &HttpRequest| key.key(request);
        self.identity.key = Some(LimiterKey::Custom(Arc::new(key)));
        self
    }

    /// The proxies whose forwarding headers are trusted: see [`client_ip`](crate::client_ip), which
    /// is then the default [key](Self::key) of the limiter. Default: none.
    pub fn trusted_proxies(mut self, proxies: TrustedProxies) -> Self {
        self.identity.addresses.proxies = proxies;
        self
    }

    /// How many leading bits of an IPv6 address identify a client. Default: 64, the smallest
    /// network that a subscriber gets; a subscriber with a /56 or /48 has many of them.
    pub fn ipv6_prefix(mut self, bits: u8) -> Self {
        self.identity.addresses.ipv6_prefix = bits;
        self
    }

    /// How many leading bits of an IPv4 address identify a client. Default: 32.
    pub fn ipv4_prefix(mut self, bits: u8) -> Self {
        self.identity.addresses.ipv4_prefix = bits;
        self
    }

    /// What happens to a request without a key. Default: it gets 403.
    pub fn missing_identity(mut self, policy: MissingIdentity) -> Self {
        self.identity.missing = policy;
        self
    }
}
