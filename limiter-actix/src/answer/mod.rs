//! What the client receives: header fields and bodies, made of policies and decisions alone.
//!
//! It imports `error` and `limit`. It must not know batches, rules, limiters or requests in flight:
//! what is to be reported is handed in as [`Reported`].

mod decimal;
mod form;
mod headers;
mod ietf;
mod problem;
mod reported;
mod retry_after;

#[cfg(feature = "cli")]
pub(crate) use self::retry_after::seconds_up;
pub(crate) use self::{
    form::Form,
    ietf::policy_field,
    problem::{exceeded, forbidden, internal_error, unavailable},
    reported::Reported,
};
pub use self::{headers::Headers, retry_after::RetryAfter};
