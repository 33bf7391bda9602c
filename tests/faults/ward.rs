//! A server, a proxy before it, and a guarded storage that reaches it only through the proxy.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use limiter_core::{
    Charge, DecidedBy, Key, Limit, Outcome, Quota, Scope, Storage, StorageError, Strategy, Verb,
    storage::guarded::{Circuit, GuardedStorage, GuardedStorageBuilder},
};
use limiter_tests::proxy::FaultProxy;

use limiter_tests::redis::RedisServer;

/// Longer than the default, so that a server that is well answers in time on a busy machine.
pub(crate) const DEADLINE: Duration = Duration::from_millis(200);

/// More than a deadline takes on a busy machine, and much less than what the faults would take.
pub(crate) const SOON: Duration = Duration::from_millis(900);

pub(crate) struct Ward {
    pub(crate) server: RedisServer,
    pub(crate) proxy: FaultProxy,
    pub(crate) guard: GuardedStorage,
    /// Reaches the server directly, and is not guarded.
    pub(crate) direct: Arc<dyn Storage>,
    pub(crate) key: Key,
}

/// What came of a hit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hit {
    pub(crate) admitted: bool,
    pub(crate) by: DecidedBy,
    pub(crate) took: Duration,
    pub(crate) remaining: u64,
}

impl Ward {
    pub(crate) async fn new() -> Self {
        Self::with(|guard| guard).await
    }

    pub(crate) async fn with(
        options: impl FnOnce(GuardedStorageBuilder) -> GuardedStorageBuilder,
    ) -> Self {
        Self::around(RedisServer::start(), options).await
    }

    pub(crate) async fn around(
        server: RedisServer,
        options: impl FnOnce(GuardedStorageBuilder) -> GuardedStorageBuilder,
    ) -> Self {
        let proxy = FaultProxy::start(server.address());
        let guard = guard(&format!("redis://{}", proxy.address()), options);
        let direct = redis(&format!("redis://{}", server.address()));
        let ward = Self { server, proxy, guard, direct, key: Key::text("client") };
        ward.guard.check().await.expect("the server is well at first");
        ward
    }

    pub(crate) async fn hit(&self, limit: &Limit) -> Hit {
        hit(&self.guard, limit, &self.key).await
    }

    /// What the server has counted.
    pub(crate) async fn used(&self, limit: &Limit) -> u64 {
        used(&*self.direct, limit, &self.key).await
    }

    /// Asks until the circuit is as wanted.
    pub(crate) async fn until(&self, circuit: Circuit) {
        until(&self.guard, circuit).await;
    }

    /// Asks until the server decides again.
    pub(crate) async fn recovered(&self) {
        let limit = per_hour(1_000_000, "recovery");
        let began = Instant::now();
        while self.hit(&limit).await.by != DecidedBy::Storage {
            assert!(began.elapsed() < Duration::from_secs(15), "{}", ill(&self.guard));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// The Redis storage behind a URI, without a guard.
pub(crate) fn redis(uri: &str) -> Arc<dyn Storage> {
    limiter_tests::hitter::redis(uri)
}

/// A guard with short pauses around the Redis storage behind a URI.
pub(crate) fn guard(
    uri: &str,
    options: impl FnOnce(GuardedStorageBuilder) -> GuardedStorageBuilder,
) -> GuardedStorage {
    let pauses = (Duration::from_millis(50), Duration::from_millis(400));
    let builder =
        GuardedStorage::builder(redis(uri)).deadline(DEADLINE).probe_pauses(pauses.0, pauses.1);
    options(builder).build().unwrap()
}

/// Hits as an application does: at once where possible, waiting where not.
pub(crate) async fn try_hit(
    storage: &dyn Storage,
    limit: &Limit,
    key: &Key,
) -> Result<Hit, StorageError> {
    let began = Instant::now();
    let mut charges = [Charge::new(limit, key)];
    let outcome = match storage.apply_now(Verb::Hit, &mut charges) {
        Some(outcome) => outcome,
        None => storage.apply(Verb::Hit, &mut charges).await?,
    };
    let decision = charges[0].decision().expect("a decision");
    Ok(Hit {
        admitted: outcome == Outcome::Admit,
        by: charges[0].decided_by(),
        took: began.elapsed(),
        remaining: decision.remaining(),
    })
}

/// The same where the policy lets no error through.
pub(crate) async fn hit(storage: &dyn Storage, limit: &Limit, key: &Key) -> Hit {
    try_hit(storage, limit, key).await.expect("the policy decides")
}

pub(crate) async fn used(storage: &dyn Storage, limit: &Limit, key: &Key) -> u64 {
    let mut charges = [Charge::new(limit, key).cost(0)];
    storage.apply(Verb::Test, &mut charges).await.expect("the server answers");
    limit.quota().amount() - charges[0].decision().expect("a decision").remaining()
}

pub(crate) async fn until(guard: &GuardedStorage, circuit: Circuit) {
    let (limit, key) = (per_hour(1_000_000, "until"), Key::text("until"));
    let began = Instant::now();
    while guard.health().circuit != circuit {
        assert!(began.elapsed() < Duration::from_secs(15), "{}", ill(guard));
        try_hit(guard, &limit, &key).await.ok();
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// A limit that does not end while a test runs.
pub(crate) fn per_hour(amount: u64, scope: &str) -> Limit {
    Limit::new(Quota::per_hour(amount), Strategy::FixedWindow, &Scope::new(scope))
}

/// What is wrong with a storage that ought to be well.
fn ill(guard: &GuardedStorage) -> String {
    format!("{:?}, {:?}", guard.health(), guard.cause().map(|cause| cause.to_string()))
}
