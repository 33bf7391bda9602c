//! One address, as of a single server, where calls may not span slots.

use futures_util::future::join_all;
use limiter_core::{Charge, Key, Outcome, Storage, Strategy, Verb, storage::redis::RedisStorage};
use limiter_tests::redis::RedisServer;

use crate::raw::{Raw, hit, per_day, remaining, storage};

/// A node that has all slots of its cluster.
fn start() -> (RedisServer, RedisStorage, Raw) {
    let server = RedisServer::with(&["--cluster-enabled", "yes"]);
    assert_eq!(server.cli(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]), "OK");
    server.wait_until("it serves its slots", |server| {
        server.cli(&["CLUSTER", "INFO"]).contains("cluster_state:ok")
    });
    let (storage, raw) = (storage(&server.uri()), Raw::to(server.address()));
    (server, storage, raw)
}

#[tokio::test]
async fn requests_of_one_moment_are_asked_apart_then() {
    let (_server, storage, mut raw) = start();
    let limit = per_day(10, Strategy::FixedWindow, "apart");
    let keys: Vec<_> = (0..20).map(Key::number).collect();
    hit(&storage, &limit, &Key::text("first")).await;
    for (round, calls) in [21, 20].into_iter().enumerate() {
        raw.commands();
        let outcomes = join_all(keys.iter().map(|key| hit(&storage, &limit, key))).await;
        assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Admit));
        let commands = raw.commands();
        // The first call is refused before it is run, which the server may count or not.
        let evalsha = commands["evalsha"];
        assert!(evalsha == 20 || evalsha == calls, "{commands:?}");
        for key in &keys {
            assert_eq!(remaining(&storage, &limit, key).await, 9 - round as u64);
        }
    }
}

#[tokio::test]
async fn a_batch_over_several_slots_takes_all_of_its_charges_or_none() {
    let (_server, storage, mut raw) = start();
    let keys: Vec<_> = (0..20).map(Key::number).collect();
    for strategy in Strategy::ALL {
        let (wide, narrow) = (per_day(10, strategy, "wide"), per_day(2, strategy, "narrow"));
        let limits = |client| if client == 19 { &narrow } else { &wide };
        let charges = || {
            let charge = |(client, key)| Charge::new(limits(client), key);
            keys.iter().enumerate().map(charge).collect::<Vec<_>>()
        };
        let mut outcomes = Vec::new();
        for _ in 0..4 {
            outcomes.push(storage.apply(Verb::Hit, &mut charges()).await.unwrap());
        }
        use Outcome::{Admit, Deny};
        assert_eq!(outcomes, [Admit, Admit, Deny, Deny], "{strategy}");
        assert_eq!(remaining(&storage, &wide, &keys[0]).await, 8, "{strategy}");
        assert_eq!(remaining(&storage, &narrow, &keys[19]).await, 0, "{strategy}");
        storage.apply(Verb::Reset, &mut charges()).await.unwrap();
        assert_eq!(remaining(&storage, &wide, &keys[0]).await, 10, "{strategy}");
        storage.apply(Verb::Hit, &mut charges()).await.unwrap();
    }
    assert_eq!(raw.keys().len(), 20 * Strategy::ALL.len());
    storage.clear().await.unwrap();
    assert!(raw.keys().is_empty());
}
