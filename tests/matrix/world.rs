//! A storage, and the time it lives in.

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use limiter_core::{
    Charge, Clock, FakeClock, Key, Limit, MemoryStorage, Outcome, Quota, Scope, Storage, Strategy,
    Timestamp, Unit, Verb, storage::guarded::GuardedStorage,
};
use tokio::runtime::Runtime;

/// Runs every generic test on every storage, as a test of its own each. A new storage is one more
/// row here.
macro_rules! for_every_storage {
    ($($test:ident),+ $(,)?) => {
        mod memory {
            $(#[test] fn $test() { super::$test::<crate::world::Memory>(); })+
        }
        mod guarded {
            $(#[test] fn $test() { super::$test::<crate::world::Guarded>(); })+
        }
    };
}
pub(crate) use for_every_storage;

/// A fresh storage whose time moves only when told to.
pub(crate) trait World {
    fn new() -> Self;

    fn storage(&self) -> &Arc<dyn Storage>;

    fn now(&self) -> Timestamp;

    fn advance(&self, by: Duration);

    /// The strategies that the storage can run.
    fn strategies(&self) -> Vec<Strategy> {
        Strategy::ALL.into_iter().filter(|strategy| self.storage().supports(*strategy)).collect()
    }

    /// Does it at once if the storage can, and waits if it cannot.
    fn apply(&self, verb: Verb, charges: &mut [Charge<'_>]) -> Outcome {
        match self.storage().apply_now(verb, charges) {
            Some(outcome) => outcome,
            None => self.wait_for(verb, charges),
        }
    }

    /// Does it the way that may wait.
    fn wait_for(&self, verb: Verb, charges: &mut [Charge<'_>]) -> Outcome {
        RUNTIME.block_on(self.storage().apply(verb, charges)).expect("the storage answers")
    }

    fn clear(&self) {
        RUNTIME.block_on(self.storage().clear()).expect("the storage answers");
    }

    fn hit(&self, limit: &Limit, key: &Key, cost: u64) -> bool {
        self.apply(Verb::Hit, &mut [Charge::new(limit, key).cost(cost)]) == Outcome::Admit
    }

    /// What is left for a client.
    fn remaining(&self, limit: &Limit, key: &Key) -> u64 {
        let mut charges = [Charge::new(limit, key).cost(0)];
        self.apply(Verb::Test, &mut charges);
        charges[0].decision().expect("a test decides").remaining()
    }
}

pub(crate) static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// The in-process storage.
pub(crate) struct Memory {
    storage: Arc<dyn Storage>,
    clock: FakeClock,
}

impl World for Memory {
    fn new() -> Self {
        let clock = FakeClock::new();
        let storage = MemoryStorage::builder().clock(clock.clone()).build();
        Self { storage: Arc::new(storage), clock }
    }

    fn storage(&self) -> &Arc<dyn Storage> {
        &self.storage
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }
}

/// A guard around a storage that is well: nobody notices.
pub(crate) struct Guarded {
    storage: Arc<dyn Storage>,
    clock: FakeClock,
}

impl World for Guarded {
    fn new() -> Self {
        let Memory { storage, clock } = Memory::new();
        let guard = GuardedStorage::builder(storage).build().expect("the defaults are legal");
        Self { storage: Arc::new(guard), clock }
    }

    fn storage(&self) -> &Arc<dyn Storage> {
        &self.storage
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }
}

/// `amount` per minute.
pub(crate) fn per_minute(amount: u64, strategy: Strategy, scope: &str) -> Limit {
    Limit::new(Quota::per_minute(amount), strategy, &Scope::new(scope))
}

/// `amount` per so many units.
pub(crate) fn per(amount: u64, multiples: u32, unit: Unit) -> Quota {
    Quota::new(amount, multiples, unit).expect("a legal quota")
}
