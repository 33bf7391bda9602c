//! The limiter: built once, cheap to clone, shared by all workers.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use actix_web::http::Method;
use limiter_core::{Charge, Decision, Key, Limit, Quota, Storage, StorageError, Strategy, Verb};

use crate::{
    block::BlockLimit,
    charge,
    config::{LimiterBuilder, Settings},
    endpoint::EndpointTable,
    enforce::{Credits, Gates},
    function::IntoLimits,
    middleware::RateLimit,
    record::HandlerRecord,
    rule::{Class, Plan, Role, RuleLimit, Target},
    store::Store,
};

/// A rate limiter for an Actix app. Build it once, outside `HttpServer::new`; clones are cheap and
/// count together.
///
/// ```
/// use actix_web::{get, App, HttpServer};
/// use limiter_actix::{limit, Limiter};
///
/// #[get("/search")]
/// #[limit("10/minute")]
/// async fn search() -> &'static str { "found" }
///
/// # #[actix_web::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let limiter = Limiter::builder().default_limits(["200/day", "50/hour"]).build().await?;
/// let server = HttpServer::new(move || App::new().wrap(limiter.middleware()).service(search));
/// # let _ = server;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Limiter {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) settings: Settings,
    pub(crate) store: Store,
    pub(crate) endpoints: EndpointTable,
    /// The decorated handlers of the program.
    pub(crate) gates: Gates,
    /// Which clients have requests under way that nobody has charged.
    pub(crate) credits: Credits,
    enabled: AtomicBool,
}

impl Limiter {
    /// A builder with the defaults.
    pub fn builder() -> LimiterBuilder {
        LimiterBuilder::new()
    }

    /// The middleware for `App::wrap`, `Scope::wrap` or `Resource::wrap`.
    pub fn middleware(&self) -> RateLimit {
        RateLimit::new(self.clone())
    }

    pub(crate) fn assemble(
        settings: Settings,
        store: Store,
        records: &[&'static HandlerRecord],
    ) -> Self {
        let inner = Inner {
            enabled: AtomicBool::new(settings.enabled),
            settings,
            store,
            endpoints: EndpointTable::default(),
            gates: Gates::new(records),
            credits: Credits::new(),
        };
        Self { inner: Arc::new(inner) }
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.inner
    }

    /// Whether both are handles of one limiter.
    pub(crate) fn is_the_same_as(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    /// Whether anything is limited at the moment.
    pub fn is_enabled(&self) -> bool {
        self.inner.is_enabled()
    }

    /// Switches all limits off, for every worker, from the next request on. Counters stay as they
    /// are.
    pub fn disable(&self) {
        self.inner.enabled.store(false, Ordering::Relaxed);
    }

    /// Switches all limits on again. A limiter that was built with
    /// [`enabled(false)`](LimiterBuilder::enabled) has not checked its options, and stays off.
    pub fn enable(&self) {
        self.inner.enabled.store(self.inner.settings.enabled, Ordering::Relaxed);
    }

    /// Charges a client outside of any request: a job that works on his behalf, say. Find the
    /// limit with [`limits_of`](Self::limits_of), or make one.
    ///
    /// # Errors
    /// The storage did not answer.
    pub async fn hit(&self, limit: &Limit, key: &Key, cost: u64) -> Result<Decision, StorageError> {
        charge::decide_one(self.inner.storage(), Verb::Hit, limit, key, cost).await
    }

    /// Whether a client could be charged. Takes nothing.
    ///
    /// # Errors
    /// The storage did not answer.
    pub async fn test(
        &self,
        limit: &Limit,
        key: &Key,
        cost: u64,
    ) -> Result<Decision, StorageError> {
        charge::decide_one(self.inner.storage(), Verb::Test, limit, key, cost).await
    }

    /// What a client has left, and when some of the used comes back. Takes nothing.
    ///
    /// # Errors
    /// The storage did not answer.
    pub async fn peek(&self, limit: &Limit, key: &Key) -> Result<Decision, StorageError> {
        self.test(limit, key, 0).await
    }

    /// Forgets what a client used of one limit.
    ///
    /// # Errors
    /// The storage did not answer.
    pub async fn reset(&self, limit: &Limit, key: &Key) -> Result<(), StorageError> {
        let mut charges = [Charge::new(limit, key)];
        charge::apply(self.inner.storage(), Verb::Reset, &mut charges).await.map(|_| ())
    }

    /// Forgets what every client used of every limit in the storage, those of other limiters on
    /// it included.
    ///
    /// # Errors
    /// The storage did not answer.
    pub async fn reset_all(&self) -> Result<(), StorageError> {
        self.inner.storage().clear().await
    }

    /// A limit around a block of code: see [`BlockLimit`].
    pub fn limit<F>(&self, limits: impl IntoLimits<F>) -> BlockLimit {
        BlockLimit::new(self.clone(), limits.into_limits())
    }

    /// The limits that requests of a decorated handler meet, defaults and application limits
    /// included: what a start-up log prints.
    ///
    /// ```
    /// # use limiter_actix::{limit, Limiter};
    /// #[limit("1/second", override_defaults = false)]
    /// async fn medium() -> &'static str { ":|" }
    ///
    /// # #[actix_web::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let limiter = Limiter::builder().default_limits(["50/hour"]).build().await?;
    /// let medium = limiter_actix::handlers().into_iter().find(|record| record.name() == "medium");
    /// let limits: Vec<String> =
    ///     limiter.limits_of(medium.unwrap(), "GET").iter().map(|limit| limit.quota.to_string()).collect();
    /// assert_eq!(limits, ["1 per 1 second", "50 per 1 hour"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn limits_of(&self, record: &'static HandlerRecord, method: &str) -> Vec<LimitSummary> {
        let method = method.to_ascii_uppercase().parse().unwrap_or(Method::GET);
        summaries(&Plan::new(&self.inner, Target::handler(record, &method)))
    }

    /// The limits that requests meet whose handler declares nothing: application and default
    /// limits. Their counters are one per endpoint.
    pub fn limits_of_undecorated(&self) -> Vec<LimitSummary> {
        summaries(&Plan::new(&self.inner, Target::endpoint("", &Method::GET, "GET")))
    }
}

impl fmt::Debug for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limiter")
            .field("storage", &self.inner.storage().name())
            .field("enabled", &self.is_enabled())
            .finish_non_exhaustive()
    }
}

impl Inner {
    #[inline]
    pub(crate) fn storage(&self) -> &dyn Storage {
        &*self.store.storage
    }

    #[inline]
    pub(crate) fn is_enabled(&self) -> bool {
        self.enabled.load(Ordering::Relaxed)
    }
}

/// One limit of a handler or endpoint, for people to read.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LimitSummary {
    /// The policy's name, as in headers.
    pub name: String,
    /// What is allowed.
    pub quota: Quota,
    /// Who declared it.
    pub origin: LimitOrigin,
    /// How it is enforced.
    pub strategy: Strategy,
    /// Whether handlers share its counter.
    pub shared: bool,
    /// Whether it is counted and reported, and never denies.
    pub shadow: bool,
    /// Whether it limits breaches.
    pub meta: bool,
    /// The counter, for [`Limiter::peek`] and its siblings.
    pub limit: Limit,
}

/// Who declared a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LimitOrigin {
    /// The limiter: an application limit.
    Application,
    /// The limiter: a default limit.
    Default,
    /// A scope around the handler.
    Scope,
    /// The handler.
    Handler,
    /// The limiter or the handler: a limit on breaches.
    Meta,
}

impl LimitOrigin {
    pub(crate) fn of(limit: &RuleLimit) -> Self {
        match limit.class {
            _ if limit.is_meta() => Self::Meta,
            Class::Application => Self::Application,
            Class::Default => Self::Default,
            Class::OuterScope | Class::Scope => Self::Scope,
            Class::Own => Self::Handler,
        }
    }
}

/// The limits of a plan that are known without a request: those of functions are left out.
fn summaries(plan: &Plan) -> Vec<LimitSummary> {
    let Some(rule) = plan.fixed() else { return Vec::new() };
    rule.limits()
        .iter()
        .map(|limit| LimitSummary {
            name: limit.name.to_string(),
            quota: *limit.quota(),
            origin: LimitOrigin::of(limit),
            strategy: limit.limit.strategy(),
            shared: limit.shared,
            shadow: matches!(limit.role, Role::Shadow),
            meta: limit.is_meta(),
            limit: limit.limit.clone(),
        })
        .collect()
}
