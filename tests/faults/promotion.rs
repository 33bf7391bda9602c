//! A replica that becomes the primary.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use limiter_core::{DecidedBy, Key};
use limiter_tests::{
    proxy::{Fault, FaultProxy},
    redis::{RedisServer, RedisService},
};

use crate::{
    load::Load,
    ward::{guard, hit, per_hour, used},
};

/// [14]
#[tokio::test(flavor = "multi_thread")]
async fn a_sentinel_promotes_a_replica_under_load_and_the_old_primary_comes_back_as_one() {
    let mut watched = RedisService::start();
    let guard = guard(&watched.uri(), |guard| guard);
    guard.check().await.expect("the primary is well at first");
    let (limit, key) = (Arc::new(per_hour(1_000_000, "promotion")), Key::text("client"));
    let load = Load::start(&guard, &limit, &key, 8);
    tokio::time::sleep(Duration::from_millis(500)).await;
    let before = load.hits();
    watched.servers[0].kill();
    let began = Instant::now();
    while load.hits().by_storage < before.by_storage + 500 {
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", guard.cause());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    watched.servers[0].run();
    let is_replica = |server: &RedisServer| server.cli(&["ROLE"]).starts_with("slave");
    watched.servers[0].wait_until("the old primary is a replica", is_replica);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(hit(&guard, &limit, &key).await.by, DecidedBy::Storage);
    let hits = load.stop().await;
    assert!(hits.by_fallback > 0, "there was an outage: {hits:?}");
    let used = used(&guard, &limit, &key).await;
    let counted = hits.by_storage + 1;
    assert!(
        (counted - 100..=counted + guard.health().failures).contains(&used),
        "{used} of {hits:?}"
    );
}

/// [15]
#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_missed_the_last_writes_admits_as_many_again_and_no_more() {
    let mut primary = RedisServer::start();
    let replication = FaultProxy::start(primary.address());
    let port = replication.address().port().to_string();
    let replica = RedisServer::with(&["--replicaof", "127.0.0.1", &port]);
    // An address that goes to whoever is the primary.
    let service = FaultProxy::start(primary.address());
    let guard = guard(&format!("redis://{}", service.address()), |guard| guard);
    guard.check().await.unwrap();
    replica.wait_until("it has its primary's data", |replica| replica.is_in_step());
    let (limit, key) = (per_hour(10, "lost writes"), Key::text("client"));
    for _ in 0..4 {
        assert_eq!(hit(&guard, &limit, &key).await.by, DecidedBy::Storage);
    }
    // The replica tells only every second how far it is.
    replica.wait_until("it has the four hits", |_| {
        let told = |server: &RedisServer| {
            let info = server.cli(&["INFO", "replication"]);
            let offset = info.lines().find(|line| line.starts_with("master_repl_offset"));
            offset.map(str::to_owned)
        };
        told(&primary) == told(&replica)
    });
    replication.set(Fault::Stall);
    for _ in 0..3 {
        assert_eq!(hit(&guard, &limit, &key).await.by, DecidedBy::Storage);
    }
    primary.kill();
    assert_eq!(replica.cli(&["REPLICAOF", "NO", "ONE"]), "OK");
    service.forward_to(replica.address());
    service.cut();
    let (other, began) = (per_hour(1_000_000, "other"), Instant::now());
    while hit(&guard, &other, &key).await.by != DecidedBy::Storage {
        assert!(began.elapsed() < Duration::from_secs(15), "{:?}", guard.cause());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let mut admitted = 7;
    for _ in 0..20 {
        admitted += u64::from(hit(&guard, &limit, &key).await.admitted);
    }
    assert_eq!(admitted, 10 + 3, "three writes were lost");
}
