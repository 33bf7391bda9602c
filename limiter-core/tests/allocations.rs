//! What the in-process storage costs: no allocation for a known client, few bytes for each.
//!
//! The counting allocator counts for each thread apart, so the tests do not disturb each other.

use std::hint::black_box;

use allocation_counter::measure;
use limiter_core::{
    Charge, FakeClock, Key, Limit, MemoryStorage, Quota, Scope, Strategy, Timestamp,
};

const CONSTANT_SIZE: [Strategy; 3] =
    [Strategy::FixedWindow, Strategy::SlidingWindowCounter, Strategy::TokenBucket];

fn limit(strategy: Strategy, scope: &str) -> Limit {
    Limit::new(Quota::per_minute(1_000), strategy, &Scope::new(scope))
}

#[test]
fn a_known_client_is_decided_without_an_allocation() {
    let clock = FakeClock::new();
    let storage = MemoryStorage::builder().clock(clock.clone()).build();
    for strategy in CONSTANT_SIZE {
        let limits = ["minute", "hour", "day"].map(|scope| limit(strategy, scope));
        let key = Key::text("a known client");
        storage.hit_all(&mut limits.each_ref().map(|limit| Charge::new(limit, &key)));
        let hits = measure(|| {
            for _ in 0..2_000 {
                clock.advance_micros(100_000);
                black_box(storage.hit(&limits[0], &key, 1));
                black_box(storage.test(&limits[0], &key, 1_000));
                black_box(storage.peek(&limits[0], &key));
                let mut batch = limits.each_ref().map(|limit| Charge::new(limit, &key));
                black_box(storage.hit_all(&mut batch));
                storage.refund_all(&mut batch);
            }
        });
        assert_eq!(hits.count_total, 0, "{strategy}: {hits:?}");
    }
}

#[test]
fn a_key_of_a_request_is_built_without_an_allocation() {
    // The process's own seeds are drawn with the first key.
    black_box(Key::number(0));
    let keys = measure(|| {
        black_box(Key::ip("192.0.2.1".parse().unwrap()));
        black_box(Key::network("2001:db8::1".parse().unwrap(), 32, 64));
        black_box(Key::number(u64::MAX));
        black_box(Key::text("22 bytes of user names"));
    });
    assert_eq!(keys.count_total, 0, "{keys:?}");
}

#[test]
fn a_denied_client_is_told_so_without_an_allocation() {
    let storage = MemoryStorage::builder().clock(FakeClock::new()).build();
    for strategy in Strategy::ALL {
        let limit = limit(strategy, "denied");
        let key = Key::text("a denied client");
        storage.hit(&limit, &key, 1_000);
        let hits = measure(|| {
            for _ in 0..100 {
                assert!(!black_box(storage.hit(&limit, &key, 1)).admitted());
            }
        });
        assert_eq!(hits.count_total, 0, "{strategy}: {hits:?}");
    }
}

#[test]
fn a_million_clients_cost_at_most_40_bytes_each_and_more_than_the_cap_cost_nothing() {
    const MILLION: u64 = 1_000_000;
    let limit = limit(Strategy::TokenBucket, "million");
    let mut storage = None;
    let built = measure(|| {
        let storage = storage.insert(MemoryStorage::builder().clock(FakeClock::new()).build());
        assert_eq!(storage.capacity() as u64, MILLION);
        for client in 0..MILLION {
            storage.hit(&limit, &Key::number(client), 1);
        }
    });
    let storage = storage.expect("built above");
    assert_eq!(storage.len() as u64, MILLION);
    let each = built.bytes_current as f64 / MILLION as f64;
    assert!(each <= 40.0, "{each:.2} bytes a client");

    let flood = measure(|| {
        for client in MILLION..MILLION + 100_000 {
            storage.hit(&limit, &Key::number(client), 1);
        }
    });
    // One shared counter for every shard, for which a shard may have to grow.
    let shards = MILLION / 3_300;
    assert!(storage.len() as u64 <= MILLION + shards, "{}", storage.len());
    let all = (built.bytes_current + flood.bytes_current) as f64 / MILLION as f64;
    assert!(all <= 40.0, "{all:.2} bytes a client after the flood");
}

/// Half as many keys as the moving window's own cap allows, each with one hit: the worst case.
#[test]
fn a_moving_window_costs_at_most_80_bytes_an_entry() {
    const CLIENTS: u64 = 100_000;
    let limit = limit(Strategy::MovingWindow, "log");
    let mut storage = None;
    let built = measure(|| {
        let builder = MemoryStorage::builder().clock(FakeClock::new());
        let storage = storage.insert(builder.capacity(2 * CLIENTS as usize).build());
        for client in 0..CLIENTS {
            storage.hit(&limit, &Key::number(client), 1);
        }
    });
    let entries = storage.expect("built above").len();
    assert_eq!(entries as u64, 2 * CLIENTS);
    let each = built.bytes_current as f64 / entries as f64;
    assert!(each <= 80.0, "{each:.2} bytes an entry");
}

/// An hour of many hits, then one a minute: the memory of the busy hour is given back.
#[test]
fn a_moving_window_gives_back_the_memory_of_a_busy_time() {
    let clock = FakeClock::at(Timestamp::from_micros(1));
    let storage = MemoryStorage::builder().clock(clock.clone()).build();
    let limit = Limit::new(Quota::per_minute(100_000), Strategy::MovingWindow, &Scope::new("busy"));
    let key = Key::text("me");
    storage.hit(&limit, &key, 1);
    let kept = measure(|| {
        for _ in 0..50_000 {
            clock.advance_micros(1);
            assert!(storage.hit(&limit, &key, 1).admitted());
        }
        clock.advance_micros(60_000_000);
        storage.hit(&limit, &key, 1);
    });
    assert!(kept.bytes_max > 50_000 * 16);
    assert!(kept.bytes_current < 1_000, "{kept:?}");
}
