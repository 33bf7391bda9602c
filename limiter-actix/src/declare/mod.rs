//! What an app declares about limits: attributes, scopes, options, functions.
//!
//! It imports `error`, `identify` and `limit`. It must not know the limiter, or how declarations
//! are used: `resolve` creates rules from them.

mod check;
mod cost;
mod exemption;
mod function;
mod handler;
mod meta;
mod method;
mod options;
mod record;
mod scope;
mod shared_limit;
mod text;

#[cfg(feature = "cli")]
pub(crate) use self::scope::collected;
pub(crate) use self::{
    check::{check_enforceable, check_quota},
    cost::Cost,
    exemption::ExemptPaths,
    function::{Function, ResponseFn},
    method::{CountedMethod, is_listed},
    options::{LimitOptions, Message, OnBreach, key_function, on_breach},
    scope::ScopeDeclaration,
    text::LimitText,
};
pub use self::{
    cost::IntoCost,
    exemption::Exemption,
    function::RequestFn,
    handler::{HandlerRecord, RouteRecord, handlers},
    meta::MetaLimit,
    record::{CostRecord, LimitRecord, MessageRecord, ScopeRecord},
    scope::ScopeLimits,
    shared_limit::SharedLimit,
    text::{IntoLimitText, IntoLimits},
};
