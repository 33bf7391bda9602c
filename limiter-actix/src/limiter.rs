//! The limiter: built once, cheap to clone, shared by all workers.

use std::{collections::HashSet, fmt, sync::Arc};

use limiter_core::Storage;

use crate::{
    config::{LimiterBuilder, Settings},
    endpoint::EndpointTable,
    middleware::RateLimit,
    record::HandlerRecord,
    rule::Rule,
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
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) endpoints: EndpointTable,
    /// The names of decorated handlers, which Actix's route attributes give to their resources.
    pub(crate) decorated_names: HashSet<&'static str>,
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
        storage: Arc<dyn Storage>,
        records: &[&'static HandlerRecord],
    ) -> Self {
        let decorated_names = records.iter().map(|record| record.name()).collect();
        let endpoints = EndpointTable::default();
        Self { inner: Arc::new(Inner { settings, storage, endpoints, decorated_names }) }
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.inner
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
        let method = method.parse().unwrap_or(actix_web::http::Method::GET);
        summaries(&Rule::of_handler(&self.inner.settings, record, &method, false))
    }

    /// The limits that requests meet whose handler declares nothing: application and default
    /// limits.
    pub fn limits_of_undecorated(&self) -> Vec<LimitSummary> {
        summaries(&Rule::of_endpoint(&self.inner.settings, "", "GET"))
    }
}

impl fmt::Debug for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limiter")
            .field("storage", &self.inner.storage.name())
            .field("default_limits", &self.inner.settings.defaults)
            .field("application_limits", &self.inner.settings.application)
            .field("enabled", &self.inner.settings.enabled)
            .finish_non_exhaustive()
    }
}

/// One limit of a handler or endpoint, for people to read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LimitSummary {
    /// The policy's name, as in headers.
    pub name: String,
    /// What is allowed.
    pub quota: limiter_core::Quota,
    /// How it is enforced.
    pub strategy: limiter_core::Strategy,
    /// Whether handlers share its counter.
    pub shared: bool,
}

fn summaries(rule: &Rule) -> Vec<LimitSummary> {
    rule.limits()
        .iter()
        .map(|limit| LimitSummary {
            name: limit.name.to_string(),
            quota: *limit.limit.quota(),
            strategy: limit.limit.strategy(),
            shared: limit.shared,
        })
        .collect()
}
