//! The static record of one handler's limits, created by the attributes.
//!
//! The attributes of `limiter-macros` expand to one `static` [`HandlerRecord`] per handler, which
//! is also submitted to a link-time list. [`handlers`] reads that list, so the limits of a program
//! are known before the first request.

use std::{borrow::Cow, fmt};

use actix_web::{HttpResponse, dev::ResponseHead};
use limiter_core::{Key, OnStoreError, Quota, Strategy};

use super::{function::RequestFn, meta::MetaLimit};
use crate::limit::Breach;

/// One limit attribute: its quotas and its arguments.
#[derive(Clone, Copy)]
pub struct LimitRecord {
    pub(crate) source: LimitSource,
    pub(crate) scope: ScopeRecord,
    /// The function that returns the scope name, if there is one.
    pub(crate) scope_by: Option<RequestFn<Cow<'static, str>>>,
    pub(crate) key: Option<RequestFn<Option<Key>>>,
    pub(crate) cost: CostRecord,
    pub(crate) cost_after: Option<fn(&ResponseHead) -> u64>,
    pub(crate) per_method: bool,
    pub(crate) methods: &'static [&'static str],
    pub(crate) override_defaults: bool,
    pub(crate) exempt_when: Option<RequestFn<bool>>,
    pub(crate) deduct_when: Option<fn(&ResponseHead) -> bool>,
    pub(crate) on_breach: Option<fn(&Breach<'_>) -> Option<HttpResponse>>,
    pub(crate) error_message: Option<MessageRecord>,
    pub(crate) meta: &'static [&'static MetaLimit],
    pub(crate) shadow: bool,
    pub(crate) candidate: Option<&'static str>,
    pub(crate) name: Option<&'static str>,
    pub(crate) strategy: Option<Strategy>,
    pub(crate) on_store_error: Option<OnStoreError>,
}

/// The builder that generated code calls in the initialiser of a `static`.
#[doc(hidden)]
impl LimitRecord {
    /// `#[limit(text)]`. The text was checked by the macro.
    pub const fn limit(text: &'static str) -> Self {
        Self::from_source(LimitSource::Text(text))
    }

    /// `#[limit(function)]`.
    pub const fn dynamic(function: RequestFn<Cow<'static, str>>) -> Self {
        Self::from_source(LimitSource::Function(function))
    }

    const fn from_source(source: LimitSource) -> Self {
        Self {
            source,
            scope: ScopeRecord::Handler,
            scope_by: None,
            key: None,
            cost: CostRecord::Fixed(1),
            cost_after: None,
            per_method: false,
            methods: &[],
            override_defaults: true,
            exempt_when: None,
            deduct_when: None,
            on_breach: None,
            error_message: None,
            meta: &[],
            shadow: false,
            candidate: None,
            name: None,
            strategy: None,
            on_store_error: None,
        }
    }

    /// `scope = "…"` of a `#[shared_limit]`: the name its handlers share.
    pub const fn shared(self, scope: &'static str) -> Self {
        Self { scope: ScopeRecord::Shared(scope), ..self }
    }

    /// `scope = f` of a `#[shared_limit]`.
    pub const fn shared_by(self, scope: RequestFn<Cow<'static, str>>) -> Self {
        Self { scope: ScopeRecord::SharedBy, scope_by: Some(scope), ..self }
    }

    /// `scope = "…"` of a `#[limit]`: the handler's scope, divided by a name.
    pub const fn scope(self, scope: &'static str) -> Self {
        Self { scope: ScopeRecord::HandlerPart(scope), ..self }
    }

    /// `scope = f` of a `#[limit]`.
    pub const fn scope_by(self, scope: RequestFn<Cow<'static, str>>) -> Self {
        Self { scope: ScopeRecord::HandlerPartBy, scope_by: Some(scope), ..self }
    }

    /// `key = …`.
    pub const fn key(self, key: RequestFn<Option<Key>>) -> Self {
        Self { key: Some(key), ..self }
    }

    /// `cost = …`.
    pub const fn cost(self, cost: CostRecord) -> Self {
        Self { cost, ..self }
    }

    /// `cost_after = …`.
    pub const fn cost_after(self, cost: fn(&ResponseHead) -> u64) -> Self {
        Self { cost_after: Some(cost), ..self }
    }

    /// `per_method = …`.
    pub const fn per_method(self, per_method: bool) -> Self {
        Self { per_method, ..self }
    }

    /// `methods = […]`, upper case. An empty list means all methods.
    pub const fn methods(self, methods: &'static [&'static str]) -> Self {
        Self { methods, ..self }
    }

    /// `override_defaults = …`.
    pub const fn override_defaults(self, override_defaults: bool) -> Self {
        Self { override_defaults, ..self }
    }

    /// `exempt_when = …`.
    pub const fn exempt_when(self, exempt: RequestFn<bool>) -> Self {
        Self { exempt_when: Some(exempt), ..self }
    }

    /// `deduct_when = …`.
    pub const fn deduct_when(self, deduct: fn(&ResponseHead) -> bool) -> Self {
        Self { deduct_when: Some(deduct), ..self }
    }

    /// `on_breach = …`.
    pub const fn on_breach(self, callback: fn(&Breach<'_>) -> Option<HttpResponse>) -> Self {
        Self { on_breach: Some(callback), ..self }
    }

    /// `error_message = …`.
    pub const fn error_message(self, error_message: MessageRecord) -> Self {
        Self { error_message: Some(error_message), ..self }
    }

    /// `meta = …`.
    pub const fn meta(self, meta: &'static [&'static MetaLimit]) -> Self {
        Self { meta, ..self }
    }

    /// `shadow = …`. A limit that never denies must not replace one that does.
    pub const fn shadow(self, shadow: bool) -> Self {
        Self { shadow, override_defaults: self.override_defaults && !shadow, ..self }
    }

    /// `candidate = "…"`. The text was checked by the macro.
    pub const fn candidate(self, candidate: &'static str) -> Self {
        Self { candidate: Some(candidate), ..self }
    }

    /// `name = "…"`, printable ASCII.
    pub const fn name(self, name: &'static str) -> Self {
        Self { name: Some(name), ..self }
    }

    /// `strategy = "…"`.
    pub const fn strategy(self, strategy: Strategy) -> Self {
        Self { strategy: Some(strategy), ..self }
    }

    /// `on_store_error = "…"`.
    pub const fn on_store_error(self, policy: OnStoreError) -> Self {
        Self { on_store_error: Some(policy), ..self }
    }
}

impl LimitRecord {
    /// The limit notation as written: `"100/day;10/hour"`. `None` for a dynamic limit.
    pub fn text(&self) -> Option<&'static str> {
        match self.source {
            LimitSource::Text(text) => Some(text),
            LimitSource::Function(_) => None,
        }
    }

    /// Whether the limit can count a request that was answered in front of the handler: it calls no
    /// function except its key.
    pub(crate) const fn counts_in_front(&self) -> bool {
        matches!(self.source, LimitSource::Text(_))
            && self.scope_by.is_none()
            && self.exempt_when.is_none()
            && matches!(self.cost, CostRecord::Fixed(_))
            && !matches!(self.key, Some(RequestFn::Async(_)))
    }

    /// The quotas of [`text`](Self::text), in order.
    pub fn quotas(&self) -> Vec<Quota> {
        self.text().map_or_else(Vec::new, checked_quotas)
    }

    /// Where the counters live: per handler, or shared under a name.
    pub fn scope_record(&self) -> ScopeRecord {
        self.scope
    }

    /// Whether the limit replaces the limiter's default limits.
    pub fn overrides_defaults(&self) -> bool {
        self.override_defaults
    }

    /// Whether the limit is counted and reported, but never denies.
    pub fn is_shadow(&self) -> bool {
        self.shadow
    }

    /// The limit that is evaluated beside this one on trial, and never denies.
    pub fn candidate_text(&self) -> Option<&'static str> {
        self.candidate
    }
}

/// The quotas of a text that the macro or the compiler has parsed already.
pub(crate) fn checked_quotas(text: &str) -> Vec<Quota> {
    limiter_core::notation::parse_many(text)
        .expect("the macro or the compiler has parsed this very text")
}

impl fmt::Debug for LimitRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LimitRecord")
            .field("text", &self.text())
            .field("scope", &self.scope)
            .field("per_method", &self.per_method)
            .field("methods", &self.methods)
            .field("override_defaults", &self.override_defaults)
            .field("error_message", &self.error_message)
            .field("shadow", &self.shadow)
            .field("candidate", &self.candidate)
            .field("name", &self.name)
            .field("strategy", &self.strategy)
            .field("on_store_error", &self.on_store_error)
            .finish_non_exhaustive()
    }
}

/// Where the limits of an attribute come from.
#[derive(Clone, Copy)]
pub(crate) enum LimitSource {
    Text(&'static str),
    Function(RequestFn<Cow<'static, str>>),
}

/// Where a declared limit keeps its counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScopeRecord {
    /// One counter per handler.
    Handler,
    /// One counter per handler and this name.
    HandlerPart(&'static str),
    /// One counter per handler and name that a function of the request returns.
    HandlerPartBy,
    /// One counter for every handler that names this scope.
    Shared(&'static str),
    /// One counter for every name that a function of the request returns, whatever the handler.
    SharedBy,
}

/// The cost of a request, in the form that generated code stores.
///
/// Not public API. Used by generated code.
#[doc(hidden)]
#[derive(Clone, Copy)]
#[allow(missing_debug_implementations)]
pub enum CostRecord {
    /// `cost = 2`.
    Fixed(u64),
    /// `cost = f`.
    Function(RequestFn<u64>),
}

/// The message of a denial, in the form that generated code stores.
///
/// Not public API. Used by generated code.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub enum MessageRecord {
    /// `error_message = "…"`.
    Text(&'static str),
    /// `error_message = f`.
    Function(fn(&Breach<'_>) -> String),
}

impl fmt::Debug for MessageRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => text.fmt(f),
            Self::Function(_) => f.write_str("a function"),
        }
    }
}
