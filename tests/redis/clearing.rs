//! What `clear` and `reset` delete, and what they leave.

use std::collections::BTreeSet;

use limiter_core::{Charge, Key, Outcome, Storage, Strategy, Verb, storage::redis::RedisStorage};
use limiter_tests::redis::{RedisCluster, RedisServer};

use crate::raw::{Raw, hit, per_day, remaining};

/// Every character that means something to `SCAN`.
const PREFIX: &str = "a*[b]?^-\\:";

/// Names that a pattern made carelessly would match, or that have the prefix of another storage.
const FOREIGN: [&str; 6] =
    ["a*[b]?", "axb?^-\\:{x}", "abc^-\\:{x}", "a*[b]?^-\\", "limiter:{x}", "x"];

fn with_prefix(uri: &str, prefix: &str) -> RedisStorage {
    RedisStorage::builder(uri).key_prefix(prefix).build().unwrap()
}

/// More than a page of `SCAN`, so that a cursor has to be followed.
async fn fill(storage: &RedisStorage) {
    let limit = per_day(10, Strategy::FixedWindow, "clear");
    let keys: Vec<_> = (0..3_000).map(Key::number).collect();
    let hits = keys.iter().map(|key| hit(storage, &limit, key));
    futures_util::future::join_all(hits).await;
}

#[tokio::test]
async fn a_clear_deletes_what_has_the_prefix_and_nothing_else() {
    let server = RedisServer::start();
    let (mut raw, storage) = (Raw::to(server.address()), with_prefix(&server.uri(), PREFIX));
    fill(&storage).await;
    for name in FOREIGN {
        let _: () = raw.ask(&[b"SET", name.as_bytes(), b"1"]);
    }
    assert_eq!(raw.keys().len(), 3_000 + FOREIGN.len());
    raw.commands();
    storage.clear().await.unwrap();
    let commands = raw.commands();
    assert_eq!(commands.get("keys"), None, "{commands:?}");
    assert!(commands["scan"] > 1, "{commands:?}");
    let left: BTreeSet<_> = raw.keys().into_iter().collect();
    assert_eq!(left, FOREIGN.map(|name| name.as_bytes().to_vec()).into());
}

#[tokio::test]
async fn a_clear_reaches_every_node_of_a_cluster() {
    let cluster = RedisCluster::start();
    let storage = with_prefix(&cluster.uri(), PREFIX);
    fill(&storage).await;
    let mut nodes: Vec<_> = cluster.nodes.iter().map(|node| Raw::to(node.address())).collect();
    let is_primary =
        |raw: &mut Raw| raw.ask::<String>(&[b"INFO", b"replication"]).contains("role:master");
    let mut primaries: Vec<_> =
        nodes.iter_mut().filter_map(|raw| is_primary(raw).then_some(raw)).collect();
    let counters: Vec<_> = primaries.iter_mut().map(|raw| raw.keys().len()).collect();
    assert!(counters.iter().all(|count| *count > 0), "{counters:?}");
    assert_eq!(counters.iter().sum::<usize>(), 3_000);
    let foreign = with_prefix(&cluster.uri(), "other:");
    fill(&foreign).await;
    primaries.iter_mut().for_each(|raw| drop(raw.commands()));
    storage.clear().await.unwrap();
    for raw in &mut primaries {
        let commands = raw.commands();
        assert_eq!(commands.get("keys"), None, "{commands:?}");
    }
    let left: Vec<_> = primaries.iter_mut().flat_map(|raw| raw.keys()).collect();
    assert_eq!(left.len(), 3_000);
    assert!(left.iter().all(|name| name.starts_with(b"other:")));
}

#[tokio::test]
async fn a_reset_forgets_one_client_and_one_limit() {
    let server = RedisServer::start();
    let storage = with_prefix(&server.uri(), "limiter:");
    let (me, you) = (Key::text("me"), Key::text("you"));
    for strategy in Strategy::ALL {
        let (reset, other) = (per_day(5, strategy, "reset"), per_day(5, strategy, "other"));
        for (limit, key) in [(&reset, &me), (&reset, &you), (&other, &me)] {
            hit(&storage, limit, key).await;
        }
        let outcome = storage.apply(Verb::Reset, &mut [Charge::new(&reset, &me)]).await.unwrap();
        assert_eq!(outcome, Outcome::Admit);
        let mut left = Vec::new();
        for (limit, key) in [(&reset, &me), (&reset, &you), (&other, &me)] {
            left.push(remaining(&storage, limit, key).await);
        }
        assert_eq!(left, [5, 4, 4], "{strategy}");
    }
}

#[tokio::test]
async fn counters_of_different_prefixes_are_apart() {
    let server = RedisServer::start();
    let (one, two) = (with_prefix(&server.uri(), "a:"), with_prefix(&server.uri(), "a:b:"));
    let (limit, key) = (per_day(5, Strategy::TokenBucket, "prefix"), Key::text("client"));
    for hits in 1..=2 {
        hit(&one, &limit, &key).await;
        assert_eq!(remaining(&one, &limit, &key).await, 5 - hits);
        assert_eq!(remaining(&two, &limit, &key).await, 5);
    }
    hit(&two, &limit, &key).await;
    // What it has to leave begins like its own, too.
    one.clear().await.unwrap();
    assert_eq!(remaining(&one, &limit, &key).await, 5);
    assert_eq!(remaining(&two, &limit, &key).await, 4);
}

/// Clients whose names are patterns, and those that the patterns would match.
const CLIENTS: [&str; 5] = ["a*", "ab", "a}*", "a?", "a"];

async fn forgets_one_client(storage: &RedisStorage) {
    let limits = Strategy::ALL.map(|strategy| per_day(5, strategy, "forget"));
    let keys = CLIENTS.map(Key::text);
    for limit in &limits {
        for key in &keys {
            hit(storage, limit, key).await;
        }
    }
    for gone in 0..keys.len() {
        assert!(storage.forget(&keys[gone]).await.unwrap());
        for (place, key) in keys.iter().enumerate() {
            for limit in &limits {
                let left = if place <= gone { 5 } else { 4 };
                assert_eq!(remaining(storage, limit, key).await, left, "{gone} {limit:?} {key:?}");
            }
        }
    }
}

#[tokio::test]
async fn what_a_client_used_is_forgotten_whatever_the_limit() {
    let server = RedisServer::start();
    forgets_one_client(&with_prefix(&server.uri(), PREFIX)).await;
    let cluster = RedisCluster::start();
    forgets_one_client(&with_prefix(&cluster.uri(), PREFIX)).await;
}
