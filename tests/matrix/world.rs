//! A storage, and the time it lives in.

use std::{
    marker::PhantomData,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use limiter_core::{
    Charge, Clock, FakeClock, Key, Limit, MemoryStorage, Outcome, Quota, Scope, Storage, Strategy,
    Timestamp, Unit, Verb,
    storage::{guarded::GuardedStorage, redis::RedisStorage},
};
use limiter_tests::redis::{RedisCluster, RedisServer, RedisService, for_the_process};
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
        crate::world::for_every_redis!($($test),+);
    };
}

/// The same on every way to run Redis.
macro_rules! for_every_redis {
    ($($test:ident),+ $(,)?) => {
        mod redis {
            $(#[test] fn $test() { super::$test::<crate::world::Redis<crate::world::Single>>(); })+
        }
        mod redis_cluster {
            $(#[test] fn $test() { super::$test::<crate::world::Redis<crate::world::Cluster>>(); })+
        }
        mod redis_sentinel {
            $(#[test] fn $test() { super::$test::<crate::world::Redis<crate::world::Sentinel>>(); })+
        }
    };
}
pub(crate) use for_every_redis;
pub(crate) use for_every_storage;

/// A fresh storage whose time moves only when told to.
pub(crate) trait World {
    /// How many random traces it is asked: fewer where each answer comes over a network.
    const TRACES: u32 = 600;

    /// Whether the charges of different clients are taken apart, and given back where others deny.
    const GIVES_BACK: bool = false;

    fn new() -> Self;

    fn storage(&self) -> &Arc<dyn Storage>;

    fn clock(&self) -> &FakeClock;

    fn now(&self) -> Timestamp {
        self.clock().now()
    }

    fn advance(&self, by: Duration) {
        self.clock().advance(by);
    }

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

    fn clock(&self) -> &FakeClock {
        &self.clock
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

    fn clock(&self) -> &FakeClock {
        &self.clock
    }
}

/// Counters in servers that all tests of this process share, each with a prefix of its own.
pub(crate) struct Redis<S> {
    storage: Arc<dyn Storage>,
    clock: FakeClock,
    servers: PhantomData<S>,
}

/// Servers that are started once.
pub(crate) trait Servers {
    const TRACES: u32;
    const GIVES_BACK: bool = false;

    fn uri() -> String;
}

pub(crate) struct Single;
pub(crate) struct Cluster;
pub(crate) struct Sentinel;

impl Servers for Single {
    const TRACES: u32 = 60;

    fn uri() -> String {
        static URI: LazyLock<String> =
            LazyLock::new(|| for_the_process(RedisServer::start, RedisServer::uri));
        URI.clone()
    }
}

impl Servers for Cluster {
    const TRACES: u32 = 20;
    const GIVES_BACK: bool = true;

    fn uri() -> String {
        static URI: LazyLock<String> =
            LazyLock::new(|| for_the_process(RedisCluster::start, RedisCluster::uri));
        URI.clone()
    }
}

impl Servers for Sentinel {
    const TRACES: u32 = 20;

    fn uri() -> String {
        static URI: LazyLock<String> =
            LazyLock::new(|| for_the_process(RedisService::start, RedisService::uri));
        URI.clone()
    }
}

impl<S: Servers> World for Redis<S> {
    const TRACES: u32 = S::TRACES;
    const GIVES_BACK: bool = S::GIVES_BACK;

    fn new() -> Self {
        static WORLDS: AtomicU32 = AtomicU32::new(0);
        let clock = FakeClock::new();
        let prefix = format!("world{}:", WORLDS.fetch_add(1, Ordering::Relaxed));
        let storage = RedisStorage::builder(S::uri())
            .key_prefix(prefix)
            .connect_timeout(Duration::from_secs(20))
            .clock(clock.clone())
            .build()
            .unwrap();
        Self { storage: Arc::new(storage), clock, servers: PhantomData }
    }

    fn storage(&self) -> &Arc<dyn Storage> {
        &self.storage
    }

    fn clock(&self) -> &FakeClock {
        &self.clock
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
