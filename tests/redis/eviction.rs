//! Servers that would throw counters away.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use limiter_core::{
    Key, Outcome, Strategy,
    storage::{guarded::GuardedStorage, redis::RedisStorage},
};
use limiter_tests::{
    Log,
    redis::{RedisCluster, RedisServer},
};

use crate::raw::{Raw, hit, per_day, storage};

const REMEDY: &str = "`noeviction`";

/// Uses a storage until every server was asked for its configuration, and answered; how often the
/// log warned.
async fn warnings(storage: &RedisStorage, servers: &[&RedisServer]) -> usize {
    let (log, _guard) = Log::listen();
    let limit = per_day(100, Strategy::FixedWindow, "eviction");
    assert_eq!(hit(storage, &limit, &Key::text("client")).await, Outcome::Admit);
    let asked = |server: &&RedisServer| {
        server.cli(&["INFO", "commandstats"]).contains("cmdstat_config|get:")
    };
    for _ in 0..500 {
        if servers.iter().all(asked) {
            break;
        }
        hit(storage, &limit, &Key::text("client")).await;
    }
    assert!(servers.iter().all(asked), "{:?}", servers[0].cli(&["INFO", "commandstats"]));
    // Its answer came before that of the last of these.
    for _ in 0..10 {
        hit(storage, &limit, &Key::text("client")).await;
    }
    log.text().matches(REMEDY).count()
}

#[tokio::test]
async fn a_server_that_would_remove_counters_is_warned_of_once() {
    for policy in ["allkeys-lru", "volatile-ttl"] {
        let server = RedisServer::with(&["--maxmemory", "100mb", "--maxmemory-policy", policy]);
        let storage = storage(&server.uri());
        assert_eq!(warnings(&storage, &[&server]).await, 1, "{policy}");
        // The same storage over another connection.
        server.cli(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
        let _ = storage.ping().await;
        assert_eq!(warnings(&storage, &[&server]).await, 0, "{policy}: a second time");
        let commands = Raw::to(server.address()).commands();
        assert_eq!(commands.get("config|get"), Some(&1), "{commands:?}");
    }
}

#[tokio::test]
async fn a_server_that_removes_nothing_is_not_warned_of() {
    for options in [
        &["--maxmemory", "0", "--maxmemory-policy", "allkeys-lru"][..],
        &["--maxmemory", "100mb", "--maxmemory-policy", "noeviction"],
    ] {
        let server = RedisServer::with(options);
        assert_eq!(warnings(&storage(&server.uri()), &[&server]).await, 0, "{options:?}");
    }
}

#[tokio::test]
async fn a_server_that_does_not_tell_its_configuration_is_taken_as_it_is() {
    let server = RedisServer::with(&["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"]);
    server.cli(&["ACL", "SETUSER", "app", "on", ">pw", "~*", "+@all", "-config"]);
    let forbidden = storage(&format!("redis://app:pw@{}", server.address()));
    assert_eq!(warnings(&forbidden, &[&server]).await, 0);
    let without = RedisServer::with(&["--rename-command", "CONFIG", ""]);
    let storage = storage(&without.uri());
    let (limit, key) = (per_day(3, Strategy::FixedWindow, "renamed"), Key::text("client"));
    for expected in [Outcome::Admit, Outcome::Admit, Outcome::Admit, Outcome::Deny] {
        assert_eq!(hit(&storage, &limit, &key).await, expected);
    }
}

#[tokio::test]
async fn of_a_cluster_every_primary_is_asked() {
    let cluster = RedisCluster::start();
    let primaries: Vec<_> =
        cluster.nodes.iter().filter(|node| node.cli(&["ROLE"]).starts_with("master")).collect();
    // Any but the first that might be asked by chance: two tell nothing of note.
    primaries[2].cli(&["CONFIG", "SET", "maxmemory", "100mb"]);
    primaries[2].cli(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lfu"]);
    assert_eq!(warnings(&storage(&cluster.uri()), &primaries).await, 1);
}

/// Before the first request: where a limiter asks whether the storage is there.
#[tokio::test]
async fn it_is_warned_of_at_the_start() {
    let server = RedisServer::with(&["--maxmemory", "100mb", "--maxmemory-policy", "volatile-lru"]);
    let (log, _guard) = Log::listen();
    let guard = GuardedStorage::builder(Arc::new(storage(&server.uri()))).build().unwrap();
    guard.check().await.unwrap();
    let began = Instant::now();
    while !log.text().contains(REMEDY) {
        assert!(began.elapsed() < Duration::from_secs(15), "{}", log.text());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let address = server.address().to_string();
    assert!(log.text().contains("volatile-lru") && log.text().contains(&address), "{}", log.text());
}
