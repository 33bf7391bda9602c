//! Which limits apply? Combines the declarations for one handler or endpoint.
//!
//! A [`Plan`](plan::Plan) combines what a handler, the scopes around it and the limiter declare for
//! one method. If no function returns limits or scopes, the plan is one [`Rule`](rule::Rule),
//! created once per worker. Otherwise each request calls the functions, and the rule for their
//! results is created once and cached.
//!
//! It imports `limit`, `answer`, `declare` and `limiter`. It must not know which enforcer charges a
//! request, or when.

mod block;
mod declaration;
mod meta;
mod plan;
mod rule;
mod target;

#[cfg(feature = "cli")]
pub(crate) use self::meta::global_metas;
pub(crate) use self::{
    block::Block,
    plan::Plan,
    rule::{LimitKey, Rule, RuleLimit},
    target::{Place, Target},
};
