//! Options: which limits apply.

use actix_web::{HttpRequest, dev::ResponseHead};
use limiter_core::Strategy;

use super::builder::LimiterBuilder;
use crate::{
    declare::{IntoCost, IntoLimits, MetaLimit},
    limiter::InvalidLimit,
};

impl LimiterBuilder {
    /// Limits of every endpoint that declares none of its own, each endpoint with counters of its
    /// own: a list of texts, each of which may hold several limits, or a [function of the
    /// request](IntoLimits). A decorated handler keeps them if all its limits say
    /// `override_defaults = false`. Default: none.
    ///
    /// Functions here and in the following options are called before routing, so they should look
    /// at the connection and the headers only; and they may be called twice per request.
    pub fn default_limits<F>(mut self, limits: impl IntoLimits<F>) -> Self {
        self.limits.defaults.texts.push(limits.into_limits().0);
        self
    }

    /// Whether a decorated handler that serves several methods has default counters per method.
    /// Endpoints without attributes always do. Default: no.
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

    /// Which responses the default limits charge: the cost is taken before the handler runs, and
    /// refunded where the function returns `false`. Default: all.
    pub fn default_limits_deduct_when(
        mut self,
        deduct: impl Fn(&ResponseHead) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.limits.defaults.options.set_deduct_when(deduct);
        self
    }

    /// Limits with one counter for all endpoints together, per client: a list of texts, or a
    /// [function of the request](IntoLimits). Default: none.
    pub fn application_limits<F>(mut self, limits: impl IntoLimits<F>) -> Self {
        self.limits.application.texts.push(limits.into_limits().0);
        self
    }

    /// Whether each method has application counters of its own. Default: no.
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

    /// Which responses the application limits charge, as
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

    /// What happens to a request for which a function returns a malformed limit. Default: it is
    /// logged once, and the limits that are left apply.
    pub fn invalid_dynamic_limit(mut self, policy: InvalidLimit) -> Self {
        self.limits.invalid_dynamic = policy;
        self
    }

    /// The strategy of limits that name none. Default: [`Strategy::FixedWindow`], as in the
    /// reference.
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.limits.strategy = strategy;
        self
    }

    /// A path, exactly as routed, that is exempt from default and application limits: a health check.
    /// (`#[exempt]` is the same on the handler; this one needs no handler.) With `/*` at its end
    /// it is everything below: `/static/*`, for the sixty files of a page.
    pub fn exempt_path(mut self, path: impl Into<String>) -> Self {
        self.limits.exempt_paths.add(path.into());
        self
    }

    /// Whether requests that match no resource are counted, all together as one endpoint, so that
    /// probing for URLs is limited too. Default: yes.
    ///
    /// Switched off, a 404 without a resource costs nothing, and neither does a 405 or a 404 for
    /// want of the method. What turns out to be served is charged all the same: resources behind
    /// others of the same path, and paths that a middleware inside the limiter changes.
    pub fn limit_unmatched(mut self, limit: bool) -> Self {
        self.limits.count_unmatched = limit;
        self
    }
}
