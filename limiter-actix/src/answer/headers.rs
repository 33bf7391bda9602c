//! Response headers that report the limits to the client.

use std::time::Duration;

use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use limiter_core::clock;

use super::{
    decimal::with_decimals,
    ietf::ietf_fields,
    reported::Reported,
    retry_after::{self, RetryAfter},
};
use crate::error::BuildError;

/// Which response headers report the limits, and under which names.
///
/// ```
/// use limiter_actix::{Headers, RetryAfter};
///
/// let headers = Headers::all().limit_name("X-Quota").retry_after(RetryAfter::HttpDate);
/// # let _ = headers;
/// ```
///
/// The `X-RateLimit-*` fields describe one limit: the first breached one, or else the endpoint's
/// own limit with the shortest window. Their values are numbers of requests and, for the reset,
/// seconds since the UNIX epoch, as in the reference. The `RateLimit` and `RateLimit-Policy` fields
/// (`draft-ietf-httpapi-ratelimit-headers-10`) describe all limits.
#[derive(Clone, Debug)]
pub struct Headers {
    x_rate_limit: bool,
    ietf: bool,
    limit: Name,
    remaining: Name,
    reset: Name,
    retry_after: Name,
    retry_after_form: RetryAfter,
}

/// A header name, or the text that is not a valid one.
type Name = Result<HeaderName, String>;

impl Headers {
    /// No header except the `Retry-After` of denials.
    pub fn off() -> Self {
        Self {
            x_rate_limit: false,
            ietf: false,
            limit: Ok(HeaderName::from_static("x-ratelimit-limit")),
            remaining: Ok(HeaderName::from_static("x-ratelimit-remaining")),
            reset: Ok(HeaderName::from_static("x-ratelimit-reset")),
            retry_after: Ok(header::RETRY_AFTER),
            retry_after_form: RetryAfter::Seconds,
        }
    }

    /// `X-RateLimit-Limit`, `X-RateLimit-Remaining` and `X-RateLimit-Reset`.
    pub fn x_rate_limit() -> Self {
        Self { x_rate_limit: true, ..Self::off() }
    }

    /// `RateLimit` and `RateLimit-Policy`.
    pub fn ietf() -> Self {
        Self { ietf: true, ..Self::off() }
    }

    /// Both families.
    pub fn all() -> Self {
        Self { x_rate_limit: true, ietf: true, ..Self::off() }
    }

    /// The name of `X-RateLimit-Limit`.
    #[must_use]
    pub fn limit_name(self, name: &str) -> Self {
        Self { limit: parse(name), ..self }
    }

    /// The name of `X-RateLimit-Remaining`.
    #[must_use]
    pub fn remaining_name(self, name: &str) -> Self {
        Self { remaining: parse(name), ..self }
    }

    /// The name of `X-RateLimit-Reset`.
    #[must_use]
    pub fn reset_name(self, name: &str) -> Self {
        Self { reset: parse(name), ..self }
    }

    /// The name of `Retry-After`.
    #[must_use]
    pub fn retry_after_name(self, name: &str) -> Self {
        Self { retry_after: parse(name), ..self }
    }

    /// How `Retry-After` is written.
    #[must_use]
    pub fn retry_after(self, form: RetryAfter) -> Self {
        Self { retry_after_form: form, ..self }
    }

    /// Each header and the name under which it is sent.
    #[cfg(feature = "cli")]
    pub(crate) fn described(&self) -> Vec<(&'static str, String)> {
        let sent = |is: bool, name: &Name| match name {
            Ok(name) if is => name.to_string(),
            _ => "off".to_owned(),
        };
        vec![
            ("headers limit", sent(self.x_rate_limit, &self.limit)),
            ("headers remaining", sent(self.x_rate_limit, &self.remaining)),
            ("headers reset", sent(self.x_rate_limit, &self.reset)),
            ("headers retry_after", sent(true, &self.retry_after)),
            ("headers retry_after form", format!("{:?}", self.retry_after_form)),
            ("headers ietf", if self.ietf { "RateLimit, RateLimit-Policy" } else { "off" }.into()),
        ]
    }

    pub(crate) fn check(&self) -> Result<(), BuildError> {
        for name in [&self.limit, &self.remaining, &self.reset, &self.retry_after] {
            if let Err(text) = name {
                return Err(BuildError::new(format!(
                    "headers: expected a header name such as `X-RateLimit-Limit`, found `{text}`"
                )));
            }
        }
        Ok(())
    }

    /// Whether any header reports a limit.
    pub(crate) fn is_enabled(&self) -> bool {
        self.x_rate_limit || self.ietf
    }

    /// Writes `Retry-After`, unless the response has a later one already.
    pub(crate) fn write_retry_after(&self, wait: Duration, headers: &mut HeaderMap) {
        let field = self.retry_after.clone().unwrap_or(header::RETRY_AFTER);
        retry_after::write(field, self.retry_after_form, wait, headers);
    }

    /// **Headers**: adds the fields to a response that does not have them: those of an inner
    /// limiter are more specific, and a field must not appear twice.
    pub(crate) fn write(&self, decision: &impl Reported, headers: &mut HeaderMap) {
        self.write_fields(&self.fields(decision), headers);
    }

    /// The fields of a decision, for a response that is created later.
    #[inline]
    pub(crate) fn fields(&self, decision: &impl Reported) -> Fields {
        Fields {
            x_rate_limit: self.x_rate_limit.then(|| x_fields(decision)).flatten(),
            ietf: self.ietf.then(|| ietf_fields(decision)).flatten(),
        }
    }

    /// Adds fields to a response, as [`write`](Self::write) does.
    #[inline]
    pub(crate) fn write_fields(&self, fields: &Fields, headers: &mut HeaderMap) {
        if let Some(numbers) = fields.x_rate_limit
            && let (Ok(limit), Ok(remaining), Ok(reset)) =
                (&self.limit, &self.remaining, &self.reset)
        {
            with_decimals(|decimals| {
                let written = |number| decimals.value(number);
                insert([limit, remaining, reset], numbers, written, headers);
            });
        }
        if let Some(values) = &fields.ietf {
            let names = ["ratelimit-policy", "ratelimit"].map(HeaderName::from_static);
            insert(names.each_ref(), values.each_ref(), HeaderValue::clone, headers);
        }
    }
}

/// The values of the fields of one decision.
pub(crate) struct Fields {
    x_rate_limit: Option<[u64; 3]>,
    ietf: Option<[HeaderValue; 2]>,
}

/// Inserts a group of fields, unless the first one is present.
#[inline]
fn insert<V, const N: usize>(
    names: [&HeaderName; N],
    values: [V; N],
    mut written: impl FnMut(V) -> HeaderValue,
    headers: &mut HeaderMap,
) {
    let mut fields = names.into_iter().zip(values);
    let Some((first, value)) = fields.next() else { return };
    // Insert first and restore if necessary: a lookup beforehand takes as long as an insertion.
    let mut replaced = headers.insert(first.clone(), written(value));
    if let Some(value) = replaced.next() {
        headers.insert(first.clone(), value);
        replaced.for_each(|value| headers.append(first.clone(), value));
        return;
    }
    for (name, value) in fields {
        headers.insert(name.clone(), written(value));
    }
}

fn x_fields(decision: &impl Reported) -> Option<[u64; 3]> {
    let (limit, decision) = decision.headline()?;
    // Rounded as in the reference: one second more than the truncated time.
    let reset = (clock::unix_micros() + decision.reset_after_micros()) / 1_000_000 + 1;
    Some([limit.quota().amount(), decision.remaining(), reset])
}

fn parse(name: &str) -> Name {
    name.parse().map_err(|_| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn present_fields_are_not_replaced() {
        let names = ["x-limit", "x-remaining"].map(HeaderName::from_static);
        let all = |headers: &HeaderMap| -> Vec<Vec<HeaderValue>> {
            names.iter().map(|name| headers.get_all(name).cloned().collect()).collect()
        };
        let mut headers = HeaderMap::new();
        insert(names.each_ref(), [10, 9], HeaderValue::from, &mut headers);
        assert_eq!(all(&headers), [["10"], ["9"]]);
        headers.append(names[0].clone(), HeaderValue::from(11));
        let before = all(&headers);
        insert(names.each_ref(), [5, 4], HeaderValue::from, &mut headers);
        assert_eq!(all(&headers), before);
    }
}
