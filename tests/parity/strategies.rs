//! Behaviours 7 to 27: strategies and storages.
//!
//! The strategies as pure functions are tested in `limiter-core`, and every storage against them in
//! the suite `matrix`; here the reference's traces run on the memory storage.

use std::{sync::Barrier, thread, time::Duration};

use limiter_actix::{
    FakeClock, Key, Limiter, MemoryStorage, Strategy,
    core::{Decision, Limit, Scope, StorageError},
};

use crate::storage::Remote;

/// One limit, one client and a clock.
struct Counter {
    storage: MemoryStorage,
    clock: FakeClock,
    limit: Limit,
    client: Key,
}

impl Counter {
    fn new(strategy: Strategy, quota: &str) -> Self {
        let clock = FakeClock::new();
        let storage = MemoryStorage::builder().clock(clock.clone()).build();
        let limit = Limit::new(quota.parse().unwrap(), strategy, &Scope::new("counter"));
        Self { storage, clock, limit, client: Key::text("client") }
    }

    fn hit(&self, cost: u64) -> bool {
        self.storage.hit(&self.limit, &self.client, cost).admitted()
    }

    fn test(&self, cost: u64) -> bool {
        self.storage.test(&self.limit, &self.client, cost).admitted()
    }

    fn peek(&self) -> Decision {
        self.storage.peek(&self.limit, &self.client)
    }

    /// What is left, and the time until some of the rest comes back.
    fn window(&self) -> (u64, Duration) {
        (self.peek().remaining(), self.peek().reset_after())
    }

    fn wait(&self, millis: u64) {
        self.clock.advance(Duration::from_millis(millis));
    }
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn b07_a_fixed_window_starts_with_its_first_hit() {
    let counter = Counter::new(Strategy::FixedWindow, "10 per 2 seconds");
    counter.wait(700);
    for _ in 0..10 {
        assert!(counter.hit(1));
        counter.wait(100);
    }
    assert!(!counter.hit(1));
    assert_eq!(counter.window(), (0, seconds(1)));
    counter.wait(1_000);
    assert!(counter.hit(1));
}

#[test]
fn b08_an_empty_fixed_window_has_all_remaining_and_resets_now() {
    let counter = Counter::new(Strategy::FixedWindow, "10 per 2 seconds");
    assert_eq!(counter.window(), (10, seconds(0)));
}

/// In the reference the rejected cost is counted, and nothing remains (D1).
#[test]
fn b09_a_fixed_window_counts_costs_and_takes_nothing_when_it_denies() {
    let counter = Counter::new(Strategy::FixedWindow, "10 per 2 minutes");
    assert!(counter.hit(5));
    assert!(!counter.test(6));
    assert!(!counter.hit(6));
    assert_eq!(counter.peek().remaining(), 5);
}

/// In the reference a cost above the amount uses up the window (D13).
#[test]
fn b10_a_cost_above_the_amount_is_denied_without_effect() {
    let counter = Counter::new(Strategy::FixedWindow, "10 per 2 minutes");
    assert!(!counter.hit(11));
    assert!(counter.hit(1));
    assert_eq!(counter.peek().remaining(), 9);
}

#[test]
fn b11_a_moving_window_slides() {
    let counter = Counter::new(Strategy::MovingWindow, "10 per 2 seconds");
    counter.wait(500);
    assert!((0..5).all(|_| counter.hit(1)));
    counter.wait(800);
    for _ in 0..5 {
        assert!(counter.hit(1));
        counter.wait(140);
    }
    assert!(!counter.hit(1), "at two seconds, all ten are in the window");
    counter.wait(500);
    assert!((0..5).all(|_| counter.hit(1)), "the first five have left");
    assert!(!counter.hit(1));
}

#[test]
fn b12_a_moving_window_resets_when_its_oldest_hit_leaves() {
    let counter = Counter::new(Strategy::MovingWindow, "2/minute");
    assert!(counter.hit(1));
    counter.wait(1_000);
    assert!(counter.hit(1));
    counter.wait(1_000);
    assert_eq!(counter.window(), (0, seconds(58)));
}

#[test]
fn b13_a_moving_window_takes_a_cost_as_a_whole() {
    let counter = Counter::new(Strategy::MovingWindow, "5/minute");
    assert!(counter.hit(4));
    assert!(!counter.hit(2));
    assert_eq!(counter.peek().remaining(), 1);
    assert!(counter.hit(1));
    assert!(!counter.hit(2));
}

#[test]
fn b14_a_moving_window_takes_a_huge_cost_at_once() {
    let counter = Counter::new(Strategy::MovingWindow, "1000000 per 2 seconds");
    assert!(counter.hit(999_999));
    assert_eq!(counter.peek().remaining(), 1);
    assert!(counter.storage.len() < 10, "one entry of this cost, not one per unit");
}

#[test]
fn b15_a_moving_window_is_untouched_by_a_cost_above_the_amount() {
    let counter = Counter::new(Strategy::MovingWindow, "5/minute");
    assert!(!counter.hit(6));
    assert_eq!(counter.peek().remaining(), 5);
    assert!(counter.hit(5));
}

#[test]
fn b16_an_empty_moving_window_resets_in_a_whole_window() {
    let counter = Counter::new(Strategy::MovingWindow, "5/minute");
    assert_eq!(counter.window(), (5, seconds(60)));
}

#[test]
fn b17_a_sliding_counter_weighs_the_previous_window() {
    let counter = Counter::new(Strategy::SlidingWindowCounter, "5/second");
    assert!(counter.hit(3));
    assert_eq!(counter.peek().remaining(), 2);
    counter.wait(1_000);
    assert_eq!(counter.peek().remaining(), 3);
    for remaining in [4, 5] {
        counter.wait(334);
        assert_eq!(counter.peek().remaining(), remaining);
    }
}

#[test]
fn b18_a_sliding_counter_is_empty_after_two_windows() {
    let counter = Counter::new(Strategy::SlidingWindowCounter, "5/second");
    assert!(counter.hit(5));
    counter.wait(2_000);
    assert_eq!(counter.window(), (5, seconds(0)));
}

#[test]
fn b19_a_sliding_counter_is_cleared() {
    let counter = Counter::new(Strategy::SlidingWindowCounter, "5/second");
    assert!(counter.hit(5));
    counter.storage.reset(&counter.limit, &counter.client);
    assert_eq!(counter.peek().remaining(), 5);
}

#[test]
fn b20_a_test_does_not_consume() {
    for strategy in Strategy::ALL {
        let counter = Counter::new(strategy, "2/hour");
        assert!(counter.hit(1), "{strategy}");
        assert!(counter.test(1) && counter.test(1), "{strategy}");
        assert!(counter.hit(1), "{strategy}");
        assert!(!counter.test(1), "{strategy}");
    }
}

#[test]
fn b21_of_100_parallel_hits_exactly_5_succeed() {
    for strategy in Strategy::ALL {
        let counter = Counter::new(strategy, "5/minute");
        let barrier = Barrier::new(100);
        let admitted: Vec<bool> = thread::scope(|scope| {
            let threads: Vec<_> = (0..100)
                .map(|_| {
                    scope.spawn(|| {
                        barrier.wait();
                        counter.hit(1)
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(admitted.iter().filter(|admitted| **admitted).count(), 5, "{strategy}");
    }
}

#[test]
fn b22_a_counter_expires_with_its_window() {
    let counter = Counter::new(Strategy::FixedWindow, "3/second");
    assert!(counter.hit(3));
    counter.wait(1_100);
    assert_eq!(counter.window(), (3, seconds(0)));
}

#[actix_web::test]
async fn b23_a_reset_forgets_the_counters_of_all_scopes() {
    let storage = MemoryStorage::builder().clock(FakeClock::new()).build();
    let limiter = limiter!(storage(storage.clone()));
    let limits = ["first", "second"].map(|scope| {
        Limit::new("1/minute".parse().unwrap(), Strategy::FixedWindow, &Scope::new(scope))
    });
    for limit in &limits {
        for client in 0..10 {
            limiter.hit(limit, &Key::number(client), 1).await.unwrap();
        }
    }
    assert_eq!(storage.len(), 20);
    limiter.reset_all().await.unwrap();
    assert_eq!(storage.len(), 0);
    assert!(limiter.test(&limits[0], &Key::number(7), 1).await.unwrap().admitted());
}

#[actix_web::test]
async fn b24_one_key_is_cleared() {
    let limiter = limiter!(clock(FakeClock::new()));
    let limit = Limit::new("1/minute".parse().unwrap(), Strategy::FixedWindow, &Scope::new("one"));
    let (cleared, other) = (Key::text("cleared"), Key::text("other"));
    for client in [&cleared, &other] {
        assert!(limiter.hit(&limit, client, 1).await.unwrap().admitted());
    }
    limiter.reset(&limit, &cleared).await.unwrap();
    assert_eq!(limiter.peek(&limit, &cleared).await.unwrap().remaining(), 1);
    assert_eq!(limiter.peek(&limit, &other).await.unwrap().remaining(), 0);
}

#[actix_web::test]
async fn b25_a_prefix_begins_the_name_of_every_counter() {
    let limiter = limiter!(
        key_prefix("P"),
        default_limits(["1/minute"]),
        application_limits(["2/minute"]),
        meta_limits(["3/minute"])
    );
    let limits = limiter.limits_of_undecorated();
    assert_eq!(limits.len(), 3);
    for limit in limits {
        assert!(limit.limit.id().starts_with("1:P,"), "{}", limit.limit.id());
    }
}

#[actix_web::test]
async fn b26_a_strategy_that_the_storage_does_not_have_is_refused_at_build() {
    let build = async |strategy| {
        let storage = Remote::with_strategies(&[Strategy::FixedWindow, Strategy::MovingWindow]);
        Limiter::builder()
            .default_limits(["3/minute"])
            .strategy(strategy)
            .storage(storage)
            .build()
            .await
    };
    let error = build(Strategy::SlidingWindowCounter).await.unwrap_err().to_string();
    assert!(error.contains("remote") && error.contains("sliding-window-counter"), "{error}");
    assert!(build(Strategy::FixedWindow).await.is_ok());
}

/// There is no switch: every error of a storage is a `StorageError`, with its cause inside.
#[actix_web::test]
async fn b27_errors_of_a_storage_are_wrapped_and_keep_their_cause() {
    let storage = Remote::new(MemoryStorage::new());
    let limiter = limiter!(storage(storage.clone()));
    let limit = Limit::new("1/minute".parse().unwrap(), Strategy::FixedWindow, &Scope::new("one"));
    let client = Key::text("client");
    assert!(limiter.hit(&limit, &client, 1).await.is_ok());
    storage.break_down();
    let errors: [StorageError; 5] = [
        limiter.hit(&limit, &client, 1).await.unwrap_err(),
        limiter.test(&limit, &client, 1).await.unwrap_err(),
        limiter.peek(&limit, &client).await.unwrap_err(),
        limiter.reset(&limit, &client).await.unwrap_err(),
        limiter.reset_all().await.unwrap_err(),
    ];
    for error in errors {
        let cause = std::error::Error::source(&error).unwrap();
        let cause = cause.downcast_ref::<std::io::Error>().unwrap();
        assert_eq!(cause.kind(), std::io::ErrorKind::ConnectionRefused);
    }
}
