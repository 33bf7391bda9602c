//! Clients whose names look like parts of a key.

use limiter_core::{Charge, Key, Outcome, Storage, Strategy, Verb, storage::redis::RedisStorage};
use limiter_tests::redis::{RedisCluster, RedisServer};

use crate::raw::{per_day, remaining, storage};

/// Texts that end a hash tag early, or that an escape could turn into each other.
const CLIENTS: [&str; 14] =
    ["}", "{", "{}", "}{", "%", "%7D", "%7d", "%257D", "a}b", "a%7Db", "a", "", "%25", "{a}b"];

async fn are_apart(storage: &RedisStorage) {
    // Two limits, so that both must be in the slot of the client.
    let (first, second) = (
        per_day(100, Strategy::FixedWindow, "first"),
        per_day(100, Strategy::TokenBucket, "second"),
    );
    let keys = CLIENTS.map(Key::text);
    for (hits, key) in (1..).zip(&keys) {
        for _ in 0..hits {
            let mut charges = [Charge::new(&first, key), Charge::new(&second, key)];
            assert_eq!(storage.apply(Verb::Hit, &mut charges).await.unwrap(), Outcome::Admit);
        }
    }
    for (hits, (key, name)) in (1..).zip(keys.iter().zip(CLIENTS)) {
        for limit in [&first, &second] {
            assert_eq!(remaining(storage, limit, key).await, 100 - hits, "{name:?}");
        }
    }
}

#[tokio::test]
async fn hostile_clients_are_apart_on_a_server() {
    let server = RedisServer::start();
    are_apart(&storage(&server.uri())).await;
}

#[tokio::test]
async fn hostile_clients_are_apart_on_a_cluster() {
    let cluster = RedisCluster::start();
    are_apart(&storage(&cluster.uri())).await;
}

/// It would be the hash tag, and the counters of a client would be in one slot no more, or those of
/// all clients in the same.
#[test]
fn a_prefix_with_an_opening_brace_is_refused() {
    for prefix in ["{app}:", "{}:", "a{"] {
        let builder = RedisStorage::builder("redis://127.0.0.1").key_prefix(prefix);
        let error = builder.build().unwrap_err().to_string();
        assert!(error.contains(prefix) && error.contains("key_prefix"), "{error}");
    }
}
