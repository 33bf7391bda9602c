//! The requests of one moment share a call, and nothing else.

use std::time::Duration;

use futures_util::{FutureExt, future::join_all};
use limiter_core::{Charge, Key, Outcome, Storage, Strategy, Verb};
use limiter_tests::redis::RedisServer;
use tokio::time::timeout;

use crate::raw::{Raw, hit, per_day, remaining, storage};

#[tokio::test]
async fn requests_of_one_moment_share_calls_of_at_most_64() {
    let server = RedisServer::start();
    let (storage, mut raw) = (storage(&server.uri()), Raw::to(server.address()));
    let keys: Vec<_> = (0..10).map(Key::number).collect();
    for strategy in Strategy::ALL {
        let limit = per_day(60, strategy, "together");
        // The script is known then.
        hit(&storage, &limit, &Key::text("first")).await;
        raw.commands();
        let hits = (0..1_000).map(|number| hit(&storage, &limit, &keys[number % keys.len()]));
        let outcomes = join_all(hits).await;
        let admitted = outcomes.iter().filter(|outcome| **outcome == Outcome::Admit).count();
        assert_eq!(admitted, 600, "{strategy}");
        assert_eq!(raw.commands().get("evalsha"), Some(&1_000_u64.div_ceil(64)), "{strategy}");
    }
}

#[tokio::test]
async fn a_call_has_at_most_96_charges_of_several_requests() {
    let server = RedisServer::start();
    let (storage, mut raw) = (storage(&server.uri()), Raw::to(server.address()));
    let limits: Vec<_> =
        (0..40).map(|limit| per_day(9, Strategy::FixedWindow, &format!("limit {limit}"))).collect();
    let key = Key::text("client");
    hit(&storage, &limits[0], &key).await;
    raw.commands();
    join_all((0..5).map(async |_| {
        let mut charges: Vec<_> = limits.iter().map(|limit| Charge::new(limit, &key)).collect();
        assert_eq!(storage.apply(Verb::Hit, &mut charges).await.unwrap(), Outcome::Admit);
    }))
    .await;
    assert_eq!(raw.commands().get("evalsha"), Some(&3));
    assert_eq!(remaining(&storage, &limits[39], &key).await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_several_threads_no_request_asks_more_than_once() {
    let server = RedisServer::start();
    let (storage, mut raw) = (storage(&server.uri()), Raw::to(server.address()));
    let limit = per_day(600, Strategy::FixedWindow, "threads");
    hit(&storage, &limit, &Key::text("first")).await;
    raw.commands();
    let tasks: Vec<_> = (0..1_000)
        .map(|_| {
            let (storage, limit) = (storage.clone(), limit.clone());
            tokio::spawn(async move { hit(&storage, &limit, &Key::text("client")).await })
        })
        .collect();
    let outcomes = join_all(tasks).await.into_iter().map(Result::unwrap);
    assert_eq!(outcomes.filter(|outcome| *outcome == Outcome::Admit).count(), 600);
    let calls = raw.commands()["evalsha"];
    assert!((16..=1_000).contains(&calls), "{calls}");
}

#[tokio::test]
async fn each_batch_of_a_call_takes_all_of_its_charges_or_none() {
    let server = RedisServer::start();
    let storage = storage(&server.uri());
    let key = Key::text("client");
    for first in Strategy::ALL {
        for second in Strategy::ALL {
            let scope = format!("{first} {second}");
            let wide = per_day(10, first, &format!("wide {scope}"));
            let narrow = per_day(2, second, &format!("narrow {scope}"));
            let outcomes = join_all((0..5).map(async |_| {
                let mut charges = [Charge::new(&wide, &key), Charge::new(&narrow, &key)];
                let outcome = storage.apply(Verb::Hit, &mut charges).await.unwrap();
                (outcome, charges[0].decision().unwrap().remaining())
            }))
            .await;
            use Outcome::{Admit, Deny};
            let expected = [(Admit, 9), (Admit, 8), (Deny, 7), (Deny, 7), (Deny, 7)];
            assert_eq!(outcomes, expected, "{scope}");
            assert_eq!(remaining(&storage, &wide, &key).await, 8, "{scope}");
        }
    }
}

#[tokio::test]
async fn hits_tests_and_refunds_share_a_call() {
    let server = RedisServer::start();
    let (storage, mut raw) = (storage(&server.uri()), Raw::to(server.address()));
    let key = Key::text("client");
    for strategy in Strategy::ALL {
        let limit = per_day(10, strategy, "mixed");
        let mut taken = [Charge::new(&limit, &key).cost(4)];
        storage.apply(Verb::Hit, &mut taken).await.unwrap();
        raw.commands();
        let (before, refunded, after) = tokio::join!(
            remaining(&storage, &limit, &key),
            storage.apply(Verb::Refund, &mut taken),
            remaining(&storage, &limit, &key),
        );
        assert_eq!((before, refunded.unwrap(), after), (6, Outcome::Admit, 10), "{strategy}");
        assert_eq!(taken[0].charged_at(), None);
        assert_eq!(raw.commands().get("evalsha"), Some(&1), "{strategy}");
    }
}

#[tokio::test]
async fn a_request_that_goes_before_the_call_is_not_counted_and_holds_up_nobody() {
    let server = RedisServer::start();
    let storage = storage(&server.uri());
    let (limit, key) = (per_day(10, Strategy::FixedWindow, "gone"), Key::text("client"));
    hit(&storage, &limit, &key).await;
    // The one that begins the call, too.
    assert_eq!(hit(&storage, &limit, &key).now_or_never(), None);
    assert_eq!(hit(&storage, &limit, &key).now_or_never(), None);
    assert_eq!(hit(&storage, &limit, &key).await, Outcome::Admit);
    assert_eq!(remaining(&storage, &limit, &key).await, 8);
}

#[tokio::test]
async fn a_request_that_goes_during_the_call_is_counted_once_and_the_others_are_answered() {
    let server = RedisServer::start();
    let storage = storage(&server.uri());
    let (limit, key) = (per_day(10, Strategy::FixedWindow, "goes"), Key::text("client"));
    hit(&storage, &limit, &key).await;
    assert_eq!(server.cli(&["CLIENT", "PAUSE", "200", "WRITE"]), "OK");
    let hurried = timeout(Duration::from_millis(20), hit(&storage, &limit, &key));
    let (hurried, patient) = tokio::join!(hurried, hit(&storage, &limit, &key));
    assert!(hurried.is_err());
    assert_eq!(patient, Outcome::Admit);
    assert_eq!(remaining(&storage, &limit, &key).await, 7);
}

/// Requests that wait in a runtime that ends leave the storage as it was for others.
#[test]
fn a_runtime_that_ends_takes_its_requests_with_it() {
    let server = RedisServer::start();
    let storage = storage(&server.uri());
    let (limit, key) = (per_day(10, Strategy::FixedWindow, "ends"), Key::text("client"));
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let unanswered = runtime().block_on(async { hit(&storage, &limit, &key).now_or_never() });
    assert_eq!(unanswered, None);
    let outcome = runtime().block_on(hit(&storage, &limit, &key));
    assert_eq!(outcome, Outcome::Admit);
    assert_eq!(runtime().block_on(remaining(&storage, &limit, &key)), 9);
}
