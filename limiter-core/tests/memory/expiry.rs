//! What has expired makes room, a little with every newcomer, and `len` tells exactly.

use std::time::Duration;

use limiter_core::{
    Charge, FakeClock, Key, Limit, MemoryStorage, Outcome, Quota, Scope, Strategy,
    storage::memory::Overflow,
};

use crate::per_minute;

fn storage(capacity: usize) -> (MemoryStorage, FakeClock) {
    let clock = FakeClock::new();
    let builder = MemoryStorage::builder().clock(clock.clone()).capacity(capacity);
    (builder.overflow(Overflow::Deny).build(), clock)
}

#[test]
fn counters_are_counted_and_so_are_the_hits_of_a_moving_window() {
    let (storage, clock) = storage(1_000);
    let key = Key::text("me");
    for (so_far, strategy) in Strategy::ALL.into_iter().enumerate() {
        if strategy == Strategy::MovingWindow {
            continue;
        }
        storage.clear();
        let limit = per_minute(10, strategy);
        assert!(storage.is_empty(), "{so_far}");
        for _ in 0..3 {
            storage.hit(&limit, &key, 2);
            assert_eq!(storage.len(), 1, "{strategy}");
        }
        storage.reset(&limit, &key);
        assert_eq!(storage.len(), 0, "{strategy}");
    }
    let limit = per_minute(10, Strategy::MovingWindow);
    let mut charges = [Charge::new(&limit, &key)];
    storage.hit_all(&mut charges);
    storage.hit(&limit, &key, 5);
    assert_eq!(storage.len(), 2, "hits of one microsecond are one");
    clock.advance_micros(1);
    let mut later = [Charge::new(&limit, &key)];
    storage.hit_all(&mut later);
    assert_eq!(storage.len(), 3);
    storage.refund_all(&mut later);
    assert_eq!(storage.len(), 2);
    storage.refund_all(&mut charges);
    assert_eq!(storage.len(), 2, "the cost of 5 of the same microsecond is left");
    clock.advance(Duration::from_secs(60));
    storage.peek(&limit, &key);
    assert_eq!(storage.len(), 1, "the log is empty, the counter not yet swept");
    storage.reset(&limit, &key);
    assert!(storage.is_empty());
}

#[test]
fn nothing_is_kept_of_what_took_nothing() {
    let (storage, _) = storage(1_000);
    for strategy in Strategy::ALL {
        let limit = per_minute(10, strategy);
        let key = Key::text("me");
        storage.peek(&limit, &key);
        storage.test(&limit, &key, 5);
        storage.hit(&limit, &key, 0);
        storage.hit(&limit, &key, 11);
        storage.hit(&per_minute(0, strategy), &key, 1);
        storage.reset(&limit, &key);
        let mut taken_elsewhere = [Charge::new(&limit, &key)];
        MemoryStorage::new().hit_all(&mut taken_elsewhere);
        storage.refund_all(&mut taken_elsewhere);
        assert!(storage.is_empty(), "{strategy}");
    }
}

#[test]
fn a_full_storage_takes_newcomers_again_as_its_counters_expire() {
    for strategy in Strategy::ALL {
        let (storage, clock) = storage(2_000);
        let limit = per_minute(10, strategy);
        for round in 0..5 {
            let client = |n: u64| Key::number(round * 1_000_000 + n);
            let admitted =
                (0..3_000).filter(|n| storage.hit(&limit, &client(*n), 1).admitted()).count();
            let room = if strategy == Strategy::MovingWindow { 1_000 } else { 2_000 };
            // Expired counters go where newcomers come, so some may be left elsewhere.
            assert!((room * 9 / 10..=room).contains(&admitted), "{strategy}: {admitted}");
            assert!(storage.len() <= storage.capacity());
            clock.advance(Duration::from_secs(121));
        }
    }
}

#[test]
fn newcomers_sweep_more_than_they_add() {
    for strategy in Strategy::ALL {
        let (storage, clock) = storage(1_000_000);
        let limit = per_minute(10, strategy);
        (0..20_000).for_each(|n| assert!(storage.hit(&limit, &Key::number(n), 1).admitted()));
        let per_client = storage.len() / 20_000;
        clock.advance(Duration::from_secs(121));
        (20_000..25_000).for_each(|n| _ = storage.hit(&limit, &Key::number(n), 1));
        // Two went for each that came.
        assert!(storage.len() < 15_500 * per_client, "{strategy}: {}", storage.len());
        (25_000..40_000).for_each(|n| _ = storage.hit(&limit, &Key::number(n), 1));
        // All but the last few of the 20,000 that expired are gone.
        assert!(storage.len() < 20_500 * per_client, "{strategy}: {}", storage.len());
    }
}

#[test]
fn a_look_at_an_expired_counter_does_not_keep_it() {
    for strategy in Strategy::ALL {
        let (storage, clock) = storage(1_000_000);
        let limit = per_minute(10, strategy);
        (0..500).for_each(|n| assert!(storage.hit(&limit, &Key::number(n), 1).admitted()));
        let per_client = storage.len() / 500;
        clock.advance(Duration::from_secs(121));
        (0..500).for_each(|n| assert!(storage.test(&limit, &Key::number(n), 1).admitted()));
        (0..500).for_each(|n| assert!(storage.hit(&limit, &Key::number(n), 0).admitted()));
        (500..10_500).for_each(|n| _ = storage.hit(&limit, &Key::number(n), 1));
        assert!(storage.len() < 10_050 * per_client, "{strategy}: {}", storage.len());
    }
}

#[test]
fn a_known_client_does_not_pay_for_the_sweep_of_a_full_storage() {
    let (storage, clock) = storage(2_000);
    let short = per_minute(10, Strategy::FixedWindow);
    let [one, two] = ["one", "two"]
        .map(|name| Limit::new(Quota::per_day(10), Strategy::FixedWindow, &Scope::new(name)));
    let known = Key::text("known");
    let hit = || storage.hit_all(&mut [&one, &two].map(|limit| Charge::new(limit, &known)));
    assert_eq!(hit(), Outcome::Admit);
    (0..5_000).for_each(|n| _ = storage.hit(&short, &Key::number(n), 1));
    clock.advance(Duration::from_secs(121));
    for _ in 0..9 {
        assert_eq!(hit(), Outcome::Admit);
        assert_eq!(storage.len(), 2_000);
    }
}

#[test]
fn a_sweep_takes_no_counter_that_still_counts() {
    for strategy in Strategy::ALL {
        let (storage, clock) = storage(1_000_000);
        let (short, long) = (per_minute(10, strategy), {
            let quota = Quota::per_day(10);
            Limit::new(quota, strategy, &Scope::new("long"))
        });
        for n in 0..2_000 {
            let key = Key::number(n);
            let mut charges = [Charge::new(&short, &key), Charge::new(&long, &key)];
            storage.hit_all(&mut charges);
        }
        clock.advance(Duration::from_secs(121));
        (2_000..12_000).for_each(|n| _ = storage.hit(&short, &Key::number(n), 1));
        for n in 0..2_000 {
            assert_eq!(storage.peek(&long, &Key::number(n)).remaining(), 9, "{strategy}");
        }
    }
}

/// A clock that steps back leaves counters that seem to be of the future.
#[test]
fn counters_from_before_a_step_back_expire_too() {
    for strategy in Strategy::ALL {
        let (storage, clock) = storage(1_000_000);
        let limit = per_minute(1, strategy);
        let key = Key::text("me");
        assert!(storage.hit(&limit, &key, 1).admitted());
        clock.step_back(Duration::from_secs(86_400));
        assert!(!storage.test(&limit, &key, 1).admitted(), "{strategy}: freed");
        clock.advance(Duration::from_secs(60));
        // The step was noticed by the test above, and lasts.
        assert!(storage.hit(&limit, &key, 1).admitted(), "{strategy}: locked");
    }
}

#[test]
fn clear_leaves_nothing_and_the_storage_usable() {
    let (storage, clock) = storage(100_000);
    for strategy in Strategy::ALL {
        let limit = per_minute(10, strategy);
        for n in 0..1_000 {
            clock.advance_micros(1);
            storage.hit(&limit, &Key::number(n % 300), 1);
        }
    }
    assert!(!storage.is_empty());
    storage.clear();
    assert_eq!(storage.len(), 0);
    for strategy in Strategy::ALL {
        assert_eq!(storage.hit(&per_minute(10, strategy), &Key::number(0), 1).remaining(), 9);
    }
    assert_eq!(storage.len(), 5);
}

#[test]
fn clones_share_their_counters() {
    let (storage, _) = storage(100);
    let limit = per_minute(2, Strategy::FixedWindow);
    let clone = storage.clone();
    assert!(storage.hit(&limit, &Key::text("me"), 1).admitted());
    assert!(clone.hit(&limit, &Key::text("me"), 1).admitted());
    drop(clone);
    assert!(!storage.hit(&limit, &Key::text("me"), 1).admitted());
}
