//! The cache itself: a storage around another one, which repeats the denials of that one.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use smallvec::SmallVec;

use super::table::{Answer, Since, Table};
use crate::{
    charge::{Charge, DecidedBy, Mode},
    clock::{Clock, MonotonicClock, Timestamp},
    decision::{Decision, Outcome},
    error::StorageError,
    key::Key,
    quota::Quota,
    storage::interface::{BoxFuture, Storage, Verb},
    strategy::Strategy,
};

/// A storage that repeats a denial at once, without calling the storage behind it. Clones are the
/// same storage. The [module docs](super) say what it promises.
#[derive(Clone, Debug)]
pub struct DeniedCache {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    storage: Arc<dyn Storage>,
    table: Table,
    staleness_micros: u64,
    clock: Arc<dyn Clock>,
    answered: AtomicU64,
}

/// Options of a [`DeniedCache`].
#[derive(Clone, Debug)]
pub struct DeniedCacheBuilder {
    storage: Arc<dyn Storage>,
    capacity: usize,
    staleness: Duration,
    clock: Arc<dyn Clock>,
}

impl DeniedCacheBuilder {
    /// How many denied charges are remembered, rounded up to a power of two. Default: 65,536, which
    /// is 5 MB.
    #[must_use]
    pub fn capacity(self, capacity: usize) -> Self {
        Self { capacity, ..self }
    }

    /// The longest that a denial is remembered: how late this process may notice that another one
    /// has reset a client or refunded it. Default: 10 s. That keeps nearly all of a flood away from
    /// the storage: a denied client costs one round trip in ten seconds.
    #[must_use]
    pub fn staleness(self, staleness: Duration) -> Self {
        Self { staleness, ..self }
    }

    /// The clock. Default: [`MonotonicClock`]. It must not step.
    #[must_use]
    pub fn clock(self, clock: impl Clock) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    /// The storage.
    pub fn build(self) -> DeniedCache {
        let inner = Inner {
            storage: self.storage,
            table: Table::new(self.capacity),
            staleness_micros: u64::try_from(self.staleness.as_micros()).unwrap_or(u64::MAX),
            clock: self.clock,
            answered: AtomicU64::new(0),
        };
        DeniedCache { inner: Arc::new(inner) }
    }
}

impl DeniedCache {
    /// A cache around a storage, with the defaults of the [builder](Self::builder).
    pub fn new(storage: Arc<dyn Storage>) -> Self {
        Self::builder(storage).build()
    }

    /// A cache around a storage, with options of your own.
    pub fn builder(storage: Arc<dyn Storage>) -> DeniedCacheBuilder {
        DeniedCacheBuilder {
            storage,
            capacity: 1 << 16,
            staleness: Duration::from_secs(10),
            clock: Arc::new(MonotonicClock),
        }
    }

    /// How many batches were denied without calling the storage.
    pub fn answered(&self) -> u64 {
        self.inner.answered.load(Ordering::Relaxed)
    }
}

impl Storage for DeniedCache {
    fn name(&self) -> &str {
        self.inner.storage.name()
    }

    fn supports(&self, strategy: Strategy) -> bool {
        self.inner.storage.supports(strategy)
    }

    fn check_quota(&self, strategy: Strategy, quota: &Quota) -> Result<(), StorageError> {
        self.inner.storage.check_quota(strategy, quota)
    }

    fn apply_now(&self, verb: Verb, charges: &mut [Charge<'_>]) -> Option<Outcome> {
        let inner = &self.inner;
        match verb {
            Verb::Hit | Verb::Test => match inner.look(charges) {
                Look::Denied => Some(Outcome::Deny),
                Look::Unknown(sent) => {
                    let outcome = inner.storage.apply_now(verb, charges)?;
                    inner.learn(charges, outcome, &sent);
                    Some(outcome)
                }
            },
            Verb::Refund | Verb::Reset => {
                let _forgets = Forgets::new(inner, verb, charges);
                inner.storage.apply_now(verb, charges)
            }
        }
    }

    fn apply<'a>(
        &'a self,
        verb: Verb,
        charges: &'a mut [Charge<'_>],
    ) -> BoxFuture<'a, Result<Outcome, StorageError>> {
        let inner = &self.inner;
        Box::pin(async move {
            match verb {
                Verb::Hit | Verb::Test => match inner.look(charges) {
                    Look::Denied => Ok(Outcome::Deny),
                    Look::Unknown(sent) => {
                        let outcome = inner.storage.apply(verb, charges).await?;
                        inner.learn(charges, outcome, &sent);
                        Ok(outcome)
                    }
                },
                Verb::Refund | Verb::Reset => {
                    let _forgets = Forgets::new(inner, verb, charges);
                    inner.storage.apply(verb, charges).await
                }
            }
        })
    }

    fn forget<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<bool, StorageError>> {
        Box::pin(async move {
            let forgotten = self.inner.storage.forget(key).await;
            // Which denials are of this client is not known, so all are forgotten: the others cost
            // one more round trip.
            self.inner.table.clear();
            forgotten
        })
    }

    fn clear(&self) -> BoxFuture<'_, Result<(), StorageError>> {
        Box::pin(async move {
            let cleared = self.inner.storage.clear().await;
            self.inner.table.clear();
            cleared
        })
    }
}

/// What the cache knows about a batch.
enum Look {
    /// It is denied, and its charges say so.
    Denied,
    /// The storage has to be called.
    Unknown(Sent),
}

/// When the call for a batch was sent: needed to remember its answer.
struct Sent {
    at: Timestamp,
    since: SmallVec<[Option<Since>; 8]>,
}

impl Inner {
    fn look(&self, charges: &mut [Charge<'_>]) -> Look {
        let mut now = None;
        let mut now = || *now.get_or_insert_with(|| self.clock.now());
        let mut denials: SmallVec<[(usize, Decision); 2]> = SmallVec::new();
        let mut since: SmallVec<[Option<Since>; 8]> = SmallVec::new();
        let (mut is_tested, mut is_locked_out) = (false, false);
        for (place, charge) in charges.iter().enumerate() {
            let is_test = charge.mode == Mode::Test;
            is_tested |= is_test;
            match self.table.look(charge, &mut now) {
                Ok(denial) => {
                    if charge.mode != Mode::Shadow {
                        is_locked_out |= is_test;
                        denials.push((place, denial));
                    }
                    since.push(None);
                }
                Err(unknown_since) => since.push(Some(unknown_since)),
            }
        }
        // A charge in test mode without a remembered denial may still deny: a lock-out that
        // outlasts what is remembered. Only the storage knows.
        if denials.is_empty() || (is_tested && !is_locked_out) {
            // Possibly some milliseconds behind, which forgets that much too early.
            return Look::Unknown(Sent { at: self.clock.coarse(), since });
        }
        for charge in &mut *charges {
            charge.decision = None;
            charge.charged_at = None;
            charge.decided_by = DecidedBy::Storage;
        }
        for (place, denial) in denials {
            charges[place].decision = Some(denial);
        }
        self.answered.fetch_add(1, Ordering::Relaxed);
        Look::Denied
    }

    fn learn(&self, charges: &[Charge<'_>], outcome: Outcome, sent: &Sent) {
        if outcome == Outcome::Admit {
            return;
        }
        let answered_at = self.clock.now();
        for (place, (charge, since)) in charges.iter().zip(&sent.since).enumerate() {
            // The decision on a counter that stands twice in a batch counts in what was not taken.
            let alone = || {
                let number = charge.counter();
                let same = |(other, charge): (usize, &Charge<'_>)| {
                    other != place && charge.counter() == number
                };
                !charges.iter().enumerate().any(same)
            };
            if let (true, DecidedBy::Storage, Some(decision), Some(since)) =
                (charge.denies(), charge.decided_by, charge.decision, since)
                && alone()
            {
                let answer = Answer { decision, sent_at: sent.at, answered_at };
                self.table.remember(charge, &answer, *since, self.staleness_micros);
            }
        }
    }
}

/// Forgets the counters of a refund or a reset when it begins and when it ends, however it ends: an
/// answer from before that is not remembered after it.
struct Forgets<'a> {
    table: &'a Table,
    counters: SmallVec<[u128; 4]>,
}

impl<'a> Forgets<'a> {
    fn new(inner: &'a Inner, verb: Verb, charges: &[Charge<'_>]) -> Self {
        let freed = |charge: &&Charge<'_>| verb == Verb::Reset || charge.charged_at.is_some();
        let counters = charges.iter().filter(freed).map(Charge::counter).collect();
        let forgets = Self { table: &inner.table, counters };
        forgets.forget();
        forgets
    }

    fn forget(&self) {
        self.counters.iter().for_each(|counter| self.table.forget(*counter));
    }
}

impl Drop for Forgets<'_> {
    fn drop(&mut self) {
        self.forget();
    }
}
