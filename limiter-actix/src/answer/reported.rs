//! What response headers report about a decision.

use actix_web::http::header::HeaderValue;
use limiter_core::Decision;

use crate::limit::Policy;

/// What response headers report: the decision on a request.
pub(crate) trait Reported {
    /// The limit that the `X-RateLimit-*` fields describe.
    fn headline(&self) -> Option<(&Policy, &Decision)>;

    /// All limits that the `RateLimit` field describes, shortest window first.
    fn reported(&self) -> impl Iterator<Item = (&Policy, &Decision)>;

    /// The `RateLimit-Policy` field.
    fn policy_field(&self) -> Option<&HeaderValue>;
}
