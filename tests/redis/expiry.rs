//! No counter lives for ever.

use limiter_core::{Charge, Key, Outcome, Quota, Storage, Strategy, Unit, Verb};
use limiter_tests::redis::RedisServer;

use crate::raw::{Raw, hit, per_day, storage};

const DAY: i64 = 86_400_000;

/// The longest that a counter means something after three of ten hits a day.
fn lives(strategy: Strategy) -> i64 {
    match strategy {
        // A window counts for the one after it, too.
        Strategy::SlidingWindowCounter => 2 * DAY,
        Strategy::TokenBucket => 3 * DAY / 10,
        _ => DAY,
    }
}

#[tokio::test]
async fn every_counter_expires_when_it_means_nothing_any_more() {
    let server = RedisServer::start();
    let (storage, mut raw) = (storage(&server.uri()), Raw::to(server.address()));
    let key = Key::text("client");
    for strategy in Strategy::ALL {
        let limit = per_day(10, strategy, "expiry");
        let mut charges = [0, 1, 2].map(|_| Charge::new(&limit, &key));
        assert_eq!(storage.apply(Verb::Hit, &mut charges).await.unwrap(), Outcome::Admit);
        let name = raw.key();
        let left: i64 = raw.ask(&[b"PTTL", &name]);
        let longest = lives(strategy);
        assert!((longest - 5_000..=longest + 1).contains(&left), "{strategy}: {left} ms");
        storage.clear().await.unwrap();
    }
}

#[tokio::test]
async fn a_counter_that_lost_its_expiry_has_one_after_the_next_hit() {
    let server = RedisServer::start();
    let (storage, mut raw) = (storage(&server.uri()), Raw::to(server.address()));
    let key = Key::text("client");
    for strategy in Strategy::ALL {
        let limit = per_day(10, strategy, "immortal");
        hit(&storage, &limit, &key).await;
        let name = raw.key();
        assert_eq!(raw.ask::<i64>(&[b"PERSIST", &name]), 1, "{strategy}");
        hit(&storage, &limit, &key).await;
        let left: i64 = raw.ask(&[b"PTTL", &name]);
        assert!((1..=lives(strategy) + 1).contains(&left), "{strategy}: {left} ms");
        storage.clear().await.unwrap();
    }
}

#[tokio::test]
async fn questions_denials_and_refunds_of_nothing_leave_no_key() {
    let server = RedisServer::start();
    let (storage, mut raw) = (storage(&server.uri()), Raw::to(server.address()));
    let key = Key::text("client");
    for strategy in Strategy::ALL {
        let limit = per_day(10, strategy, "nothing");
        let charge = || Charge::new(&limit, &key);
        storage.apply(Verb::Test, &mut [charge()]).await.unwrap();
        storage.apply(Verb::Hit, &mut [charge().cost(0)]).await.unwrap();
        storage.apply(Verb::Hit, &mut [charge().cost(11)]).await.unwrap();
        assert_eq!(raw.keys().len(), 0, "{strategy}");
        let mut taken = [charge().cost(3)];
        storage.apply(Verb::Hit, &mut taken).await.unwrap();
        let mut copy = taken.clone();
        storage.apply(Verb::Refund, &mut taken).await.unwrap();
        assert_eq!(raw.keys().len(), 0, "{strategy}: all of it was given back");
        storage.apply(Verb::Refund, &mut copy).await.unwrap();
        assert_eq!(raw.keys().len(), 0, "{strategy}: there was nothing to give back");
    }
}

#[test]
fn quotas_that_the_server_cannot_count_are_refused() {
    let storage = storage("redis://127.0.0.1:1");
    let years = |years| Quota::new(10, years, Unit::Year).unwrap();
    for strategy in Strategy::ALL {
        assert!(storage.check_quota(strategy, &years(71)).is_ok(), "{strategy}");
        let error = storage.check_quota(strategy, &years(72)).unwrap_err().to_string();
        assert!(error.contains("71 years") && error.contains("10 per 72 year"), "{error}");
    }
    // Of a token a year, seventy-one are back in time, and one more is not.
    let bucket = |burst| Quota::new(1, 1, Unit::Year).unwrap().with_burst(burst);
    assert!(storage.check_quota(Strategy::TokenBucket, &bucket(71)).is_ok());
    storage.check_quota(Strategy::TokenBucket, &bucket(72)).unwrap_err();
}
