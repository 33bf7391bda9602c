//! The guard itself: every charge gets a decision, whether the storage answers or not.

use std::sync::Arc;

use smallvec::SmallVec;

use super::{
    health::{Count, Health},
    local::Local,
    remote::Remote,
};
use crate::{
    charge::{Charge, DecidedBy, Mode},
    decision::Outcome,
    error::{OnStoreError, StorageError},
    key::Key,
    quota::Quota,
    storage::interface::{BoxFuture, Storage, Verb},
    strategy::Strategy,
};

/// A storage that decides in time, whether the storage behind it answers or not. Clones are the
/// same storage. The [module docs](super) explain how.
///
/// It needs a tokio runtime with its timer switched on, as Actix's are.
#[derive(Clone, Debug)]
pub struct GuardedStorage {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    remote: Arc<Remote>,
    local: Local,
    on_store_error: OnStoreError,
    counts: Counts,
}

/// What happened without the storage.
#[derive(Debug, Default)]
struct Counts {
    decided_locally: Count,
    failed: Count,
    left_out: Count,
}

impl GuardedStorage {
    pub(super) fn new(remote: Remote, local: Local, on_store_error: OnStoreError) -> Self {
        let (remote, counts) = (Arc::new(remote), Counts::default());
        Self { inner: Arc::new(Inner { remote, local, on_store_error, counts }) }
    }

    /// Calls the storage for the first time, and gives it time to connect. If it does not answer,
    /// the circuit is open from the start: the failure policy decides the first request, and the
    /// guard keeps probing.
    ///
    /// # Errors
    /// The error of the storage, with what to check.
    pub async fn check(&self) -> Result<(), StorageError> {
        self.inner.remote.check().await
    }

    /// The last error of the storage, while the circuit is open.
    pub fn cause(&self) -> Option<StorageError> {
        self.inner.remote.cause()
    }

    /// The state of the circuit, and what happened so far.
    pub fn health(&self) -> Health {
        let Inner { remote, counts, .. } = &*self.inner;
        Health {
            circuit: remote.circuit(),
            failures: remote.counts().failures.read(),
            opened: remote.counts().opened.read(),
            closed: remote.counts().closed.read(),
            probes: remote.counts().probes.read(),
            decided_locally: counts.decided_locally.read(),
            failed: counts.failed.read(),
            left_out: counts.left_out.read(),
        }
    }
}

impl Storage for GuardedStorage {
    fn name(&self) -> &str {
        self.inner.remote.storage().name()
    }

    fn supports(&self, strategy: Strategy) -> bool {
        self.inner.remote.storage().supports(strategy)
    }

    fn check_quota(&self, strategy: Strategy, quota: &Quota) -> Result<(), StorageError> {
        self.inner.remote.storage().check_quota(strategy, quota)
    }

    fn apply_now(&self, verb: Verb, charges: &mut [Charge<'_>]) -> Option<Outcome> {
        let inner = &self.inner;
        match verb {
            Verb::Hit | Verb::Test if inner.remote.is_open() => {
                inner.remote.probe_if_due();
                let failing =
                    charges.iter().any(|charge| inner.policy(charge) == OnStoreError::Deny);
                // Only `apply` can return an error.
                (!failing).then(|| inner.decide(verb, charges))
            }
            Verb::Hit | Verb::Test => {
                let outcome = inner.remote.storage().apply_now(verb, charges)?;
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
                Verb::Hit | Verb::Test => match inner.remote.ask(verb, charges).await {
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
                    inner.remote.ask(verb, charges).await
                }
            }
        })
    }

    /// Waits as long as the storage takes: it may have to look through all its keys. The counters
    /// of this process, which decide while the storage does not answer, are kept.
    fn forget<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<bool, StorageError>> {
        self.inner.remote.storage().forget(key)
    }

    fn clear(&self) -> BoxFuture<'_, Result<(), StorageError>> {
        self.inner.local.clear();
        self.inner.remote.storage().clear()
    }
}

impl Inner {
    /// Decides a batch that the storage did not decide.
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

    /// Decides the charges with the policy `local` as one batch, and leaves out the rest.
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

    /// The failure policy of a charge. A charge in shadow mode never fails a batch.
    fn policy(&self, charge: &Charge<'_>) -> OnStoreError {
        match (charge.store_error_policy().unwrap_or(self.on_store_error), charge.mode) {
            (OnStoreError::Deny, Mode::Shadow) => OnStoreError::Allow,
            (policy, _) => policy,
        }
    }

    /// Refunds every charge on the counters that it was taken from.
    async fn refund(&self, charges: &mut [Charge<'_>]) -> Result<Outcome, StorageError> {
        self.apply_locally(Verb::Refund, charges, |charge| taken_by(charge, DecidedBy::Fallback));
        if !charges.iter().any(|charge| taken_by(charge, DecidedBy::Storage)) {
            return Ok(Outcome::Admit);
        }
        let was_closed = !self.remote.is_open();
        // Charges that were refunded here carry no receipt any more.
        let answer = self.remote.ask(Verb::Refund, charges).await;
        if was_closed && answer.is_err() {
            // The storage may have refunded them all the same, and must not do it twice.
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
}

fn taken_by(charge: &Charge<'_>, by: DecidedBy) -> bool {
    charge.charged_at.is_some() && charge.decided_by == by
}
