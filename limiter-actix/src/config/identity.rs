//! Options: who is counted.

use std::sync::Arc;

use actix_web::HttpRequest;

use super::builder::LimiterBuilder;
use crate::identify::{KeyBy, LimiterKey, MissingIdentity, TrustedProxies};

impl LimiterBuilder {
    /// Who is counted, where a limit has no `key` of its own. Default: [`peer_ip`](crate::peer_ip);
    /// [`client_ip`](crate::client_ip) where [`trusted_proxies`](Self::trusted_proxies) are named,
    /// for the peer is a proxy then, and not a client.
    ///
    /// For endpoints without attributes the key is read before routing, so it should look at the
    /// connection and the headers only; and it may be called more than once per request.
    pub fn key<K: KeyBy + Send + Sync + 'static>(mut self, key: K) -> Self {
        self.identity.key_name = std::any::type_name::<K>();
        let key = move |request: &HttpRequest| key.key(request);
        self.identity.key = Some(LimiterKey::Custom(Arc::new(key)));
        self
    }

    /// Whose report of the client's address is trusted: see [`client_ip`](crate::client_ip), which is then the
    /// limiter's [key](Self::key) if no other is named. Default: nobody.
    pub fn trusted_proxies(mut self, proxies: TrustedProxies) -> Self {
        self.identity.addresses.proxies = proxies;
        self
    }

    /// How many leading bits of an IPv6 address make a client. Default: 64, the smallest network
    /// that anybody is given; a single subscriber with a /56 or /48 has many of them.
    pub fn ipv6_prefix(mut self, bits: u8) -> Self {
        self.identity.addresses.ipv6_prefix = bits;
        self
    }

    /// How many leading bits of an IPv4 address make a client. Default: 32.
    pub fn ipv4_prefix(mut self, bits: u8) -> Self {
        self.identity.addresses.ipv4_prefix = bits;
        self
    }

    /// What happens to a request for which there is no key. Default: it is answered with 403.
    pub fn missing_identity(mut self, policy: MissingIdentity) -> Self {
        self.identity.missing = policy;
        self
    }
}
