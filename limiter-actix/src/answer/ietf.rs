//! The fields `RateLimit` and `RateLimit-Policy` (`draft-ietf-httpapi-ratelimit-headers-10`).

use std::time::Duration;

use actix_web::http::header::HeaderValue;
use limiter_core::Decision;

use super::{reported::Reported, retry_after::seconds_up};
use crate::limit::Policy;

pub(super) fn ietf_fields(decision: &impl Reported) -> Option<[HeaderValue; 2]> {
    let policy = match decision.reported().find(|(limit, _)| limit.is_meta()) {
        Some((meta, _)) => HeaderValue::from_str(&policy_item(meta)).ok()?,
        None => decision.policy_field()?.clone(),
    };
    let items: Vec<String> =
        decision.reported().map(|(limit, decision)| rate_limit_item(limit, decision)).collect();
    if items.is_empty() {
        // Omitted while the storage is failing: no state is known, and a list must not be empty.
        return None;
    }
    let state = HeaderValue::from_str(&items.join(",")).ok()?;
    Some([policy, state])
}

fn rate_limit_item(limit: &Policy, decision: &Decision) -> String {
    let reset = seconds_up(decision.reset_after());
    format!("{};r={};t={reset}", rfc9651_string(limit.name()), decision.remaining())
}

/// The `RateLimit-Policy` field of a rule: one item per limit. It is the same for all responses of
/// the rule, so it is written once.
pub(crate) fn policy_field<'a>(
    limits: impl IntoIterator<Item = &'a Policy>,
) -> Option<HeaderValue> {
    let items: Vec<String> =
        limits.into_iter().filter(|limit| limit.is_enforced()).map(policy_item).collect();
    if items.is_empty() {
        return None;
    }
    HeaderValue::from_str(&items.join(",")).ok()
}

fn policy_item(limit: &Policy) -> String {
    let quota = limit.quota();
    let item = format!("{};q={}", rfc9651_string(limit.name()), quota.amount());
    // The parameter counts whole seconds, so a shorter window has none.
    match quota.window() {
        window if window < Duration::from_secs(1) || window.subsec_nanos() > 0 => item,
        window => format!("{item};w={}", window.as_secs()),
    }
}

/// A String of RFC 9651, section 3.3.3. Policy names are printable ASCII.
fn rfc9651_string(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
