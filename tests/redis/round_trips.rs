//! One command decides a batch, and the server's clock times it.

use limiter_core::{
    Charge, FakeClock, Key, Outcome, Storage, Strategy, Verb, storage::redis::RedisStorage,
};
use limiter_tests::redis::RedisServer;

use crate::raw::{Raw, hit, per_day, storage};

#[tokio::test]
async fn a_batch_is_one_command_whatever_the_number_of_limits() {
    let server = RedisServer::start();
    let (storage, mut raw) = (storage(&server.uri()), Raw::to(server.address()));
    let key = Key::text("client");
    for strategy in Strategy::ALL {
        let limits: Vec<_> =
            (0..6).map(|limit| per_day(10, strategy, &format!("limit {limit}"))).collect();
        hit(&storage, &limits[0], &key).await;
        for count in [1, 3, 6] {
            raw.commands();
            let mut charges: Vec<_> =
                limits[..count].iter().map(|limit| Charge::new(limit, &key)).collect();
            for verb in [Verb::Hit, Verb::Test, Verb::Refund] {
                storage.apply(verb, &mut charges).await.unwrap();
                let commands = raw.commands();
                assert_eq!(commands.get("evalsha"), Some(&1), "{strategy}, {verb:?}: {commands:?}");
                // All others are the script's own.
                for command in ["eval", "script|load", "ping", "unwatch", "select", "hello"] {
                    assert_eq!(commands.get(command), None, "{strategy}, {verb:?}: {commands:?}");
                }
                if verb == Verb::Test {
                    storage.apply(Verb::Hit, &mut charges).await.unwrap();
                    raw.commands();
                }
            }
            let outcome = storage.apply(Verb::Reset, &mut charges).await;
            assert_eq!(outcome.unwrap(), Outcome::Admit);
            let commands = raw.commands();
            assert_eq!(commands.into_iter().collect::<Vec<_>>(), [("del".to_owned(), 1)]);
        }
    }
}

#[tokio::test]
async fn an_empty_batch_asks_nobody() {
    // Nobody listens there.
    let storage = storage("redis://127.0.0.1:1");
    assert_eq!(storage.apply_now(Verb::Hit, &mut []), Some(Outcome::Admit));
    assert_eq!(storage.apply(Verb::Hit, &mut []).await.unwrap(), Outcome::Admit);
}

#[tokio::test]
async fn a_script_that_was_flushed_is_sent_once_and_known_again() {
    let server = RedisServer::start();
    let (storage, mut raw) = (storage(&server.uri()), Raw::to(server.address()));
    let (limit, key) = (per_day(10, Strategy::FixedWindow, "flushed"), Key::text("client"));
    let mut sent = async || {
        raw.commands();
        assert_eq!(hit(&storage, &limit, &key).await, Outcome::Admit);
        let commands = raw.commands();
        ["evalsha", "eval"].map(|name| commands.get(name).copied().unwrap_or_default())
    };
    assert_eq!([sent().await, sent().await], [[1, 1], [1, 0]]);
    assert_eq!(server.cli(&["SCRIPT", "FLUSH"]), "OK");
    assert_eq!([sent().await, sent().await], [[1, 1], [1, 0]]);
}

#[tokio::test]
async fn a_thousand_requests_at_once_share_one_connection() {
    let server = RedisServer::start();
    let (storage, mut raw) = (storage(&server.uri()), Raw::to(server.address()));
    let connections = |raw: &mut Raw| {
        let text: String = raw.ask(&[b"INFO", b"stats"]);
        let line = text.lines().find_map(|line| line.strip_prefix("total_connections_received:"));
        line.unwrap().parse::<u64>().unwrap()
    };
    let before = connections(&mut raw);
    let (limit, key) = (per_day(600, Strategy::TokenBucket, "many"), Key::text("client"));
    let hits = (0..1_000).map(|_| hit(&storage, &limit, &key));
    let outcomes = futures_util::future::join_all(hits).await;
    let admitted = outcomes.iter().filter(|outcome| **outcome == Outcome::Admit).count();
    assert_eq!((admitted, connections(&mut raw) - before), (600, 1));
}

/// Number, moment, duration, words, address and name of the client.
type Entry = (i64, i64, i64, Vec<Vec<u8>>, String, String);

/// Whatever the clock of a machine says: it is not told to the server.
#[tokio::test]
async fn no_moment_is_sent_unless_a_clock_for_tests_is_given() {
    let server = RedisServer::start();
    let mut raw = Raw::to(server.address());
    let (limit, key) = (per_day(10, Strategy::FixedWindow, "moment"), Key::text("client"));
    let clock = FakeClock::new();
    let with_clock = RedisStorage::builder(server.uri()).clock(clock).build().unwrap();
    for (storage, moment) in [(storage(&server.uri()), None), (with_clock, Some("86400000000000"))]
    {
        hit(&storage, &limit, &key).await;
        assert_eq!(server.cli(&["CONFIG", "SET", "slowlog-log-slower-than", "0"]), "OK");
        hit(&storage, &limit, &key).await;
        let log: Vec<Entry> = raw.ask(&[b"SLOWLOG", b"GET", b"1"]);
        assert_eq!(server.cli(&["CONFIG", "SET", "slowlog-log-slower-than", "-1"]), "OK");
        let words = &log[0].3;
        let texts: Vec<_> = words.iter().map(|word| String::from_utf8_lossy(word)).collect();
        // EVALSHA, the digest, the number of keys, the key, the charge, the moment.
        assert_eq!((&*texts[0], &*texts[2]), ("EVALSHA", "1"), "{texts:?}");
        assert_eq!(texts.get(5).map(|text| &**text), moment, "{texts:?}");
        let charge = &words[4];
        // Two counts, the terms, a batch and its one charge.
        assert_eq!(charge.len(), 8 + 42 + 9 + 8);
        let numbers: Vec<_> = charge[10..50]
            .chunks_exact(8)
            .map(|number| f64::from_le_bytes(number.try_into().unwrap()))
            .collect();
        // Amount, capacity, window, cost, and no moment either.
        assert_eq!(numbers, [10.0, 10.0, 86_400_000_000.0, 1.0, 0.0]);
    }
}
