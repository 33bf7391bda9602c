//! A storage that counts how often it is asked.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use limiter_actix::{
    MemoryStorage, Strategy,
    core::{Charge, Outcome, Storage, StorageError, Verb, storage::BoxFuture},
};

/// Counters in memory, and the number of batches that were decided.
#[derive(Clone, Debug)]
pub(crate) struct Counted {
    memory: Arc<MemoryStorage>,
    batches: Arc<AtomicUsize>,
}

impl Counted {
    pub(crate) fn new() -> Self {
        Self { memory: Arc::new(MemoryStorage::builder().build()), batches: Arc::default() }
    }

    /// How many batches were decided since the last time.
    pub(crate) fn batches(&self) -> usize {
        self.batches.swap(0, Ordering::SeqCst)
    }
}

impl Storage for Counted {
    fn name(&self) -> &str {
        "counted"
    }

    fn supports(&self, strategy: Strategy) -> bool {
        self.memory.supports(strategy)
    }

    fn apply_now(&self, verb: Verb, charges: &mut [Charge<'_>]) -> Option<Outcome> {
        if !charges.is_empty() {
            self.batches.fetch_add(1, Ordering::SeqCst);
        }
        self.memory.apply_now(verb, charges)
    }

    fn apply<'a>(
        &'a self,
        verb: Verb,
        charges: &'a mut [Charge<'_>],
    ) -> BoxFuture<'a, Result<Outcome, StorageError>> {
        if !charges.is_empty() {
            self.batches.fetch_add(1, Ordering::SeqCst);
        }
        self.memory.apply(verb, charges)
    }

    fn clear(&self) -> BoxFuture<'_, Result<(), StorageError>> {
        Storage::clear(&*self.memory)
    }
}
