//! What an attribute wrote down: the static record of one handler's limits.
//!
//! The attributes of `limiter-macros` expand to one `static` [`HandlerRecord`] per handler, which
//! is also submitted to a link-time list: [`handlers`] reads it, so "what is limited?" has an
//! answer before the first request.

use std::fmt;

use actix_web::HttpRequest;
use futures_core::future::LocalBoxFuture;
use limiter_core::{Key, Quota, Strategy};

/// Every decorated handler linked into this program, ordered by handler path, file and line.
///
/// ```
/// use limiter_actix::limit;
///
/// #[limit("10/minute")]
/// async fn look_up() -> &'static str { "found" }
///
/// let record = limiter_actix::handlers()
///     .into_iter()
///     .find(|record| record.name() == "look_up")
///     .expect("every decorated handler is listed");
/// assert_eq!(record.limits()[0].text(), "10/minute");
/// ```
pub fn handlers() -> Vec<&'static HandlerRecord> {
    let mut records: Vec<_> = inventory::iter::<&'static HandlerRecord>().copied().collect();
    records.sort_by_key(|record| (record.handler, record.file, record.line));
    // A generic function's record is submitted once per program, but a library linked twice (a
    // doctest, a test harness) must not list a handler twice.
    records.dedup_by(|left, right| std::ptr::eq(*left, *right));
    records
}

inventory::collect!(&'static HandlerRecord);

/// One decorated handler: where it stands, its limits and its exemptions.
#[derive(Debug)]
pub struct HandlerRecord {
    handler: &'static str,
    name: &'static str,
    file: &'static str,
    line: u32,
    routes: &'static [RouteRecord],
    limits: &'static [LimitRecord],
    exempt: Exemption,
}

impl HandlerRecord {
    /// Not public API. Used by generated code.
    #[doc(hidden)]
    pub const fn declare(
        handler: &'static str,
        name: &'static str,
        file: &'static str,
        line: u32,
        routes: &'static [RouteRecord],
        limits: &'static [LimitRecord],
        exempt: Exemption,
    ) -> Self {
        Self { handler, name, file, line, routes, limits, exempt }
    }

    /// The path of the function, for example `shop::cart::checkout`.
    pub fn handler(&self) -> &'static str {
        self.handler
    }

    /// The function's own name: the last part of [`handler`](Self::handler), and the name that
    /// Actix's route attributes give to the resource.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The source file of the function, as the compiler was given it.
    pub fn file(&self) -> &'static str {
        self.file
    }

    /// The line of the function's name in [`file`](Self::file), counted from 1.
    pub fn line(&self) -> u32 {
        self.line
    }

    /// The routes that were visible to the attribute: those of route attributes written *below*
    /// it. Empty where the route attribute stands above, or the route is registered by hand.
    pub fn routes(&self) -> &'static [RouteRecord] {
        self.routes
    }

    /// The declared limits, in the order of the attributes.
    pub fn limits(&self) -> &'static [LimitRecord] {
        self.limits
    }

    /// What the handler is exempt from.
    pub fn exempt(&self) -> Exemption {
        self.exempt
    }
}

/// A method and path written in a route attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteRecord {
    method: &'static str,
    path: &'static str,
}

impl RouteRecord {
    /// Not public API. Used by generated code.
    #[doc(hidden)]
    pub const fn declare(method: &'static str, path: &'static str) -> Self {
        Self { method, path }
    }

    /// The method, upper case: `GET`.
    pub fn method(&self) -> &'static str {
        self.method
    }

    /// The path pattern, without the prefix of the scopes around it: `/users/{id}`.
    pub fn path(&self) -> &'static str {
        self.path
    }
}

/// What a handler is exempt from. Its own limits always apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exemption {
    /// Not limited by the limiter's default limits.
    pub defaults: bool,
    /// Not limited by the limiter's application limits.
    pub application: bool,
    /// Not limited by meta limits.
    pub meta: bool,
}

impl Exemption {
    /// Exempt from nothing.
    pub const NONE: Self = Self { defaults: false, application: false, meta: false };

    /// Exempt from everything: what a bare `#[exempt]` says.
    pub const ALL: Self = Self { defaults: true, application: true, meta: true };
}

/// One limit attribute: its quotas and everything that was said about them.
#[derive(Clone, Copy)]
pub struct LimitRecord {
    pub(crate) text: &'static str,
    pub(crate) scope: ScopeRecord,
    pub(crate) key: Option<KeyFn>,
    pub(crate) cost: CostRecord,
    pub(crate) per_method: bool,
    pub(crate) methods: &'static [&'static str],
    pub(crate) override_defaults: bool,
    pub(crate) error_message: Option<&'static str>,
    pub(crate) name: Option<&'static str>,
    pub(crate) strategy: Option<Strategy>,
}

/// The builder that generated code calls in the initialiser of a `static`.
#[doc(hidden)]
impl LimitRecord {
    /// `#[limit(text)]`. The text was checked by the macro.
    pub const fn limit(text: &'static str) -> Self {
        Self {
            text,
            scope: ScopeRecord::Handler,
            key: None,
            cost: CostRecord::Fixed(1),
            per_method: false,
            methods: &[],
            override_defaults: true,
            error_message: None,
            name: None,
            strategy: None,
        }
    }

    /// `#[shared_limit(text, scope = scope)]`.
    pub const fn shared(text: &'static str, scope: &'static str) -> Self {
        Self { scope: ScopeRecord::Shared(scope), ..Self::limit(text) }
    }

    /// `scope = "…"` of a `#[limit]`: the handler's scope, divided by a name.
    pub const fn scope(self, scope: &'static str) -> Self {
        Self { scope: ScopeRecord::HandlerPart(scope), ..self }
    }

    /// `key = …`.
    pub const fn key(self, key: KeyFn) -> Self {
        Self { key: Some(key), ..self }
    }

    /// `cost = …`.
    pub const fn cost(self, cost: CostRecord) -> Self {
        Self { cost, ..self }
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

    /// `error_message = "…"`.
    pub const fn error_message(self, error_message: &'static str) -> Self {
        Self { error_message: Some(error_message), ..self }
    }

    /// `name = "…"`, printable ASCII.
    pub const fn name(self, name: &'static str) -> Self {
        Self { name: Some(name), ..self }
    }

    /// `strategy = "…"`.
    pub const fn strategy(self, strategy: Strategy) -> Self {
        Self { strategy: Some(strategy), ..self }
    }
}

impl LimitRecord {
    /// The limit notation as written: `"100/day;10/hour"`.
    pub fn text(&self) -> &'static str {
        self.text
    }

    /// The quotas of [`text`](Self::text), in order.
    pub fn quotas(&self) -> Vec<Quota> {
        limiter_core::notation::parse_many(self.text)
            .expect("the macro or the compiler has parsed this very text")
    }

    /// Where the counters live: per handler, or shared under a name.
    pub fn scope_record(&self) -> ScopeRecord {
        self.scope
    }

    /// Whether the limit replaces the limiter's default limits.
    pub fn overrides_defaults(&self) -> bool {
        self.override_defaults
    }
}

impl fmt::Debug for LimitRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LimitRecord")
            .field("text", &self.text)
            .field("scope", &self.scope)
            .field("per_method", &self.per_method)
            .field("methods", &self.methods)
            .field("override_defaults", &self.override_defaults)
            .field("error_message", &self.error_message)
            .field("name", &self.name)
            .field("strategy", &self.strategy)
            .finish_non_exhaustive()
    }
}

/// Where a declared limit keeps its counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScopeRecord {
    /// One counter per handler.
    Handler,
    /// One counter per handler and this name.
    HandlerPart(&'static str),
    /// One counter for every handler that names this scope.
    Shared(&'static str),
}

/// The key function of a limit, in the form that generated code stores.
///
/// Not public API. Used by generated code.
#[doc(hidden)]
#[derive(Clone, Copy)]
#[allow(missing_debug_implementations)]
pub enum KeyFn {
    /// `key = f`.
    Sync(fn(&HttpRequest) -> Option<Key>),
    /// `key = async f`.
    Async(for<'a> fn(&'a HttpRequest) -> LocalBoxFuture<'a, Option<Key>>),
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
    Sync(fn(&HttpRequest) -> u64),
    /// `cost = async f`.
    Async(for<'a> fn(&'a HttpRequest) -> LocalBoxFuture<'a, u64>),
}

/// A limit that several handlers share, declared once as a `static`.
///
/// The compiler refuses a malformed limit or an empty scope.
///
/// ```
/// use limiter_actix::{shared_limit, SharedLimit};
///
/// static DATABASE: SharedLimit = SharedLimit::new("100/hour", "mysql");
///
/// #[shared_limit(DATABASE)]
/// async fn orders() -> &'static str { "orders" }
///
/// #[shared_limit(DATABASE, cost = 5)]
/// async fn report() -> &'static str { "report" }
/// ```
///
/// ```compile_fail
/// # use limiter_actix::SharedLimit;
/// static DATABASE: SharedLimit = SharedLimit::new("100 per fortnight", "mysql");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct SharedLimit {
    text: &'static str,
    scope: &'static str,
}

impl SharedLimit {
    /// One or several limits in limit notation, and the scope whose name they share.
    ///
    /// # Panics
    /// If the notation is malformed or the scope empty; in a `static` that is a compile error.
    #[track_caller]
    pub const fn new(limits: &'static str, scope: &'static str) -> Self {
        limiter_core::notation::assert_valid(limits);
        assert!(!scope.is_empty(), "a shared limit needs a scope name that is not empty");
        Self { text: limits, scope }
    }

    /// Not public API. Used by generated code.
    #[doc(hidden)]
    pub const fn record(&self) -> LimitRecord {
        LimitRecord::shared(self.text, self.scope)
    }
}
