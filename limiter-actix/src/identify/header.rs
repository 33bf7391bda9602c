//! Header values as keys.

use actix_web::{HttpRequest, http::header::HeaderValue};
use limiter_core::{IntoKey, Key};

use super::key_by::KeyBy;

/// The value of a request header, written by the client or by a gateway in front of the server.
///
/// Such a key is only as reliable as the component that verifies the value: a client that invents a
/// new value for every request gets a new counter every time. Use it if something in front of the
/// server has verified the value, or together with a second limit by address. For credentials there
/// is [`secret_header`].
///
/// A header that is absent, empty or not UTF-8 is no identity. Neither is one that appears twice:
/// it would be arbitrary which line counts, and a client must not gain an identity by adding a
/// line. Whitespace around the value and the case of the name do not matter.
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
    pub(super) name: &'static str,
}

/// The value of a request header that is a credential: an API key, `Authorization`.
///
/// Like [`header`], but only the SHA-256 of the value is kept, so no credential ever reaches a
/// storage or a log.
///
/// For `Authorization` and `Proxy-Authorization` only the credentials are counted, not the scheme
/// in front of them: `bearer`, `Bearer` and `BEARER` are one scheme, and would be three counters.
/// Do not use it with schemes whose credentials change from request to request, such as `Digest`.
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
    pub(super) name: &'static str,
}

/// The value of a header that appears exactly once and is not empty.
pub(super) fn single_value<'a>(request: &'a HttpRequest, name: &str) -> Option<&'a [u8]> {
    // Not `HeaderMap::get_all`, which copies names that are not standard ones.
    let mut values = request
        .headers()
        .iter()
        .filter(|(header, _)| header.as_str().eq_ignore_ascii_case(name))
        .map(|(_, value)| HeaderValue::as_bytes(value).trim_ascii());
    let value = values.next().filter(|value| !value.is_empty())?;
    values.next().is_none().then_some(value)
}

/// The part after the scheme: `s3cr3t` in `Bearer s3cr3t`. Without a scheme, the whole value.
pub(super) fn credentials(value: &[u8]) -> &[u8] {
    match value.iter().position(u8::is_ascii_whitespace) {
        Some(end) => value[end..].trim_ascii_start(),
        None => value,
    }
}

impl KeyBy for Header {
    fn key(&self, request: &HttpRequest) -> Option<Key> {
        str::from_utf8(single_value(request, self.name)?).ok()?.into_key()
    }
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
