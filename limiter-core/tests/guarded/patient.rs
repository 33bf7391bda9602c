//! A storage that fails when a test says so.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use limiter_core::{
    Charge, FakeClock, Key, Limit, MemoryStorage, Outcome, Quota, Scope, Storage, StorageError,
    Strategy, Verb,
    storage::{
        BoxFuture,
        guarded::{GuardedStorage, GuardedStorageBuilder},
    },
};
use parking_lot::Mutex;

/// What the storage does with a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Well,
    /// Fails at once.
    Refusing,
    /// Does it, and is never heard of again.
    Mute,
    /// Answers after a while.
    Slow(Duration),
    /// Fails for one client, as where one node of several is down.
    RefusingOne,
}

/// The in-process storage as if it were far away.
#[derive(Clone, Debug)]
pub(crate) struct Patient {
    pub(crate) memory: MemoryStorage,
    state: Arc<Mutex<State>>,
    asked: Arc<AtomicUsize>,
}

impl Patient {
    pub(crate) fn is(&self, state: State) {
        *self.state.lock() = state;
    }

    /// How often it was called, probes included.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Storage for Patient {
    fn name(&self) -> &str {
        "patient"
    }

    fn supports(&self, _strategy: Strategy) -> bool {
        true
    }

    fn apply_now(&self, _verb: Verb, _charges: &mut [Charge<'_>]) -> Option<Outcome> {
        None
    }

    fn apply<'a>(
        &'a self,
        verb: Verb,
        charges: &'a mut [Charge<'_>],
    ) -> BoxFuture<'a, Result<Outcome, StorageError>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let state = *self.state.lock();
        Box::pin(async move {
            match state {
                State::Well => {}
                State::Refusing => return Err(StorageError::new("connection refused")),
                State::Mute => {
                    self.memory.apply(verb, charges).await?;
                    std::future::pending::<()>().await;
                }
                State::RefusingOne if *charges[0].key() == Key::text("client") => {
                    return Err(StorageError::new("connection refused"));
                }
                State::RefusingOne => {}
                State::Slow(delay) => tokio::time::sleep(delay).await,
            }
            self.memory.apply(verb, charges).await
        })
    }

    fn clear(&self) -> BoxFuture<'_, Result<(), StorageError>> {
        Storage::clear(&self.memory)
    }
}

/// A guard, what it guards, and the clock of its pauses and its counters.
pub(crate) struct Ward {
    pub(crate) guard: GuardedStorage,
    pub(crate) patient: Patient,
    pub(crate) clock: FakeClock,
    pub(crate) key: Key,
}

impl Ward {
    pub(crate) fn new() -> Self {
        Self::with(|builder| builder)
    }

    pub(crate) fn with(
        options: impl FnOnce(GuardedStorageBuilder) -> GuardedStorageBuilder,
    ) -> Self {
        let clock = FakeClock::new();
        // The storage's own clock has another origin, as that of a server has.
        let far = FakeClock::at(limiter_core::Timestamp::from_micros(1_790_000_000_000_000));
        let memory = MemoryStorage::builder().clock(far).build();
        let (state, asked) = (Arc::new(Mutex::new(State::Well)), Arc::default());
        let patient = Patient { memory, state, asked };
        let builder = GuardedStorage::builder(Arc::new(patient.clone()))
            .memory(MemoryStorage::builder().clock(clock.clone()).build())
            .clock(clock.clone());
        let guard = options(builder).build().unwrap();
        Self { guard, patient, clock, key: Key::text("client") }
    }

    /// Asks as an application does: at once where possible, waiting where not.
    pub(crate) async fn apply(
        &self,
        verb: Verb,
        charges: &mut [Charge<'_>],
    ) -> Result<Outcome, StorageError> {
        match self.guard.apply_now(verb, charges) {
            Some(outcome) => Ok(outcome),
            None => self.guard.apply(verb, charges).await,
        }
    }

    /// Hits a limit once; whether it was admitted.
    pub(crate) async fn hit(&self, limit: &Limit) -> bool {
        let mut charges = [Charge::new(limit, &self.key)];
        self.apply(Verb::Hit, &mut charges).await.unwrap() == Outcome::Admit
    }

    /// Makes the storage fail until the circuit opens.
    pub(crate) async fn open(&self, state: State) {
        let limit = per_minute(1_000, "opening");
        self.patient.is(state);
        for _ in 0..5 {
            self.apply(Verb::Hit, &mut [Charge::new(&limit, &self.key)]).await.ok();
        }
    }

    /// Makes the storage work again, and waits for the probe that notices.
    pub(crate) async fn recover(&self) {
        self.patient.is(State::Well);
        self.clock.advance(Duration::from_secs(10));
        let limit = per_minute(1_000, "recovery");
        self.apply(Verb::Hit, &mut [Charge::new(&limit, &self.key)]).await.ok();
        settle().await;
    }

    /// What is used of a limit at the storage itself.
    pub(crate) fn used_at_storage(&self, limit: &Limit) -> u64 {
        limit.quota().amount() - self.patient.memory.peek(limit, &self.key).remaining()
    }
}

/// Lets every task that can go on go on.
pub(crate) async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

pub(crate) fn per_minute(amount: u64, scope: &str) -> Limit {
    Limit::new(Quota::per_minute(amount), Strategy::FixedWindow, &Scope::new(scope))
}
