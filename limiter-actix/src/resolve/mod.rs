//! Which limits apply? Declarations, put together for one handler or endpoint.
//!
//! A [`Plan`](plan::Plan) is what a handler, the scopes around it and the limiter declare for one
//! method. Where all of that is known beforehand, the plan is one [`Rule`](rule::Rule), made once per
//! worker. Where functions return limits or scopes, each request calls them, and the rule for their
//! answers is made once and remembered.
//!
//! It imports `limit`, `answer`, `declare` and `limiter`. It must not know who charges a request, or
//! when.

mod block;
mod declaration;
mod meta;
mod plan;
mod rule;
mod target;

#[cfg(feature = "cli")]
pub(crate) use self::meta::global_metas;
pub(crate) use self::{
    block::block_rule,
    plan::Plan,
    rule::{LimitKey, Rule, RuleLimit},
    target::{Place, Target},
};
