//! Something else under the name of a counter.

use limiter_core::{Charge, Key, Outcome, Storage, Strategy, Verb};
use limiter_tests::redis::RedisServer;

use crate::raw::{Raw, hit, per_day, remaining, storage};

/// Commands that put there what no counter holds. Some is as long as a counter is.
const FOREIGN: [(&[u8], &[&[u8]]); 8] = [
    (b"SET", &[b"hello"]),
    (b"SET", &[b""]),
    (b"SET", &[b"sixteen letters."]),
    (b"SET", &[b"letters that number 24!!"]),
    (b"HSET", &[b"field", b"value"]),
    (b"RPUSH", &[b"hello", b"world"]),
    (b"RPUSH", &[b"7", b"world"]),
    (b"ZADD", &[b"1", b"member"]),
];

#[tokio::test]
async fn it_fails_its_batch_and_no_other_and_is_gone_at_the_next() {
    let server = RedisServer::start();
    let (storage, mut raw) = (storage(&server.uri()), Raw::to(server.address()));
    let (key, other_key) = (Key::text("client"), Key::text("another"));
    for strategy in Strategy::ALL {
        let (limit, other) = (per_day(10, strategy, "limit"), per_day(20, strategy, "other"));
        for (command, words) in FOREIGN {
            let case = format!("{strategy}: {} {words:?}", String::from_utf8_lossy(command));
            assert_eq!(server.cli(&["FLUSHALL"]), "OK");
            hit(&storage, &limit, &key).await;
            let name = raw.key();
            let _: i64 = raw.ask(&[b"DEL", &name]);
            let mut put = vec![command, &*name];
            put.extend(words);
            let _: deadpool_redis::redis::Value = raw.ask(&put);

            let mut charges = [Charge::new(&other, &key), Charge::new(&limit, &key)];
            let mut beside = [Charge::new(&limit, &other_key)];
            let (error, outcome_beside) = tokio::join!(
                storage.apply(Verb::Hit, &mut charges),
                storage.apply(Verb::Hit, &mut beside),
            );
            let error = error.expect_err(&case).to_string();
            assert!(error.contains("expected a counter"), "{case}: {error}");
            assert!(charges.iter().all(|charge| charge.charged_at().is_none()), "{case}");
            assert_eq!(outcome_beside.unwrap(), Outcome::Admit, "{case}");
            assert_eq!(beside[0].decision().unwrap().remaining(), 9, "{case}");

            assert_eq!(remaining(&storage, &other, &key).await, 20, "{case}");
            assert_eq!(hit(&storage, &limit, &key).await, Outcome::Admit, "{case}");
            assert_eq!(remaining(&storage, &limit, &key).await, 9, "{case}");
            assert_eq!(remaining(&storage, &limit, &other_key).await, 9, "{case}");
        }
    }
}

/// A log of which the script has read the beginning when it finds out.
#[tokio::test]
async fn a_log_that_turns_out_to_be_none_half_way_is_empty_for_the_others_of_its_call() {
    let server = RedisServer::start();
    let (storage, mut raw) = (storage(&server.uri()), Raw::to(server.address()));
    let (limit, key) = (per_day(10, Strategy::MovingWindow, "log"), Key::text("client"));
    for _ in 0..10 {
        hit(&storage, &limit, &key).await;
    }
    let name = raw.key();
    let _: String = raw.ask(&[b"LSET", &name, b"2", b"garbage"]);
    // To say when two come back, it reads past the first.
    let mut two = [Charge::new(&limit, &key).cost(2)];
    let (error, beside) =
        tokio::join!(storage.apply(Verb::Hit, &mut two), hit(&storage, &limit, &key));
    assert!(error.unwrap_err().to_string().contains("expected a counter"));
    assert_eq!(beside, Outcome::Admit);
    assert_eq!(remaining(&storage, &limit, &key).await, 9);
}

/// One of which the script finds out when it writes: a refund took away what hid it.
#[tokio::test]
async fn a_log_that_turns_out_to_be_none_at_the_end_fails_its_batch_and_no_other() {
    let server = RedisServer::start();
    let (storage, mut raw) = (storage(&server.uri()), Raw::to(server.address()));
    let (limit, key) = (per_day(10, Strategy::MovingWindow, "log"), Key::text("client"));
    let another = Key::text("another");
    hit(&storage, &limit, &key).await;
    hit(&storage, &limit, &key).await;
    let mut newest = [Charge::new(&limit, &key)];
    storage.apply(Verb::Hit, &mut newest).await.unwrap();
    let name = raw.key();
    let _: String = raw.ask(&[b"LSET", &name, b"2", b"garbage"]);
    let mut next = [Charge::new(&limit, &key)];
    let (refunded, error, beside) = tokio::join!(
        storage.apply(Verb::Refund, &mut newest),
        storage.apply(Verb::Hit, &mut next),
        hit(&storage, &limit, &another),
    );
    assert_eq!(refunded.unwrap(), Outcome::Admit);
    assert!(error.unwrap_err().to_string().contains("expected a counter"));
    assert_eq!(beside, Outcome::Admit);
    assert_eq!(remaining(&storage, &limit, &key).await, 10);
}
