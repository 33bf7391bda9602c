//! The limits of the present request, for handlers and callbacks.

use std::{fmt, ops::Deref, rc::Rc, sync::Arc, time::Duration};

use limiter_core::{Charge, Decision, Key, Quota, Storage, StorageError, Strategy, Verb};

use super::policy::Policy;
use crate::storage::{apply, charge_up_to, decide_one};

/// One limit that was evaluated for a request: who is counted, what is left, and when some of it
/// comes back.
///
/// As an extractor it is the limit that headers describe: the one of the endpoint with the shortest
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

    /// What is allowed; of a meta limit, how many breaches.
    pub fn quota(&self) -> &Quota {
        self.policy.quota()
    }

    /// How it is enforced.
    pub fn strategy(&self) -> Strategy {
        self.policy.limit().strategy()
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
        self.policy.is_shared()
    }

    /// Whether it is counted and reported, and never denies.
    pub fn is_shadow(&self) -> bool {
        self.policy.is_shadow()
    }

    /// Whether it limits breaches.
    pub fn is_meta(&self) -> bool {
        self.policy.is_meta()
    }

    /// Asks the storage for the present values.
    ///
    /// # Errors
    /// The storage did not answer; the values stay as they were.
    pub async fn refresh(&mut self) -> Result<(), StorageError> {
        let limit = self.policy.limit();
        self.decision = decide_one(&*self.storage, Verb::Test, limit, &self.key, 0).await?;
        Ok(())
    }

    /// Charges the same counter more, after the fact: for the bytes that were sent, or the tokens
    /// that were used. What is not left cannot be taken, so the charge ends at an empty quota.
    ///
    /// # Errors
    /// The storage did not answer; nothing was knowingly charged.
    pub async fn charge(&mut self, cost: u64) -> Result<(), StorageError> {
        self.decision = charge_up_to(&*self.storage, self.policy.limit(), &self.key, cost).await?;
        Ok(())
    }

    /// Forgets what this client used: after a good login, say, the failed ones before it.
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
