//! A storage around another one that may be ill.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use smallvec::SmallVec;
use tokio::{runtime::Handle, time};

use super::{
    breaker::{Breaker, Turn},
    deadline::within,
    health::{Counts, Health},
    local::Local,
    probe::Probe,
};
use crate::{
    charge::{Charge, DecidedBy, Mode},
    clock::{Clock, Timestamp},
    decision::Outcome,
    error::{OnStoreError, StorageError},
    key::Key,
    quota::Quota,
    storage::interface::{BoxFuture, Storage, Verb},
    strategy::Strategy,
};

/// A storage that decides in time, whether the storage behind it answers or not. Clones are the
/// same storage. The [module docs](super) tell how.
///
/// It needs a tokio runtime with its timer switched on, as Actix's are.
#[derive(Clone, Debug)]
pub struct GuardedStorage {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    storage: Arc<dyn Storage>,
    local: Local,
    breaker: Breaker,
    probe: Probe,
    deadline: Duration,
    probe_deadline: Duration,
    on_store_error: OnStoreError,
    clock: Arc<dyn Clock>,
    counts: Counts,
}

impl GuardedStorage {
    pub(super) fn new(
        storage: Arc<dyn Storage>,
        local: Local,
        breaker: Breaker,
        (deadline, probe_deadline): (Duration, Duration),
        on_store_error: OnStoreError,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let probe = Probe::of(&*storage);
        let counts = Counts::default();
        Self {
            inner: Arc::new(Inner {
                storage,
                local,
                breaker,
                probe,
                deadline,
                probe_deadline,
                on_store_error,
                clock,
                counts,
            }),
        }
    }

    /// Asks the storage for the first time, and gives it time to connect. If it does not answer,
    /// the circuit is open from the start: the very first request is decided by the failure policy,
    /// and probes go on.
    ///
    /// # Errors
    /// What the storage said, with what to look at.
    pub async fn check(&self) -> Result<(), StorageError> {
        let inner = &self.inner;
        let key = Key::text("probe");
        let probe = inner.probe.ask(&*inner.storage, &key);
        let Err(cause) = within(inner.probe_deadline, probe).await else { return Ok(()) };
        let error = StorageError::new(format!(
            "expected an answer of the storage {}, found: {cause}; see whether it runs, and whether \
             its address, credentials and permissions are right",
            inner.storage.name()
        ))
        .with_source(cause);
        inner.opened(inner.breaker.open(&error, None, inner.clock.coarse()).then_some(1), &error);
        Err(error)
    }

    /// The last error of the storage, while it is left alone.
    pub fn cause(&self) -> Option<StorageError> {
        self.inner.breaker.cause()
    }

    /// How the storage is, and what happened so far.
    pub fn health(&self) -> Health {
        let Inner { breaker, counts, .. } = &*self.inner;
        Health {
            circuit: breaker.circuit(),
            failures: counts.failures.read(),
            opened: counts.opened.read(),
            closed: counts.closed.read(),
            probes: counts.probes.read(),
            decided_locally: counts.decided_locally.read(),
            failed: counts.failed.read(),
            left_out: counts.left_out.read(),
        }
    }
}

impl Storage for GuardedStorage {
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
            Verb::Hit | Verb::Test if inner.breaker.is_open() => {
                inner.probe_if_due();
                let failing =
                    charges.iter().any(|charge| inner.policy(charge) == OnStoreError::Deny);
                // An error cannot be told here.
                (!failing).then(|| inner.decide(verb, charges))
            }
            Verb::Hit | Verb::Test => {
                let outcome = inner.storage.apply_now(verb, charges)?;
                charges.iter_mut().for_each(|charge| charge.decided_by = DecidedBy::Storage);
                Some(outcome)
            }
            Verb::Refund if !charges.iter().any(|charge| taken_by(charge, DecidedBy::Storage)) => {
                Some(inner.local.apply(verb, charges))
            }
            Verb::Refund | Verb::Reset => None,
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
                Verb::Hit | Verb::Test => match inner.ask(verb, charges).await {
                    Ok(outcome) => {
                        charges
                            .iter_mut()
                            .for_each(|charge| charge.decided_by = DecidedBy::Storage);
                        Ok(outcome)
                    }
                    Err(error) => inner.decide_without(verb, charges, error),
                },
                Verb::Refund => inner.refund(charges).await,
                Verb::Reset => {
                    inner.local.apply(verb, charges);
                    inner.ask(verb, charges).await
                }
            }
        })
    }

    /// Waits as long as the storage takes: it may have to look through all its keys.
    /// Those of this process, which decide while the storage does not answer, stay.
    fn forget<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<bool, StorageError>> {
        self.inner.storage.forget(key)
    }

    fn clear(&self) -> BoxFuture<'_, Result<(), StorageError>> {
        self.inner.local.clear();
        self.inner.storage.clear()
    }
}

impl Inner {
    /// Asks the storage, if the circuit is closed, until the deadline.
    async fn ask(
        self: &Arc<Self>,
        verb: Verb,
        charges: &mut [Charge<'_>],
    ) -> Result<Outcome, StorageError> {
        if self.breaker.is_open() {
            self.probe_if_due();
            return Err(self.left_alone());
        }
        let answer = within(self.deadline, self.storage.apply(verb, charges)).await;
        match &answer {
            Ok(_) => self.breaker.succeeded(),
            Err(error) => {
                self.counts.failures.add(1);
                tracing::debug!(storage = self.storage.name(), %error, "the storage did not decide");
                let key = charges.first().map(|charge| charge.key);
                self.opened(self.breaker.failed(error, key, self.clock.coarse()), error);
            }
        }
        answer
    }

    /// Decides a batch that the storage did not.
    fn decide_without(
        &self,
        verb: Verb,
        charges: &mut [Charge<'_>],
        error: StorageError,
    ) -> Result<Outcome, StorageError> {
        // The storage may have stopped half-way.
        for charge in &mut *charges {
            (charge.decision, charge.charged_at) = (None, None);
        }
        if charges.iter().any(|charge| self.policy(charge) == OnStoreError::Deny) {
            self.counts.failed.add(1);
            return Err(error);
        }
        Ok(self.decide(verb, charges))
    }

    /// Decides what the policy leaves to this process, in one batch, and leaves out the rest.
    fn decide(&self, verb: Verb, charges: &mut [Charge<'_>]) -> Outcome {
        let local = |charge: &Charge<'_>| self.policy(charge) == OnStoreError::Local;
        let left_out = charges.iter().filter(|charge| !local(charge)).count();
        self.counts.left_out.add(left_out);
        if left_out == charges.len() {
            return Outcome::Admit;
        }
        self.counts.decided_locally.add(1);
        self.apply_locally(verb, charges, local)
    }

    /// What happens to a charge now. A charge in shadow mode never fails a batch.
    fn policy(&self, charge: &Charge<'_>) -> OnStoreError {
        match (charge.store_error_policy().unwrap_or(self.on_store_error), charge.mode) {
            (OnStoreError::Deny, Mode::Shadow) => OnStoreError::Allow,
            (policy, _) => policy,
        }
    }

    /// Gives back to each what it took.
    async fn refund(self: &Arc<Self>, charges: &mut [Charge<'_>]) -> Result<Outcome, StorageError> {
        self.apply_locally(Verb::Refund, charges, |charge| taken_by(charge, DecidedBy::Fallback));
        if !charges.iter().any(|charge| taken_by(charge, DecidedBy::Storage)) {
            return Ok(Outcome::Admit);
        }
        let asks = !self.breaker.is_open();
        // Those that were given back carry no receipt any more.
        let answer = self.ask(Verb::Refund, charges).await;
        if asks && answer.is_err() {
            // It may have been done all the same, and must not be done twice.
            charges.iter_mut().for_each(|charge| charge.charged_at = None);
        }
        answer
    }

    /// Applies the verb to some of the charges, on the counters of this process.
    fn apply_locally(
        &self,
        verb: Verb,
        charges: &mut [Charge<'_>],
        wanted: impl Fn(&Charge<'_>) -> bool,
    ) -> Outcome {
        if charges.iter().all(&wanted) {
            return self.local.apply(verb, charges);
        }
        let mut some: SmallVec<[Charge<'_>; 4]> =
            charges.iter().filter(|charge| wanted(charge)).cloned().collect();
        let outcome = self.local.apply(verb, &mut some);
        let places: SmallVec<[usize; 4]> =
            (0..charges.len()).filter(|place| wanted(&charges[*place])).collect();
        for (place, decided) in places.into_iter().zip(some) {
            charges[place] = decided;
        }
        outcome
    }

    /// Why nobody asks.
    fn left_alone(&self) -> StorageError {
        let name = self.storage.name();
        match self.breaker.cause() {
            Some(cause) => {
                StorageError::new(format!("{name} is left alone since it failed: {cause}"))
                    .with_source(cause)
            }
            None => StorageError::new(format!("{name} is left alone")),
        }
    }

    /// Tells that the circuit opened, if it did, after so many failures, and begins to probe.
    fn opened(self: &Arc<Self>, after: Option<u32>, error: &StorageError) {
        let Some(failures) = after else { return };
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(Self::probe_until_well(Arc::downgrade(self)));
        }
        self.counts.opened.add(1);
        tracing::warn!(
            storage = self.storage.name(),
            failures,
            %error,
            on_store_error = %self.on_store_error,
            "the storage is ill and left alone; requests are decided by the failure policy"
        );
    }
}

/// Probes.
impl Inner {
    /// Sends the probe, if one is due, on the runtime of the request that noticed. It need not
    /// outlive it: a probe that is dropped counts as failed, and another runtime sends the next.
    fn probe_if_due(self: &Arc<Self>) {
        if let Ok(runtime) = Handle::try_current()
            && let Some(sent) = Sent::now(self)
        {
            let guard = Arc::downgrade(self);
            runtime.spawn(async move {
                sent.ask().await;
                Self::probe_until_well(guard).await;
            });
        }
    }

    /// Sends one probe after the other, so that the end of an outage is noticed without any
    /// request. It ends with the outage, with the guard and with the runtime; and where a request
    /// was quicker to send a probe, whose task goes on in its place.
    async fn probe_until_well(guard: Weak<Self>) {
        while let Some(due) = guard.upgrade().and_then(|guard| guard.breaker.due()) {
            let Some(sent) = Sent::at(&guard, due).await else { return };
            sent.ask().await;
        }
    }
}

/// A probe on its way.
struct Sent {
    guard: Arc<Inner>,
    /// Taken when it is answered for.
    turn: Option<Turn>,
}

impl Sent {
    fn now(guard: &Arc<Inner>) -> Option<Self> {
        let turn = guard.breaker.turn(guard.clock.coarse())?;
        guard.counts.probes.add(1);
        Some(Self { guard: Arc::clone(guard), turn: Some(turn) })
    }

    /// Waits until a probe is due, if nobody is quicker.
    async fn at(guard: &Weak<Inner>, due: Timestamp) -> Option<Self> {
        loop {
            let left = {
                let guard = guard.upgrade().filter(|guard| guard.breaker.due() == Some(due))?;
                let now = guard.clock.coarse();
                if now >= due {
                    return Self::now(&guard);
                }
                due.since(now)
            };
            time::sleep(Duration::from_micros(left)).await;
        }
    }

    async fn ask(mut self) {
        let Inner { storage, probe, breaker, deadline, probe_deadline, .. } = &*self.guard;
        let key = breaker.key().unwrap_or_else(|| Key::text("probe"));
        // The first answer may take a new connection. What counts is the second, which takes what
        // the answer to a client would.
        let answered = match within(*probe_deadline, probe.ask(&**storage, &key)).await {
            Ok(()) => within(*deadline, probe.ask(&**storage, &key)).await,
            failed => failed,
        };
        self.done(answered);
    }

    fn done(&mut self, answered: Result<(), StorageError>) {
        let Some(turn) = self.turn.take() else { return };
        let Inner { breaker, clock, counts, storage, .. } = &*self.guard;
        match answered {
            Ok(()) if breaker.close(clock.coarse()) => {
                counts.closed.add(1);
                tracing::info!(storage = storage.name(), "the storage is well again");
            }
            Ok(()) => {}
            Err(error) => breaker.probe_failed(turn, Some(error), clock.coarse()),
        }
    }
}

impl Drop for Sent {
    fn drop(&mut self) {
        if let Some(turn) = self.turn.take() {
            self.guard.breaker.probe_failed(turn, None, self.guard.clock.coarse());
        }
    }
}

fn taken_by(charge: &Charge<'_>, by: DecidedBy) -> bool {
    charge.charged_at.is_some() && charge.decided_by == by
}
