//! The headers that tell a client its limits.

use std::{convert::identity, time::Duration};

use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use limiter_core::{Decision, clock};

use crate::{
    answer::seconds_up, charge::Batch, config::BuildError, decimal::decimal, rule::RuleLimit,
};

/// Which headers tell a client its limits, and under which names.
///
/// ```
/// use limiter_actix::{Headers, RetryAfter};
///
/// let headers = Headers::all().limit_name("X-Quota").retry_after(RetryAfter::HttpDate);
/// # let _ = headers;
/// ```
///
/// The `X-RateLimit-*` fields describe one limit: the first breached one, or else the one with the
/// shortest window among those of the endpoint itself. Their values are requests and, for the
/// reset, seconds since the UNIX epoch, as in the reference. The `RateLimit` and
/// `RateLimit-Policy` fields (`draft-ietf-httpapi-ratelimit-headers-10`) describe all of them.
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

/// How `Retry-After` is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RetryAfter {
    /// Seconds from now, rounded up. The default.
    #[default]
    Seconds,
    /// A date, for clients that cannot do otherwise.
    HttpDate,
}

/// A header name, or the text that is none.
type Name = Result<HeaderName, String>;

impl Headers {
    /// No header but the `Retry-After` of denials.
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

    /// Each header, and the name under which it is sent.
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

    /// Whether any header tells a limit.
    pub(crate) fn are_on(&self) -> bool {
        self.x_rate_limit || self.ietf
    }

    pub(crate) fn retry_after_form(&self) -> RetryAfter {
        self.retry_after_form
    }

    pub(crate) fn retry_after_field(&self) -> HeaderName {
        self.retry_after.clone().unwrap_or(header::RETRY_AFTER)
    }

    /// **Headers**: adds the fields to a response, unless they are there: an inner limiter knows
    /// better, and a field must not stand twice.
    pub(crate) fn write(&self, batch: &Batch, headers: &mut HeaderMap) {
        self.fields(batch).write(headers);
    }

    /// The fields of a decision.
    #[inline]
    pub(crate) fn fields(&self, batch: &Batch) -> Fields {
        Fields {
            x_rate_limit: self.x_rate_limit.then(|| self.x_fields(batch)).flatten(),
            ietf: self.ietf.then(|| ietf_fields(batch)).flatten(),
        }
    }

    #[inline]
    fn x_fields(&self, batch: &Batch) -> Option<[(HeaderName, u64); 3]> {
        let (limit, decision) = batch.headline()?;
        let name = |name: &Name| name.clone().ok();
        // The reference rounds the same way: a whole second later than the truncated moment.
        let reset = (clock::unix_micros() + decision.reset_after_micros()) / 1_000_000 + 1;
        Some([
            (name(&self.limit)?, limit.quota().amount()),
            (name(&self.remaining)?, decision.remaining()),
            (name(&self.reset)?, reset),
        ])
    }
}

/// The fields of one decision.
#[derive(Clone)]
pub(crate) struct Fields {
    x_rate_limit: Option<[(HeaderName, u64); 3]>,
    ietf: Option<[(HeaderName, HeaderValue); 2]>,
}

impl Fields {
    /// Adds them to a response, as [`Headers::write`].
    #[inline]
    pub(crate) fn write(self, headers: &mut HeaderMap) {
        if let Some(fields) = self.x_rate_limit {
            insert(fields, decimal, headers);
        }
        if let Some(fields) = self.ietf {
            insert(fields, identity, headers);
        }
    }
}

/// Inserts a family of fields, unless its first one is there.
fn insert<V, const N: usize>(
    fields: [(HeaderName, V); N],
    written: impl Fn(V) -> HeaderValue,
    headers: &mut HeaderMap,
) {
    if fields.first().is_some_and(|(name, _)| headers.contains_key(name)) {
        return;
    }
    for (name, value) in fields {
        headers.insert(name, written(value));
    }
}

fn parse(name: &str) -> Name {
    name.parse().map_err(|_| name.to_owned())
}

fn ietf_fields(batch: &Batch) -> Option<[(HeaderName, HeaderValue); 2]> {
    let policy = match batch.told().find(|(limit, _)| limit.is_meta()) {
        Some((meta, _)) => HeaderValue::from_str(&policy_item(meta)).ok()?,
        None => batch.rule()?.policy_field()?.clone(),
    };
    let items: Vec<String> =
        batch.told().map(|(limit, decision)| rate_limit_item(limit, decision)).collect();
    if items.is_empty() {
        // Left out while the storage is ill: nothing is known, and a list must not be empty.
        return None;
    }
    let state = HeaderValue::from_str(&items.join(",")).ok()?;
    Some([
        (HeaderName::from_static("ratelimit-policy"), policy),
        (HeaderName::from_static("ratelimit"), state),
    ])
}

fn rate_limit_item(limit: &RuleLimit, decision: &Decision) -> String {
    let reset = seconds_up(decision.reset_after());
    format!("{};r={};t={reset}", rfc9651_string(&limit.name), decision.remaining())
}

/// The `RateLimit-Policy` field of a rule: one item per limit. The same for all its responses, so
/// it is written once.
pub(crate) fn policy_field(limits: &[RuleLimit]) -> Option<HeaderValue> {
    let items: Vec<String> =
        limits.iter().filter(|limit| limit.is_enforced()).map(policy_item).collect();
    if items.is_empty() {
        return None;
    }
    HeaderValue::from_str(&items.join(",")).ok()
}

fn policy_item(limit: &RuleLimit) -> String {
    let quota = limit.quota();
    let item = format!("{};q={}", rfc9651_string(&limit.name), quota.amount());
    // The parameter counts whole seconds; a shorter window has none.
    match quota.window() {
        window if window < Duration::from_secs(1) || window.subsec_nanos() > 0 => item,
        window => format!("{item};w={}", window.as_secs()),
    }
}

/// A String of RFC 9651, section 3.3.3. Policy names are printable ASCII.
fn rfc9651_string(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
