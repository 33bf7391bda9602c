//! The limits of a handler, in readable form.

use actix_web::http::Method;
use limiter_core::{Limit, Quota, Strategy};

use crate::{
    declare::HandlerRecord,
    limit::LimitOrigin,
    limiter::Limiter,
    resolve::{Plan, Target},
};

impl Limiter {
    /// The limits that apply to requests of a decorated handler, including defaults and application
    /// limits: for a start-up log, for example.
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
        summaries(&Plan::new(self, Target::handler(record, &method)))
    }

    /// The limits of requests whose handler declares nothing: application and default limits. Their
    /// counters are separate for each endpoint.
    pub fn limits_of_undecorated(&self) -> Vec<LimitSummary> {
        summaries(&Plan::new(self, Target::endpoint("", &Method::GET, "GET")))
    }
}

/// One limit of a handler or endpoint, in readable form.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LimitSummary {
    /// The policy's name, as in headers.
    pub name: String,
    /// The quota.
    pub quota: Quota,
    /// What declared it.
    pub origin: LimitOrigin,
    /// The strategy that enforces it.
    pub strategy: Strategy,
    /// Whether handlers share its counter.
    pub shared: bool,
    /// Whether it is counted and reported, but never denies.
    pub shadow: bool,
    /// Whether it limits breaches.
    pub meta: bool,
    /// The counter, for [`Limiter::peek`] and similar methods.
    pub limit: Limit,
}

/// The limits of a plan that are known without a request; dynamic ones are left out.
fn summaries(plan: &Plan) -> Vec<LimitSummary> {
    let Some(rule) = plan.fixed() else { return Vec::new() };
    rule.limits()
        .iter()
        .map(|limit| LimitSummary {
            name: limit.policy.name().to_owned(),
            quota: *limit.policy.quota(),
            origin: limit.policy.origin(),
            strategy: limit.policy.limit().strategy(),
            shared: limit.policy.is_shared(),
            shadow: limit.policy.is_shadow(),
            meta: limit.is_meta(),
            limit: limit.policy.limit().clone(),
        })
        .collect()
}
