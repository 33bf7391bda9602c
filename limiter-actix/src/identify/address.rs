//! Addresses as keys: of the peer, or as reported by trusted proxies.

use std::{
    fmt,
    net::IpAddr,
    sync::{Arc, LazyLock},
};

use actix_web::HttpRequest;
use limiter_core::Key;

use super::{
    key_by::KeyBy,
    proxy::{ClientAddress, TrustedProxies},
};

/// The address that the connection comes from: the default key.
///
/// No header is read, so a client cannot choose it. Behind a reverse proxy it is the proxy's
/// address, the same for all clients: see [`client_ip`].
///
/// IPv6 clients are distinguished by their /64, the smallest network of a household; the limiter's
/// builder changes the prefix. An IPv4-mapped IPv6 address counts as its IPv4 address. A connection
/// without an address, as on a Unix socket, has no identity.
///
/// ```
/// use actix_web::test::TestRequest;
/// use limiter_actix::peer_ip;
///
/// let request = |peer: &str| {
///     TestRequest::default().peer_addr(peer.parse().unwrap()).to_http_request()
/// };
/// assert_eq!(peer_ip(&request("192.0.2.1:47")), peer_ip(&request("[::ffff:192.0.2.1]:48")));
/// assert_eq!(peer_ip(&request("[2001:db8::1]:47")), peer_ip(&request("[2001:db8::2]:47")));
/// assert_ne!(peer_ip(&request("[2001:db8::1]:47")), peer_ip(&request("[2001:db8:0:1::1]:47")));
/// assert_eq!(peer_ip(&TestRequest::default().to_http_request()), None);
/// ```
pub fn peer_ip(request: &HttpRequest) -> Option<Key> {
    let peer = peer_address(request)?;
    Some(with_config(request, |config| config.key(peer)))
}

/// The client's address, as reported by the limiter's trusted proxies.
///
/// Without trusted proxies this is [`peer_ip`]: headers that any client can write are ignored. With
/// them, the chain of `X-Forwarded-For` or `Forwarded` is walked from the right to the first
/// address that is not a trusted proxy. If the trusted proxies do not report an address (`unknown`,
/// `_hidden`, something malformed), the client has no identity. Prefixes are those of [`peer_ip`].
///
/// ```
/// use actix_web::test::TestRequest;
/// use limiter_actix::{client_ip, peer_ip};
///
/// // No proxy is trusted here, so the header changes nothing.
/// let request = TestRequest::default()
///     .peer_addr("192.0.2.1:1234".parse().unwrap())
///     .insert_header(("x-forwarded-for", "198.51.100.7"))
///     .to_http_request();
/// assert_eq!(client_ip(&request), peer_ip(&request));
/// ```
pub fn client_ip(request: &HttpRequest) -> Option<Key> {
    with_config(request, |config| config.client(request))
}

/// [`peer_ip`] with prefixes of its own, in bits.
///
/// For a second, wider budget: a client with a /48 can move through 65,536 networks of /64.
///
/// ```
/// use actix_web::test::TestRequest;
/// use limiter_actix::{peer_network, KeyBy};
///
/// let key = |peer: &str| {
///     peer_network(24, 48)
///         .key(&TestRequest::default().peer_addr(peer.parse().unwrap()).to_http_request())
/// };
/// assert_eq!(key("[2001:db8:0:1::1]:47"), key("[2001:db8:0:2::1]:47"));
/// assert_ne!(key("[2001:db8:1::1]:47"), key("[2001:db8:2::1]:47"));
/// assert_eq!(key("192.0.2.1:47"), key("192.0.2.9:47"));
/// ```
pub const fn peer_network(ipv4_prefix: u8, ipv6_prefix: u8) -> Network {
    Network { address: peer_address, ipv4_prefix, ipv6_prefix }
}

/// [`client_ip`] with prefixes of its own, in bits: see [`peer_network`].
pub const fn client_network(ipv4_prefix: u8, ipv6_prefix: u8) -> Network {
    Network { address: client_address, ipv4_prefix, ipv6_prefix }
}

/// The key of [`peer_network`] and [`client_network`].
#[derive(Clone, Copy)]
pub struct Network {
    pub(super) address: fn(&HttpRequest) -> Option<IpAddr>,
    pub(super) ipv4_prefix: u8,
    pub(super) ipv6_prefix: u8,
}

impl KeyBy for Network {
    fn key(&self, request: &HttpRequest) -> Option<Key> {
        Some(Key::network((self.address)(request)?, self.ipv4_prefix, self.ipv6_prefix))
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network")
            .field("ipv4_prefix", &self.ipv4_prefix)
            .field("ipv6_prefix", &self.ipv6_prefix)
            .finish_non_exhaustive()
    }
}

/// How addresses become keys: the options of a limiter, for all its `peer_ip` and `client_ip` keys.
/// A request carries the options of the innermost limiter around it.
#[derive(Clone, Debug)]
pub(crate) struct Addresses {
    pub(crate) proxies: TrustedProxies,
    /// In bits, like the next one.
    pub(crate) ipv4_prefix: u8,
    pub(crate) ipv6_prefix: u8,
}

impl Addresses {
    /// The key of [`peer_ip`], without a lookup of the limiter.
    #[inline]
    pub(crate) fn peer(&self, request: &HttpRequest) -> Option<Key> {
        Some(self.key(peer_address(request)?))
    }

    #[inline]
    pub(crate) fn key(&self, address: IpAddr) -> Key {
        Key::network(address, self.ipv4_prefix, self.ipv6_prefix)
    }

    /// The key of [`client_ip`], likewise.
    pub(crate) fn client(&self, request: &HttpRequest) -> Option<Key> {
        Some(self.key(self.client_address(request)?))
    }

    pub(crate) fn client_address(&self, request: &HttpRequest) -> Option<IpAddr> {
        match self.proxies.client(peer_address(request), request.headers()) {
            ClientAddress::Address(address) => Some(address),
            ClientAddress::Unknown | ClientAddress::NoPeer => None,
        }
    }
}

/// No proxy is trusted; an IPv4 address is a client, and so is an IPv6 /64.
impl Default for Addresses {
    fn default() -> Self {
        Self { proxies: TrustedProxies::none(), ipv4_prefix: 32, ipv6_prefix: 64 }
    }
}

/// Reads the options of the limiter around the request, or the defaults if there is none, as in a
/// unit test of a key function.
fn with_config<T>(request: &HttpRequest, read: impl FnOnce(&Addresses) -> T) -> T {
    static DEFAULT: LazyLock<Addresses> = LazyLock::new(Addresses::default);
    match request.app_data::<Arc<Addresses>>() {
        Some(config) => read(config),
        None => read(&DEFAULT),
    }
}

/// Not `connection_info()`, which allocates and trusts any header.
fn peer_address(request: &HttpRequest) -> Option<IpAddr> {
    request.head().peer_addr.map(|peer| peer.ip())
}

fn client_address(request: &HttpRequest) -> Option<IpAddr> {
    with_config(request, |config| config.client_address(request))
}
