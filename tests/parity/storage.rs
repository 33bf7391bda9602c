//! A storage that has to be waited for, that may be down, and that cannot do everything.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use limiter_actix::{
    MemoryStorage, Strategy,
    core::{Charge, Outcome, Storage, StorageError, Verb, storage::BoxFuture},
};

/// The memory storage as if it were far away. Clones are the same storage.
#[derive(Clone, Debug)]
pub(crate) struct Remote {
    memory: MemoryStorage,
    down: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
    strategies: &'static [Strategy],
}

impl Remote {
    pub(crate) fn new(memory: MemoryStorage) -> Self {
        Self { memory, down: Arc::default(), asked: Arc::default(), strategies: &Strategy::ALL }
    }

    /// One that has but these strategies.
    pub(crate) fn with_strategies(strategies: &'static [Strategy]) -> Self {
        Self { strategies, ..Self::new(MemoryStorage::new()) }
    }

    /// Nothing answers any more.
    pub(crate) fn break_down(&self) {
        self.down.store(true, Ordering::SeqCst);
    }

    /// It answers again.
    pub(crate) fn mend(&self) {
        self.down.store(false, Ordering::SeqCst);
    }

    /// How often somebody tried to reach it, whether it answered or not.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    async fn reach(&self) -> Result<(), StorageError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        if self.down.load(Ordering::SeqCst) {
            let cause = io::Error::from(io::ErrorKind::ConnectionRefused);
            return Err(StorageError::new("expected an answer, found none").with_source(cause));
        }
        Ok(())
    }
}

impl Storage for Remote {
    fn name(&self) -> &str {
        "remote"
    }

    fn supports(&self, strategy: Strategy) -> bool {
        self.strategies.contains(&strategy)
    }

    fn apply_now(&self, _verb: Verb, _charges: &mut [Charge<'_>]) -> Option<Outcome> {
        None
    }

    fn apply<'a>(
        &'a self,
        verb: Verb,
        charges: &'a mut [Charge<'_>],
    ) -> BoxFuture<'a, Result<Outcome, StorageError>> {
        Box::pin(async move {
            self.reach().await?;
            self.memory.apply(verb, charges).await
        })
    }

    fn clear(&self) -> BoxFuture<'_, Result<(), StorageError>> {
        Box::pin(async {
            self.reach().await?;
            Storage::clear(&self.memory).await
        })
    }
}
