//! What a counter takes of a server's memory.

use std::time::Duration;

use limiter_core::{
    Charge, FakeClock, Key, Limit, Quota, Scope, Storage, Strategy, Timestamp, Verb,
    storage::redis::RedisStorage,
};
use limiter_tests::redis::RedisServer;

use crate::raw::Raw;

/// A counter of a handler and an IPv4 address, in bytes as the server counts them, after so many
/// hits at different moments.
async fn bytes(strategy: Strategy, hits: u64) -> u64 {
    let server = RedisServer::start();
    // The moments of these years have 16 digits.
    let clock = FakeClock::at(Timestamp::from_micros(1_790_000_000_000_000));
    let storage = RedisStorage::builder(server.uri()).clock(clock.clone()).build().unwrap();
    let scope = Scope::new("").part("handler").part("shop::search");
    let limit = Limit::new(Quota::per_day(1_000_000), strategy, &scope);
    let key = Key::ip("203.0.113.77".parse().unwrap());
    for _ in 0..hits {
        storage.apply(Verb::Hit, &mut [Charge::new(&limit, &key)]).await.unwrap();
        clock.advance(Duration::from_micros(1_234_567));
    }
    let mut raw = Raw::to(server.address());
    let name = raw.key();
    raw.ask(&[b"MEMORY", b"USAGE", &name, b"SAMPLES", b"0"])
}

#[tokio::test]
async fn counters_stay_small() {
    for (strategy, most) in [
        (Strategy::FixedWindow, 140),
        (Strategy::TokenBucket, 150),
        (Strategy::SlidingWindowCounter, 170),
    ] {
        for hits in [1, 1_000] {
            let bytes = bytes(strategy, hits).await;
            println!("{strategy}, {hits} hits: {bytes} bytes");
            assert!(bytes <= most, "{strategy}, {hits} hits: {bytes} bytes");
        }
    }
}

#[tokio::test]
async fn a_hit_of_the_moving_window_takes_at_most_12_bytes() {
    let (few, many) =
        (bytes(Strategy::MovingWindow, 1).await, bytes(Strategy::MovingWindow, 1_000).await);
    println!("moving-window, 1 hit: {few} bytes, 1,000 hits: {many} bytes");
    assert!(many - few <= 999 * 12, "1 hit: {few} bytes, 1,000 hits: {many} bytes");
    assert!(many <= 1_000 * 12, "{many} bytes for 1,000 hits");
}
