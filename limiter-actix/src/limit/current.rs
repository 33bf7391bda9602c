//! The limits of the current request, for handlers and callbacks.

use std::{fmt, ops::Deref, rc::Rc, sync::Arc, time::Duration};

use limiter_core::{Charge, Decision, Key, Quota, Storage, StorageError, Strategy, Verb};

use super::policy::Policy;
use crate::storage::{apply, charge_up_to, decide_one};

/// One limit that was evaluated for a request: its key, what is left, and when the next part of the
/// quota comes back.
///
/// As an extractor it is the limit that headers describe: the endpoint's limit with the shortest
/// window. A request without limits has none, so a handler that may be exempt takes an
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
    policy: Rc<Policy>,
    /// The limit's index in the rule of the request.
    index: usize,
    key: Key,
    cost: u64,
    decision: Decision,
    storage: Arc<dyn Storage>,
}

impl CurrentLimit {
    pub(crate) fn new(
        policy: &Rc<Policy>,
        index: usize,
        key: &Key,
        cost: u64,
        decision: Decision,
        storage: &Arc<dyn Storage>,
    ) -> Self {
        let (policy, key, storage) = (Rc::clone(policy), key.clone(), Arc::clone(storage));
        Self { policy, index, key, cost, decision, storage }
    }

    /// The policy's name, as in headers: `search-per-minute`.
    pub fn name(&self) -> &str {
        self.policy.name()
    }

    /// The quota; for a meta limit, the number of breaches.
    pub fn quota(&self) -> &Quota {
        self.policy.quota()
    }

    /// The strategy that enforces it.
    pub fn strategy(&self) -> Strategy {
        self.policy.limit().strategy()
    }

    /// The key under which the client is counted.
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

    /// The time until part of the used quota comes back.
    pub fn reset_after(&self) -> Duration {
        self.decision.reset_after()
    }

    /// If denied, the time after which the same request is admitted; `None` if waiting never helps.
    pub fn retry_after(&self) -> Option<Duration> {
        self.decision.retry_after()
    }

    /// Whether the limit denies the request, or would if it were not a shadow.
    pub fn is_breached(&self) -> bool {
        !self.decision.admitted()
    }

    /// Whether several handlers share its counter.
    pub fn is_shared(&self) -> bool {
        self.policy.is_shared()
    }

    /// Whether it is counted and reported, but never denies.
    pub fn is_shadow(&self) -> bool {
        self.policy.is_shadow()
    }

    /// Whether it limits breaches.
    pub fn is_meta(&self) -> bool {
        self.policy.is_meta()
    }

    /// Reads the current values from the storage.
    ///
    /// # Errors
    /// The storage did not answer; the values are unchanged.
    pub async fn refresh(&mut self) -> Result<(), StorageError> {
        let limit = self.policy.limit();
        self.decision = decide_one(&*self.storage, Verb::Test, limit, &self.key, 0).await?;
        Ok(())
    }

    /// Charges the same counter again, after the decision: for the bytes that were sent, or the
    /// tokens that were used. At most what is left is charged.
    ///
    /// # Errors
    /// The storage did not answer; it is not known whether anything was charged.
    pub async fn charge(&mut self, cost: u64) -> Result<(), StorageError> {
        self.decision = charge_up_to(&*self.storage, self.policy.limit(), &self.key, cost).await?;
        Ok(())
    }

    /// Resets what this client has used: after a successful login, for example, the failed ones
    /// before it.
    ///
    /// # Errors
    /// The storage did not answer.
    pub async fn reset(&self) -> Result<(), StorageError> {
        let mut charges = [Charge::new(self.policy.limit(), &self.key)];
        apply(&*self.storage, Verb::Reset, &mut charges).await.map(|_| ())
    }

    /// Its index in the rule of the request.
    pub(crate) fn index(&self) -> usize {
        self.index
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
    pub(crate) fn new(limits: Vec<CurrentLimit>) -> Self {
        Self(limits)
    }

    /// The limit with this policy name.
    pub fn named(&self, name: &str) -> Option<&CurrentLimit> {
        self.0.iter().find(|limit| limit.name() == name)
    }

    /// Reads the current values of all limits from the storage.
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
