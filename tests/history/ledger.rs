//! A storage that tells all its counters.

use std::{collections::BTreeMap, fmt, sync::Arc};

use limiter_actix::{
    FakeClock, Key, MemoryStorage, Strategy,
    core::{Charge, Limit, Outcome, Storage, StorageError, Verb, storage::BoxFuture},
};
use parking_lot::Mutex;

use crate::layer::pending;

/// The memory storage, which remembers whom it was asked about. Clones are the same storage.
#[derive(Clone, Debug)]
pub(crate) struct Ledger {
    memory: MemoryStorage,
    known: Arc<Mutex<BTreeMap<Counter, (Limit, Key)>>>,
    /// Whether it answers only after a poll, as if it were far away.
    is_remote: bool,
}

/// The name of a counter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Counter {
    /// [`Limit::id`].
    pub(crate) limit: String,
    /// [`Key::to_bytes`].
    pub(crate) key: Vec<u8>,
}

/// What is used of each counter of which anything is.
pub(crate) type Used = BTreeMap<Counter, u64>;

impl Ledger {
    pub(crate) fn new(clock: FakeClock, is_remote: bool) -> Self {
        Self {
            memory: MemoryStorage::builder().capacity(10_000).clock(clock).build(),
            known: Arc::default(),
            is_remote,
        }
    }

    /// What is used of all counters.
    pub(crate) fn used(&self) -> Used {
        let known = self.known.lock();
        let counters = known.iter().map(|(counter, (limit, key))| {
            let remaining = self.memory.peek(limit, key).remaining();
            (counter.clone(), limit.quota().amount() - remaining)
        });
        counters.filter(|(_, used)| *used > 0).collect()
    }

    fn remember(&self, charges: &[Charge<'_>]) {
        let mut known = self.known.lock();
        for charge in charges {
            known
                .entry(Counter::new(charge.limit(), charge.key()))
                .or_insert_with(|| (charge.limit().clone(), charge.key().clone()));
        }
    }
}

impl Counter {
    pub(crate) fn new(limit: &Limit, key: &Key) -> Self {
        Self { limit: limit.id().to_owned(), key: key.to_bytes().to_vec() }
    }
}

impl fmt::Display for Counter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} for {}", self.limit, self.key.escape_ascii())
    }
}

impl Storage for Ledger {
    fn name(&self) -> &str {
        "ledger"
    }

    fn supports(&self, strategy: Strategy) -> bool {
        self.memory.supports(strategy)
    }

    fn apply_now(&self, verb: Verb, charges: &mut [Charge<'_>]) -> Option<Outcome> {
        if self.is_remote {
            return None;
        }
        self.remember(charges);
        self.memory.apply_now(verb, charges)
    }

    fn apply<'a>(
        &'a self,
        verb: Verb,
        charges: &'a mut [Charge<'_>],
    ) -> BoxFuture<'a, Result<Outcome, StorageError>> {
        Box::pin(async move {
            if self.is_remote {
                pending(1).await;
            }
            self.remember(charges);
            self.memory.apply(verb, charges).await
        })
    }

    fn clear(&self) -> BoxFuture<'_, Result<(), StorageError>> {
        Storage::clear(&self.memory)
    }
}
