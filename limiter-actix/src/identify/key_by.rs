//! Key functions, and their composition.

use actix_web::HttpRequest;
use limiter_core::{IntoKey, Key};

/// How to distinguish clients.
///
/// A limit's `key` can be any `KeyBy`:
///
/// * the ready-made ones: [`peer_ip`](crate::peer_ip) (the default, unless proxies are configured),
///   [`client_ip`](crate::client_ip),
///   [`header`](crate::header()), [`secret_header`](crate::secret_header), [`everyone`];
/// * a function or closure from `&HttpRequest` to anything that is [`IntoKey`]: a text, a number, a
///   [`Key`], or an `Option` of one;
/// * a tuple of two to four of them: a counter for each combination. If one part is missing, there
///   is no identity at all, so a client cannot escape its counter by omitting a part;
/// * a type of your own that implements the trait.
///
/// `None` means *no identity*: the limiter's policy for a missing identity applies, which refuses
/// the request unless you choose otherwise. It never means "unlimited".
///
/// ```
/// use actix_web::{test::TestRequest, HttpRequest};
/// use limiter_actix::{header, peer_ip, Key, KeyBy};
///
/// // The part of the path with the name of the customer.
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
/// A type of your own can have its own configuration:
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
    message = "expected a key function, found `{Self}`",
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
/// cannot express that.
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
        /// A key for each combination; no identity if a part has none.
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

/// One counter for all clients: the capacity of the whole server, or of a resource behind it.
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
    // The one text that no key function returns: an empty text is no identity.
    Some(Key::text(""))
}
