//! How clients are told apart: key functions, and their composition.

use std::{fmt, net::IpAddr, sync::LazyLock};

use actix_web::{HttpRequest, http::header::HeaderValue};
use limiter_core::{IntoKey, Key};

use crate::{
    context,
    proxy::{ClientAddress, TrustedProxies},
};

/// How to tell clients apart.
///
/// Everything that a limit's `key` may be is a `KeyBy`:
///
/// * the ready-made ones: [`peer_ip`] (the default, unless proxies are named), [`client_ip`], [`header`], [`secret_header`],
///   [`everyone`];
/// * a function or closure from `&HttpRequest` to anything that is [`IntoKey`]: a text, a number,
///   a [`Key`], or an `Option` of one;
/// * a tuple of two to four of them: a counter for each combination. Where one part is missing
///   there is no identity at all, so that nobody gets rid of a counter by leaving a part out;
/// * a type of your own that implements the trait.
///
/// `None` is *no identity*: the limiter's policy for a missing identity applies, which refuses the
/// request unless you say otherwise. It never means "unlimited".
///
/// ```
/// use actix_web::{test::TestRequest, HttpRequest};
/// use limiter_actix::{header, peer_ip, Key, KeyBy};
///
/// // The part of the path that names the customer.
/// fn tenant(request: &HttpRequest) -> Option<&str> {
///     request.match_info().get("tenant")
/// }
///
/// let request = TestRequest::default()
///     .param("tenant", "acme")
///     .insert_header(("x-user", "alice"))
///     .peer_addr("192.0.2.1:1234".parse().unwrap())
///     .to_http_request();
///
/// // Each user of each tenant, at each address.
/// let key = (tenant, header("x-user"), peer_ip).key(&request).unwrap();
/// let parts = Key::text("acme").and(&Key::text("alice")).and(&peer_ip(&request).unwrap());
/// assert_eq!(key, parts);
///
/// // A part is missing: no identity.
/// assert_eq!((tenant, header("x-device")).key(&request), None);
/// ```
///
/// A type of your own carries its configuration along:
///
/// ```
/// use actix_web::{test::TestRequest, HttpRequest};
/// use limiter_actix::{Key, KeyBy};
///
/// struct PathPart(&'static str);
///
/// impl KeyBy for PathPart {
///     fn key(&self, request: &HttpRequest) -> Option<Key> {
///         request.match_info().get(self.0).map(Key::text)
///     }
/// }
///
/// let request = TestRequest::default().param("tenant", "acme").to_http_request();
/// assert_eq!(PathPart("tenant").key(&request), Some(Key::text("acme")));
/// assert_eq!(PathPart("user").key(&request), None);
/// ```
///
/// Return a [`Key::network`] rather than an IPv6 address: one client has 2⁶⁴ of those.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not tell clients apart",
    label = "not a key function",
    note = "use `peer_ip`, `client_ip`, `header(\"..\")`, a tuple of them, or a function \
            `fn(&HttpRequest) -> K`, where `K` is a `Key`, a text, a number, or an `Option` of one",
    note = "a closure has to name the type of its argument: `|request: &HttpRequest| ..`",
    note = "an async function is written `key = async ..` in the attribute"
)]
pub trait KeyBy {
    /// The identity of the client who sent the request, or `None` where it has none.
    fn key(&self, request: &HttpRequest) -> Option<Key>;
}

#[diagnostic::do_not_recommend]
impl<F> KeyBy for F
where
    F: for<'a> KeyFunction<'a>,
{
    fn key(&self, request: &HttpRequest) -> Option<Key> {
        self.call(request).into_key()
    }
}

/// A function of a request, whose result may borrow from it: `F: Fn(&HttpRequest) -> K` alone
/// could not say so.
pub trait KeyFunction<'a> {
    /// What the function returns.
    type Output: IntoKey;

    /// Calls the function.
    fn call(&self, request: &'a HttpRequest) -> Self::Output;
}

impl<'a, F, K> KeyFunction<'a> for F
where
    F: Fn(&'a HttpRequest) -> K,
    K: IntoKey,
{
    type Output = K;

    fn call(&self, request: &'a HttpRequest) -> K {
        self(request)
    }
}

macro_rules! impl_for_tuples {
    ($(($first:ident $(, $rest:ident)+))+) => {$(
        /// Each combination apart; no identity where a part has none.
        impl<$first: KeyBy, $($rest: KeyBy),+> KeyBy for ($first, $($rest),+) {
            #[allow(non_snake_case)]
            fn key(&self, request: &HttpRequest) -> Option<Key> {
                let ($first, $($rest),+) = self;
                let key = $first.key(request)?;
                $(let key = key.and(&$rest.key(request)?);)+
                Some(key)
            }
        }
    )+};
}

impl_for_tuples! {
    (A, B)
    (A, B, C)
    (A, B, C, D)
}

/// The address that the connection comes from: the default key.
///
/// No header is read, so no client can choose it. Behind a reverse proxy it is the proxy's
/// address, one for everybody: see [`client_ip`].
///
/// IPv6 clients are told apart by their /64, the least that a household has; the limiter's
/// builder changes the prefix. An IPv4-mapped IPv6 address is its IPv4 address. A connection
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

/// The client's address, as the limiter's trusted proxies tell it.
///
/// Without trusted proxies this is [`peer_ip`]: a header that anybody can write is not believed.
/// With them, the chain of `X-Forwarded-For` or `Forwarded` is walked from the right to the first
/// address that is not a trusted proxy. Where the trusted proxies do not tell (`unknown`,
/// `_hidden`, something malformed), there is no identity. Prefixes are those of [`peer_ip`].
///
/// ```
/// use actix_web::test::TestRequest;
/// use limiter_actix::{client_ip, peer_ip};
///
/// // Nobody is trusted here, so the header changes nothing.
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
/// For a second, wider budget: who is given a /48 can move through 65,536 networks of /64.
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
    address: fn(&HttpRequest) -> Option<IpAddr>,
    ipv4_prefix: u8,
    ipv6_prefix: u8,
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

/// The value of a request header, which the client or a gateway in front of you writes.
///
/// Such a key is only as good as whoever checks it: a client that invents a new value for every
/// request gets a new counter every time. Use it where something in front of the server has
/// verified the value, or beside a second limit by address. For credentials there is
/// [`secret_header`].
///
/// A header that is absent, empty, or not UTF-8 is no identity. So is one that comes twice: which
/// line is believed would be a matter of taste, and a client must not gain an identity by adding
/// one. Blanks around the value do not count, and neither does the case of the name.
///
/// ```
/// use actix_web::test::TestRequest;
/// use limiter_actix::{header, Key, KeyBy};
///
/// let request = TestRequest::default().insert_header(("x-tenant", "acme")).to_http_request();
/// assert_eq!(header("X-Tenant").key(&request), Some(Key::text("acme")));
/// assert_eq!(header("X-User").key(&request), None);
///
/// let twice = TestRequest::default()
///     .append_header(("x-tenant", "acme"))
///     .append_header(("x-tenant", "acme2"))
///     .to_http_request();
/// assert_eq!(header("X-Tenant").key(&twice), None);
/// ```
pub const fn header(name: &'static str) -> Header {
    Header { name }
}

/// The key of [`header`].
#[derive(Clone, Copy, Debug)]
pub struct Header {
    name: &'static str,
}

impl KeyBy for Header {
    fn key(&self, request: &HttpRequest) -> Option<Key> {
        str::from_utf8(single_value(request, self.name)?).ok()?.into_key()
    }
}

/// The value of a request header that is a credential: an API key, `Authorization`.
///
/// Like [`header`], but only the SHA-256 of the value is kept, so that no credential ever reaches
/// a store or a log.
///
/// Of `Authorization` and `Proxy-Authorization` the credentials alone count, not the scheme before
/// them: `bearer`, `Bearer` and `BEARER` are one scheme, and would be three counters. Do not use it
/// with schemes whose credentials change from request to request, such as `Digest`.
///
/// ```
/// use actix_web::test::TestRequest;
/// use limiter_actix::{secret_header, Key, KeyBy};
///
/// let request = |value| {
///     TestRequest::default().insert_header(("authorization", value)).to_http_request()
/// };
/// let key = secret_header("Authorization").key(&request("Bearer s3cr3t"));
/// assert_eq!(key, Some(Key::secret(b"s3cr3t")));
/// assert_eq!(key, secret_header("Authorization").key(&request("BEARER  s3cr3t")));
/// assert_eq!(secret_header("Authorization").key(&request("")), None);
/// ```
pub const fn secret_header(name: &'static str) -> SecretHeader {
    SecretHeader { name }
}

/// The key of [`secret_header`].
#[derive(Clone, Copy, Debug)]
pub struct SecretHeader {
    name: &'static str,
}

impl KeyBy for SecretHeader {
    fn key(&self, request: &HttpRequest) -> Option<Key> {
        let value = single_value(request, self.name)?;
        let has_scheme = ["authorization", "proxy-authorization"]
            .iter()
            .any(|name| name.eq_ignore_ascii_case(self.name));
        let secret = if has_scheme { credentials(value) } else { value };
        Some(Key::secret(secret))
    }
}

/// One counter for all clients: what the server as a whole, or a resource behind it, can take.
///
/// ```
/// use actix_web::test::TestRequest;
/// use limiter_actix::everyone;
///
/// let request = |peer: &str| {
///     TestRequest::default().peer_addr(peer.parse().unwrap()).to_http_request()
/// };
/// assert_eq!(everyone(&request("192.0.2.1:47")), everyone(&request("198.51.100.1:47")));
/// ```
pub fn everyone(_request: &HttpRequest) -> Option<Key> {
    // The one text that no key function yields: an empty one is no identity.
    Some(Key::text(""))
}

/// How addresses become keys: a limiter's answer for all its `peer_ip` and `client_ip` keys.
#[derive(Clone, Debug)]
pub(crate) struct IdentityConfig {
    pub(crate) proxies: TrustedProxies,
    /// In bits, like the next one.
    pub(crate) ipv4_prefix: u8,
    pub(crate) ipv6_prefix: u8,
}

impl IdentityConfig {
    /// What [`peer_ip`] tells, for a limiter that need not be looked up.
    #[inline]
    pub(crate) fn peer(&self, request: &HttpRequest) -> Option<Key> {
        Some(self.key(peer_address(request)?))
    }

    #[inline]
    pub(crate) fn key(&self, address: IpAddr) -> Key {
        Key::network(address, self.ipv4_prefix, self.ipv6_prefix)
    }

    /// What [`client_ip`] tells, likewise.
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

/// Nobody is trusted; an IPv4 address is a client, and so is an IPv6 /64.
impl Default for IdentityConfig {
    fn default() -> Self {
        Self { proxies: TrustedProxies::none(), ipv4_prefix: 32, ipv6_prefix: 64 }
    }
}

/// Reads the configuration of the limiter that the request passes, or the default one where it
/// passes none, as in a unit test of a key function.
fn with_config<T>(request: &HttpRequest, read: impl FnOnce(&IdentityConfig) -> T) -> T {
    static DEFAULT: LazyLock<IdentityConfig> = LazyLock::new(IdentityConfig::default);
    match context::identity(request) {
        Some(config) => read(config),
        None => read(&DEFAULT),
    }
}

/// Not `connection_info()`: that one allocates, and believes whatever a header says.
fn peer_address(request: &HttpRequest) -> Option<IpAddr> {
    request.head().peer_addr.map(|peer| peer.ip())
}

fn client_address(request: &HttpRequest) -> Option<IpAddr> {
    with_config(request, |config| config.client_address(request))
}

/// The value of a header that comes exactly once and is not empty.
fn single_value<'a>(request: &'a HttpRequest, name: &str) -> Option<&'a [u8]> {
    // Not `HeaderMap::get_all`: it would copy a name that is not one of the standard ones.
    let mut values = request
        .headers()
        .iter()
        .filter(|(header, _)| header.as_str().eq_ignore_ascii_case(name))
        .map(|(_, value)| HeaderValue::as_bytes(value).trim_ascii());
    let value = values.next().filter(|value| !value.is_empty())?;
    values.next().is_none().then_some(value)
}

/// What follows the scheme: `s3cr3t` in `Bearer s3cr3t`. A value without a scheme is taken whole.
fn credentials(value: &[u8]) -> &[u8] {
    match value.iter().position(u8::is_ascii_whitespace) {
        Some(end) => value[end..].trim_ascii_start(),
        None => value,
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, net::SocketAddr};

    use actix_web::test::TestRequest;

    use super::*;

    fn from(peer: &str) -> TestRequest {
        TestRequest::default().peer_addr(SocketAddr::new(peer.parse().unwrap(), 47))
    }

    /// The key of a request in a limiter that trusts one hop.
    fn behind_one_hop(request: TestRequest) -> Option<Key> {
        let config = IdentityConfig { proxies: TrustedProxies::hops(1), ..Default::default() };
        let address = config.client_address(&request.to_http_request())?;
        Some(config.key(address))
    }

    #[test]
    fn s54_every_spelling_of_an_ipv4_peer_is_one_key() {
        let keys = ["::ffff:1.2.3.4", "::ffff:102:304", "1.2.3.4"];
        for peer in keys {
            let request = from(peer).to_http_request();
            assert_eq!(peer_ip(&request), Some(Key::ip("1.2.3.4".parse().unwrap())), "{peer}");
            assert_eq!(client_ip(&request), peer_ip(&request), "{peer}");
        }
    }

    #[test]
    fn s55_an_ipv4_address_inside_an_ipv6_address_is_not_the_ipv4_client() {
        let ipv4 = peer_ip(&from("1.2.3.4").to_http_request());
        for peer in ["2001:db8::1.2.3.4", "64:ff9b::1.2.3.4", "::1.2.3.4"] {
            assert_ne!(peer_ip(&from(peer).to_http_request()), ipv4, "{peer}");
        }
    }

    #[test]
    fn s56_who_rotates_inside_a_64_keeps_one_key_and_who_rotates_64s_meets_the_wider_one() {
        let distinct = |key: &dyn Fn(&HttpRequest) -> Option<Key>, peer: &dyn Fn(u16) -> String| {
            let keys = (0..256).map(|n| key(&from(&peer(n)).to_http_request()).unwrap());
            keys.map(|key| key.to_bytes().to_vec()).collect::<HashSet<_>>().len()
        };
        let inside_64 = |n| format!("2001:db8:1:1:{n:x}::{n:x}");
        let inside_48 = |n| format!("2001:db8:1:{n:x}::1");
        let inside_24 = |n| format!("192.0.2.{n}");
        for wide in [peer_network(24, 48), client_network(24, 48)] {
            let wide = move |request: &HttpRequest| wide.key(request);
            assert_eq!(distinct(&peer_ip, &inside_64), 1);
            assert_eq!(distinct(&peer_ip, &inside_48), 256);
            assert_eq!(distinct(&wide, &inside_48), 1);
            assert_eq!(distinct(&peer_ip, &inside_24), 256);
            assert_eq!(distinct(&wide, &inside_24), 1);
        }
    }

    #[test]
    fn s57_without_a_peer_address_there_is_no_identity() {
        let request = TestRequest::default()
            .insert_header(("x-forwarded-for", "192.0.2.1"))
            .insert_header(("forwarded", "for=192.0.2.1"))
            .to_http_request();
        assert_eq!(peer_ip(&request), None);
        assert_eq!(client_ip(&request), None);
        assert_eq!(client_network(24, 48).key(&request), None);
        assert_eq!((everyone, peer_ip).key(&request), None);
    }

    #[test]
    fn a_hidden_client_has_no_identity_rather_than_that_of_the_proxy() {
        let request = |chain| from("10.0.0.1").insert_header(("x-forwarded-for", chain));
        assert_eq!(behind_one_hop(request("192.0.2.1, unknown")), None);
        assert_eq!(
            behind_one_hop(request("unknown, 192.0.2.1")),
            behind_one_hop(from("192.0.2.1"))
        );
    }

    #[test]
    fn s58_hostile_header_values_neither_collide_nor_grow() {
        let values = [
            "/",
            ":",
            "{",
            "}",
            "_",
            "{a}",
            "a/b",
            "a:b",
            "t\u{1}a",
            "\u{1f980}",
            "\u{1f980}\u{1f980}",
            "a\tb",
            "a b",
            "*",
            "a,b",
        ];
        let megabyte = "k".repeat(1 << 20);
        let longer = "k".repeat((1 << 20) + 1);
        let mut keys = HashSet::new();
        let mut expected = 0;
        for value in values.into_iter().chain([&*megabyte, &*longer]) {
            let value =
                HeaderValue::from_str(value).or_else(|_| HeaderValue::from_bytes(value.as_bytes()));
            // Control characters never get past the parser of a request.
            let Ok(value) = value else { continue };
            let request = TestRequest::default().insert_header(("x-user", value)).to_http_request();
            let plain = header("x-user").key(&request);
            let secret = secret_header("x-user").key(&request);
            for key in [plain, secret].into_iter().flatten() {
                assert!(key.to_bytes().len() <= 64);
                keys.insert(key.to_bytes().to_vec());
                expected += 1;
            }
        }
        assert!(expected > 20, "{expected}");
        assert_eq!(keys.len(), expected);
    }

    #[test]
    fn s58_a_function_may_yield_any_text() {
        let keys: Vec<_> = ["\r\nSET x 1", "\0", "a\0", "{a}", "a}b"]
            .map(|text| {
                (move |_: &HttpRequest| text).key(&from("192.0.2.1").to_http_request()).unwrap()
            })
            .into();
        for (index, key) in keys.iter().enumerate() {
            assert!(key.to_bytes().len() <= 64);
            assert!(!keys[index + 1..].contains(key));
        }
        let empty = |_: &HttpRequest| "";
        assert_eq!(empty.key(&from("192.0.2.1").to_http_request()), None);
    }

    #[test]
    fn a_repeated_absent_empty_or_garbled_header_is_no_identity() {
        let twice = TestRequest::default()
            .append_header(("x-user", "alice"))
            .append_header(("x-user", "alice"));
        let garbled = TestRequest::default()
            .insert_header(("x-user", HeaderValue::from_bytes(b"alice\xff").unwrap()));
        for (request, secret) in [
            (twice, false),
            (TestRequest::default(), false),
            (TestRequest::default().insert_header(("x-user", "")), false),
            (TestRequest::default().insert_header(("x-user", " \t")), false),
            // A credential is bytes.
            (garbled, true),
        ] {
            let request = request.to_http_request();
            assert_eq!(header("x-user").key(&request), None);
            assert_eq!(secret_header("x-user").key(&request).is_some(), secret);
        }
    }

    #[test]
    fn the_case_of_a_header_name_and_blanks_around_its_value_do_not_count() {
        let request =
            TestRequest::default().insert_header(("X-User", " alice\t")).to_http_request();
        for name in ["x-user", "X-User", "X-USER"] {
            assert_eq!(header(name).key(&request), Some(Key::text("alice")));
        }
        assert_eq!(header("x-use").key(&request), None);
        assert_eq!(header("not a name").key(&request), None);
    }

    #[test]
    fn respelling_the_scheme_of_a_credential_gains_no_counter() {
        let key = |name, value| {
            let request = TestRequest::default().insert_header((name, value)).to_http_request();
            secret_header(name).key(&request)
        };
        let token = Some(Key::secret(b"s3cr3t"));
        for value in ["Bearer s3cr3t", "bearer s3cr3t", "BEARER \t s3cr3t ", "s3cr3t"] {
            assert_eq!(key("authorization", value), token, "{value:?}");
            assert_eq!(key("proxy-authorization", value), token, "{value:?}");
        }
        assert_ne!(key("authorization", "Bearer S3cr3t"), token);
        // Elsewhere the first word is part of the secret.
        assert_ne!(key("x-api-key", "Bearer s3cr3t"), token);
    }

    #[test]
    fn a_secret_never_stands_in_a_key() {
        let secret = "correct-horse-battery";
        let request = TestRequest::default().insert_header(("x-api-key", secret)).to_http_request();
        let key = secret_header("x-api-key").key(&request).unwrap();
        let found =
            key.to_bytes().windows(4).any(|part| secret.as_bytes().windows(4).any(|s| s == part));
        assert!(!found);
    }

    #[test]
    fn a_tuple_is_one_key_for_each_combination_and_none_where_a_part_is_missing() {
        let request = |a: &str, b: &str| {
            TestRequest::default()
                .insert_header(("a", a))
                .insert_header(("b", b))
                .peer_addr("192.0.2.1:47".parse().unwrap())
                .to_http_request()
        };
        let pair = (header("a"), header("b"));
        assert_eq!(pair.key(&request("1", "2")), pair.key(&request("1", "2")));
        assert_ne!(pair.key(&request("1", "23")), pair.key(&request("12", "3")));
        assert_ne!(pair.key(&request("1", "2")), pair.key(&request("2", "1")));
        assert_eq!(pair.key(&request("1", "")), None);
        assert_eq!(pair.key(&request("", "2")), None);

        let four = (header("a"), peer_ip, header("b"), |_: &HttpRequest| 7_u64);
        assert!(four.key(&request("1", "2")).is_some());
        assert_eq!(four.key(&request("1", "")), None);
        let three = (everyone, peer_ip, header("b"));
        assert_ne!(three.key(&request("1", "2")), pair.key(&request("1", "2")));
    }

    #[test]
    fn everyone_shares_no_key_with_anybody() {
        let request = from("192.0.2.1").insert_header(("a", "everyone")).to_http_request();
        let key = everyone(&request);
        assert_eq!(key, everyone(&TestRequest::default().to_http_request()));
        assert_ne!(key, header("a").key(&request));
        assert_ne!(key, peer_ip(&request));
    }

    #[test]
    fn functions_closures_and_trait_objects_are_keys() {
        fn path(request: &HttpRequest) -> &str {
            request.path()
        }
        let request = from("192.0.2.1").uri("/a").to_http_request();
        let prefix = String::from("user:");
        let keys: [Box<dyn KeyBy>; 5] = [
            Box::new(path),
            Box::new(peer_ip),
            Box::new(move |request: &HttpRequest| format!("{prefix}{}", request.path())),
            Box::new(|_: &HttpRequest| Some(7_u32)),
            Box::new((path, header("host"))),
        ];
        let keys = keys.map(|key| key.key(&request));
        assert_eq!(keys[0], Some(Key::text("/a")));
        assert_eq!(keys[1], Some(Key::ip("192.0.2.1".parse().unwrap())));
        assert_eq!(keys[2], Some(Key::text("user:/a")));
        assert_eq!(keys[3], Some(Key::number(7)));
        assert_eq!(keys[4], None);
    }
}
