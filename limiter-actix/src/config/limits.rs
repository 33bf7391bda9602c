//! Options: which limits apply.

use actix_web::{HttpRequest, dev::ResponseHead};
use limiter_core::Strategy;

use super::builder::LimiterBuilder;
use crate::{
    declare::{IntoCost, IntoLimits, MetaLimit},
    limiter::InvalidLimit,
};

impl LimiterBuilder {
    /// Limits of every endpoint that declares none of its own, with separate counters per endpoint:
    /// a list of texts, each of which may hold several limits, or a [function of the
    /// request](IntoLimits). They also apply to a decorated handler if all its limits have
    /// `override_defaults = false`. Default: none.
    ///
    /// Functions given here and to the following options are called before routing, so they should
    /// read the connection and the headers only. They may be called twice per request.
    pub fn default_limits<F>(mut self, limits: impl IntoLimits<F>) -> Self {
        self.limits.defaults.texts.push(limits.into_limits().0);
        self
    }

    /// Whether a decorated handler that serves several methods has separate default counters per
    /// method. Undecorated endpoints always do. Default: no.
    pub fn default_limits_per_method(mut self, per_method: bool) -> Self {
        self.limits.defaults.options.per_method = per_method;
        self
    }

    /// What a request costs under the default limits: a number or a function of the request.
    /// Default: 1.
    pub fn default_limits_cost<F>(mut self, cost: impl IntoCost<F>) -> Self {
        self.limits.defaults.options.set_cost(cost);
        self
    }

    /// Which requests are exempt from the default limits. Default: none.
    pub fn default_limits_exempt_when(
        mut self,
        exempt: impl Fn(&HttpRequest) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.limits.defaults.options.set_exempt_when(exempt);
        self
    }

    /// Which responses are charged to the default limits: the cost is taken before the handler
    /// runs, and given back if the function returns `false`. Default: all.
    pub fn default_limits_deduct_when(
        mut self,
        deduct: impl Fn(&ResponseHead) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.limits.defaults.options.set_deduct_when(deduct);
        self
    }

    /// Limits with one counter per client for all endpoints together: a list of texts, or a
    /// [function of the request](IntoLimits). Default: none.
    pub fn application_limits<F>(mut self, limits: impl IntoLimits<F>) -> Self {
        self.limits.application.texts.push(limits.into_limits().0);
        self
    }

    /// Whether each method has separate application counters. Default: no.
    pub fn application_limits_per_method(mut self, per_method: bool) -> Self {
        self.limits.application.options.per_method = per_method;
        self
    }

    /// What a request costs under the application limits: a number or a function of the request.
    /// Default: 1.
    pub fn application_limits_cost<F>(mut self, cost: impl IntoCost<F>) -> Self {
        self.limits.application.options.set_cost(cost);
        self
    }

    /// Which requests are exempt from the application limits. Default: none.
    pub fn application_limits_exempt_when(
        mut self,
        exempt: impl Fn(&HttpRequest) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.limits.application.options.set_exempt_when(exempt);
        self
    }

    /// Which responses are charged to the application limits, as in
    /// [`default_limits_deduct_when`](Self::default_limits_deduct_when). Default: all.
    pub fn application_limits_deduct_when(
        mut self,
        deduct: impl Fn(&ResponseHead) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.limits.application.options.set_deduct_when(deduct);
        self
    }

    /// Limits on the number of breaches, whichever limit was breached: see [`MetaLimit`].
    /// Default: none.
    pub fn meta_limits(mut self, limits: impl IntoIterator<Item = impl Into<MetaLimit>>) -> Self {
        self.limits.metas.extend(limits.into_iter().map(Into::into));
        self
    }

    /// What happens to a request for which a function returns an invalid limit. Default: it is
    /// logged once, and the remaining limits apply.
    pub fn invalid_dynamic_limit(mut self, policy: InvalidLimit) -> Self {
        self.limits.invalid_dynamic = policy;
        self
    }

    /// The strategy of limits that specify none. Default: [`Strategy::FixedWindow`], as in the
    /// reference.
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.limits.strategy = strategy;
        self
    }

    /// A path, exactly as routed, that is exempt from default and application limits, such as a
    /// health check. (`#[exempt]` does the same on a handler; this option needs no handler.) With
    /// `/*` at its end it covers everything below: `/static/*`, for the sixty files of a page; but no
    /// path with `..` in it, which something behind may resolve to another place.
    pub fn exempt_path(mut self, path: impl Into<String>) -> Self {
        self.limits.exempt_paths.add(path.into());
        self
    }

    /// Whether requests that match no resource are counted, all together as one endpoint, so that
    /// probing for URLs is limited too. Default: yes.
    ///
    /// If `false`, a 404 without a resource costs nothing, and neither does a 405, or a 404 because
    /// of the method. Requests that turn out to be served are charged all the same: those of
    /// resources behind others with the same path, and those whose path a middleware inside the
    /// limiter rewrites.
    pub fn limit_unmatched(mut self, limit: bool) -> Self {
        self.limits.count_unmatched = limit;
        self
    }
}
