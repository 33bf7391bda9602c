//! The limiter: its settings, the state that all workers share, its handle.
//!
//! It imports the rooms from `error` to `declare`. It must not know how requests are resolved,
//! charged or enforced: it holds what those rooms share.

mod account;
mod credits;
mod endpoint_table;
mod handle;
mod hidden;
mod insiders;
pub(crate) mod namespace;
mod settings;
mod waiting;

pub(crate) use self::{
    account::{Account, NoCredit},
    credits::MOST_UNPAID,
    endpoint_table::{EndpointKey, Enforcer, Knowledge},
    insiders::{Gates, Insiders, Pardon, add_scope, forget_started_scopes, started_scopes},
    namespace::Namespace,
    settings::{AnswerSettings, LimitClass, LimitSettings, Settings},
};
pub use self::{handle::Limiter, settings::InvalidLimit};
