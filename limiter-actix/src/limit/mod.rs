//! One limit as handlers, callbacks, response headers and reports see it.
//!
//! It imports `storage`, to charge and to read a counter. It must not know how limits are declared,
//! resolved or charged: it has a policy, a key and a decision only.

mod breach;
mod current;
mod policy;

pub(crate) use self::{
    breach::longest_wait,
    policy::{MetaRole, Policy, Role, policy_name},
};
pub use self::{
    breach::{Breach, Denial, IntoBreachResponse},
    current::{CurrentLimit, CurrentLimits},
    policy::LimitOrigin,
};
