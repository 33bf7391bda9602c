//! The storage behind the guard: called while the circuit is closed, probed while it is open.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use tokio::{runtime::Handle, time};

use super::{
    breaker::{Breaker, Turn},
    deadline::within,
    health::{Circuit, Count},
    probe::Probe,
};
use crate::{
    charge::Charge,
    clock::{Clock, Timestamp},
    decision::Outcome,
    error::{OnStoreError, StorageError},
    key::Key,
    storage::interface::{Storage, Verb},
};

/// A storage that is called with a deadline, and not called at all while its circuit is open.
#[derive(Debug)]
pub(super) struct Remote {
    storage: Arc<dyn Storage>,
    breaker: Breaker,
    probe: Probe,
    deadline: Duration,
    probe_deadline: Duration,
    /// What the log says decides while the circuit is open.
    on_store_error: OnStoreError,
    clock: Arc<dyn Clock>,
    counts: Counts,
}

/// What happened so far.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) failures: Count,
    pub(super) opened: Count,
    pub(super) closed: Count,
    pub(super) probes: Count,
}

impl Remote {
    pub(super) fn new(
        storage: Arc<dyn Storage>,
        breaker: Breaker,
        (deadline, probe_deadline): (Duration, Duration),
        on_store_error: OnStoreError,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let probe = Probe::of(&*storage);
        let counts = Counts::default();
        Self { storage, breaker, probe, deadline, probe_deadline, on_store_error, clock, counts }
    }

    /// The storage itself, for calls that do not depend on the circuit.
    pub(super) fn storage(&self) -> &dyn Storage {
        &*self.storage
    }

    pub(super) fn circuit(&self) -> Circuit {
        self.breaker.circuit()
    }

    pub(super) fn is_open(&self) -> bool {
        self.breaker.is_open()
    }

    /// Why the circuit is open.
    pub(super) fn cause(&self) -> Option<StorageError> {
        self.breaker.cause()
    }

    pub(super) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Calls the storage for the first time. If it does not answer, the circuit opens.
    pub(super) async fn check(self: &Arc<Self>) -> Result<(), StorageError> {
        let key = Key::text("probe");
        let probe = self.probe.ask(&*self.storage, &key);
        let Err(cause) = within(self.probe_deadline, probe).await else { return Ok(()) };
        let error = StorageError::new(format!(
            "expected an answer of the storage {}, found: {cause}; see whether it runs, and whether \
             its address, credentials and permissions are right",
            self.storage.name()
        ))
        .with_source(cause);
        self.opened(self.breaker.open(&error, None, self.clock.coarse()).then_some(1), &error);
        Err(error)
    }

    /// Calls the storage, with the deadline, if the circuit is closed.
    pub(super) async fn ask(
        self: &Arc<Self>,
        verb: Verb,
        charges: &mut [Charge<'_>],
    ) -> Result<Outcome, StorageError> {
        if self.breaker.is_open() {
            self.probe_if_due();
            return Err(self.circuit_open());
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

    /// The error while the circuit is open, with its cause.
    fn circuit_open(&self) -> StorageError {
        let name = self.storage.name();
        match self.breaker.cause() {
            Some(cause) => {
                StorageError::new(format!("{name}: circuit open since it failed: {cause}"))
                    .with_source(cause)
            }
            None => StorageError::new(format!("{name}: circuit open")),
        }
    }

    /// Logs and counts that the circuit opened, and starts to probe. `after` is how many failures
    /// opened it; with `None` it did not open.
    fn opened(self: &Arc<Self>, after: Option<u32>, error: &StorageError) {
        let Some(failures) = after else { return };
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(Self::probe_until_recovered(Arc::downgrade(self)));
        }
        self.counts.opened.add(1);
        tracing::warn!(
            storage = self.storage.name(),
            failures,
            %error,
            on_store_error = %self.on_store_error,
            "the storage is failing: circuit opened, `on_store_error` decides until it recovers"
        );
    }
}

/// Probes.
impl Remote {
    /// Sends a probe, if one is due, on the runtime of the request that noticed. That runtime may
    /// end before the probe does: a dropped probe counts as failed, and another runtime sends the
    /// next.
    pub(super) fn probe_if_due(self: &Arc<Self>) {
        if let Ok(runtime) = Handle::try_current()
            && let Some(sent) = Sent::now(self)
        {
            let remote = Arc::downgrade(self);
            runtime.spawn(async move {
                sent.ask().await;
                Self::probe_until_recovered(remote).await;
            });
        }
    }

    /// Sends one probe after the other, so that a recovery is noticed without any request. It ends
    /// with the outage, with the guard and with the runtime. It also ends when a request sends the
    /// next probe first: then the task of that probe goes on in its place.
    async fn probe_until_recovered(remote: Weak<Self>) {
        while let Some(due) = remote.upgrade().and_then(|remote| remote.breaker.due()) {
            let Some(sent) = Sent::at(&remote, due).await else { return };
            sent.ask().await;
        }
    }
}

/// A probe on its way.
struct Sent {
    remote: Arc<Remote>,
    /// Taken when the result of the probe is reported.
    turn: Option<Turn>,
}

impl Sent {
    fn now(remote: &Arc<Remote>) -> Option<Self> {
        let turn = remote.breaker.turn(remote.clock.coarse())?;
        remote.counts.probes.add(1);
        Some(Self { remote: Arc::clone(remote), turn: Some(turn) })
    }

    /// Waits until a probe is due. `None` if another caller sends it first.
    async fn at(remote: &Weak<Remote>, due: Timestamp) -> Option<Self> {
        loop {
            let left = {
                let remote = remote.upgrade().filter(|remote| remote.breaker.due() == Some(due))?;
                let now = remote.clock.coarse();
                if now >= due {
                    return Self::now(&remote);
                }
                due.since(now)
            };
            time::sleep(Duration::from_micros(left)).await;
        }
    }

    async fn ask(mut self) {
        let Remote { storage, probe, breaker, deadline, probe_deadline, .. } = &*self.remote;
        let key = breaker.key().unwrap_or_else(|| Key::text("probe"));
        // The first answer may need a new connection. The second counts: it takes as long as the
        // answer to a client would.
        let answered = match within(*probe_deadline, probe.ask(&**storage, &key)).await {
            Ok(()) => within(*deadline, probe.ask(&**storage, &key)).await,
            failed => failed,
        };
        self.done(answered);
    }

    fn done(&mut self, answered: Result<(), StorageError>) {
        let Some(turn) = self.turn.take() else { return };
        let Remote { breaker, clock, counts, storage, .. } = &*self.remote;
        match answered {
            Ok(()) if breaker.close(clock.coarse()) => {
                counts.closed.add(1);
                tracing::info!(storage = storage.name(), "the storage recovered: circuit closed");
            }
            Ok(()) => {}
            Err(error) => breaker.probe_failed(turn, Some(error), clock.coarse()),
        }
    }
}

impl Drop for Sent {
    fn drop(&mut self) {
        if let Some(turn) = self.turn.take() {
            self.remote.breaker.probe_failed(turn, None, self.remote.clock.coarse());
        }
    }
}
