//! The in-process storage as if it were far away: it counts its questions, and time passes on the
//! way there and back.

use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use limiter_core::{
    Charge, FakeClock, Key, Limit, MemoryStorage, Outcome, Quota, Scope, Storage, StorageError,
    Strategy, Verb,
    storage::{
        BoxFuture,
        denied::{DeniedCache, DeniedCacheBuilder},
    },
};

#[derive(Clone, Debug)]
pub(crate) struct Far {
    pub(crate) memory: MemoryStorage,
    clock: FakeClock,
    asked: Arc<AtomicUsize>,
    /// Microseconds each way.
    way: Arc<AtomicU64>,
}

impl Far {
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Storage for Far {
    fn name(&self) -> &str {
        "far"
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
        Box::pin(async move {
            let way = self.way.load(Ordering::SeqCst);
            self.clock.advance_micros(way);
            let outcome = self.memory.apply(verb, charges).await;
            tokio::task::yield_now().await;
            self.clock.advance_micros(way);
            outcome
        })
    }

    fn clear(&self) -> BoxFuture<'_, Result<(), StorageError>> {
        Storage::clear(&self.memory)
    }
}

/// A cache around a far storage, on one clock.
pub(crate) struct Fixture {
    pub(crate) cache: DeniedCache,
    pub(crate) far: Far,
    pub(crate) clock: FakeClock,
    pub(crate) key: Key,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        Self::with(|builder| builder)
    }

    pub(crate) fn with(options: impl FnOnce(DeniedCacheBuilder) -> DeniedCacheBuilder) -> Self {
        let clock = FakeClock::new();
        let memory = MemoryStorage::builder().clock(clock.clone()).build();
        let far = Far { memory, clock: clock.clone(), asked: Arc::default(), way: Arc::default() };
        let builder = DeniedCache::builder(Arc::new(far.clone())).clock(clock.clone());
        Self { cache: options(builder).build(), far, clock, key: Key::text("client") }
    }

    /// Lets every question and every answer take so many microseconds.
    pub(crate) fn take(&self, micros: u64) {
        self.far.way.store(micros, Ordering::SeqCst);
    }

    /// Asks as an application does: at once where possible, waiting where not.
    pub(crate) async fn apply(&self, verb: Verb, charges: &mut [Charge<'_>]) -> Outcome {
        match self.cache.apply_now(verb, charges) {
            Some(outcome) => outcome,
            None => self.cache.apply(verb, charges).await.unwrap(),
        }
    }

    pub(crate) async fn hit(&self, limit: &Limit, cost: u64) -> Outcome {
        self.apply(Verb::Hit, &mut [Charge::new(limit, &self.key).cost(cost)]).await
    }

    /// Whether the storage was asked for a hit.
    pub(crate) async fn asks(&self, limit: &Limit, cost: u64) -> bool {
        let before = self.far.asked();
        self.hit(limit, cost).await;
        self.far.asked() > before
    }
}

/// `amount` per second.
pub(crate) fn per_second(amount: u64, strategy: Strategy) -> Limit {
    Limit::new(Quota::per_second(amount), strategy, &Scope::new("second"))
}
