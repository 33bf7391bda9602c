//! The limits of the present request, for handlers and callbacks.

use std::{
    fmt,
    future::{Ready, ready},
    ops::Deref,
    rc::Rc,
    time::Duration,
};

use actix_web::{Error, FromRequest, HttpRequest, dev::Payload, error::ErrorInternalServerError};
use limiter_core::{Decision, Key, Quota, StorageError, Strategy};

use crate::{
    charge,
    context::Context,
    headers::Headers,
    limiter::Limiter,
    rule::{Role, Rule, RuleLimit},
};

/// One limit that was evaluated for a request: who is counted, what is left, and when some of it
/// comes back.
///
/// As an extractor it is the limit that headers tell of: the one of the endpoint with the shortest
/// window. A request without any limit has none, so a handler that may be exempt takes an
/// `Option<CurrentLimit>`.
///
/// ```
/// use limiter_actix::{limit, CurrentLimit};
///
/// #[limit("10/minute")]
/// async fn left(limit: CurrentLimit) -> String {
///     format!("{} of {} left", limit.remaining(), limit.quota().amount())
/// }
/// ```
#[derive(Clone)]
pub struct CurrentLimit {
    limiter: Limiter,
    rule: Rc<Rule>,
    /// The limit's place in the rule.
    place: usize,
    key: Key,
    cost: u64,
    decision: Decision,
}

impl CurrentLimit {
    pub(crate) fn new(
        limiter: Limiter,
        rule: Rc<Rule>,
        place: usize,
        key: Key,
        cost: u64,
        decision: Decision,
    ) -> Self {
        Self { limiter, rule, place, key, cost, decision }
    }

    /// The policy's name, as in headers: `search-per-minute`.
    pub fn name(&self) -> &str {
        &self.rule_limit().name
    }

    /// What is allowed; of a meta limit, how many breaches.
    pub fn quota(&self) -> &Quota {
        self.rule_limit().quota()
    }

    /// How it is enforced.
    pub fn strategy(&self) -> Strategy {
        self.rule_limit().limit.strategy()
    }

    /// Who is counted.
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// What the request costs.
    pub fn cost(&self) -> u64 {
        self.cost
    }

    /// What is left after this request, as of the decision or the last
    /// [`refresh`](Self::refresh).
    pub fn remaining(&self) -> u64 {
        self.decision.remaining()
    }

    /// The time until some of the used cost comes back.
    pub fn reset_after(&self) -> Duration {
        self.decision.reset_after()
    }

    /// When denied, the time after which the same request is admitted; `None` where waiting never
    /// helps.
    pub fn retry_after(&self) -> Option<Duration> {
        self.decision.retry_after()
    }

    /// Whether the limit denies the request, or would if it were not a shadow.
    pub fn is_breached(&self) -> bool {
        !self.decision.admitted()
    }

    /// Whether several handlers share its counter.
    pub fn is_shared(&self) -> bool {
        self.rule_limit().shared
    }

    /// Whether it is counted and reported, and never denies.
    pub fn is_shadow(&self) -> bool {
        matches!(self.rule_limit().role, Role::Shadow)
    }

    /// Whether it limits breaches.
    pub fn is_meta(&self) -> bool {
        self.rule_limit().is_meta()
    }

    /// Asks the storage for the present values.
    ///
    /// # Errors
    /// The storage did not answer; the values stay as they were.
    pub async fn refresh(&mut self) -> Result<(), StorageError> {
        let limit = &self.rule_limit().limit;
        self.decision = self.limiter.peek(limit, &self.key).await?;
        Ok(())
    }

    /// Charges the same counter more, after the fact: for the bytes that were sent, or the tokens
    /// that were used. What is not left cannot be taken, so the charge ends at an empty quota.
    ///
    /// # Errors
    /// The storage did not answer; nothing was knowingly charged.
    pub async fn charge(&mut self, cost: u64) -> Result<(), StorageError> {
        let storage = self.limiter.inner().storage();
        let limit = &self.rule_limit().limit;
        self.decision = charge::take_what_is_left(storage, limit, &self.key, cost).await?;
        Ok(())
    }

    /// Forgets what this client used: after a good login, say, the failed ones before it.
    ///
    /// # Errors
    /// The storage did not answer.
    pub async fn reset(&self) -> Result<(), StorageError> {
        self.limiter.reset(&self.rule_limit().limit, &self.key).await
    }

    /// The header options of the limiter that evaluated it.
    pub(crate) fn headers(&self) -> &Headers {
        &self.limiter.inner().settings.headers
    }

    pub(crate) fn rule_limit(&self) -> &RuleLimit {
        &self.rule.limits()[self.place]
    }
}

impl fmt::Debug for CurrentLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CurrentLimit")
            .field("name", &self.name())
            .field("quota", self.quota())
            .field("key", &self.key)
            .field("cost", &self.cost)
            .field("decision", &self.decision)
            .finish_non_exhaustive()
    }
}

/// Every limit that was evaluated for a request, application and default limits, shadows and meta
/// limits included: shortest window first, meta limits last.
///
/// ```
/// use limiter_actix::{limit, CurrentLimits};
///
/// #[limit("10/minute; 100/day")]
/// async fn left(limits: CurrentLimits) -> String {
///     limits.iter().map(|limit| format!("{}: {}\n", limit.name(), limit.remaining())).collect()
/// }
/// ```
#[derive(Clone, Debug)]
pub struct CurrentLimits(Vec<CurrentLimit>);

impl CurrentLimits {
    /// The limit of a policy name.
    pub fn named(&self, name: &str) -> Option<&CurrentLimit> {
        self.0.iter().find(|limit| limit.name() == name)
    }

    /// Asks the storage for the present values of all.
    ///
    /// # Errors
    /// The storage did not answer.
    pub async fn refresh(&mut self) -> Result<(), StorageError> {
        for limit in &mut self.0 {
            limit.refresh().await?;
        }
        Ok(())
    }
}

impl Deref for CurrentLimits {
    type Target = [CurrentLimit];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl FromRequest for CurrentLimits {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    /// Empty where no limiter stands around the handler.
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let limits = Context::of(request).map_or_else(Vec::new, Context::current_limits);
        ready(Ok(Self(limits)))
    }
}

impl FromRequest for CurrentLimit {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let limit = Context::of(request).and_then(Context::current_limit);
        ready(limit.ok_or_else(|| ErrorInternalServerError("the request has no limit")))
    }
}

impl FromRequest for Limiter {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    /// The innermost limiter around the handler.
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let limiter = Context::of(request).map(|context| context.worker.handle().clone());
        ready(limiter.ok_or_else(|| ErrorInternalServerError("no limiter stands around the app")))
    }
}
