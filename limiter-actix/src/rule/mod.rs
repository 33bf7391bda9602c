//! Which limits apply: declarations, put together for one handler or endpoint.
//!
//! A [`Plan`](plan::Plan) is what a handler, the scopes around it and the limiter declare for one
//! method. Where all of that is known beforehand, the plan is one [`Rule`](limit::Rule), made once
//! per worker. Where functions name limits or scopes, each request asks them, and the rule for
//! their answers is made once and remembered.

mod limit;
mod method;
mod plan;
mod terms;

#[cfg(feature = "cli")]
pub(crate) use self::plan::global_metas;
pub(crate) use self::{
    limit::{Class, LimitKey, MetaRole, Role, Rule, RuleLimit},
    method::CountedMethod,
    plan::{Place, Plan, Target, check_quota},
    terms::{LimitTerms, Message, OnBreach, Text},
};
