//! The behaviours of the reference's strategies, one test each.

use limiter_core::{
    FakeClock, Key, Limit, MemoryStorage, Quota, Scope, Strategy, Unit,
    strategy::{FixedWindow, MovingWindow, SlidingWindowCounter},
};

use crate::support::{Counter, Published, START, for_every_strategy, micros};

const SECOND: u64 = 1_000_000;

for_every_strategy!(a_test_does_not_consume);

fn per(amount: u64, multiples: u32, unit: Unit) -> Quota {
    Quota::new(amount, multiples, unit).unwrap()
}

#[test]
fn a_fixed_window_starts_at_the_first_hit() {
    let mut counter = Counter::<FixedWindow>::new(per(10, 2, Unit::Second));
    for hit in 0..10 {
        assert!(counter.hit(1, START + hit * SECOND / 10).admitted());
    }
    let eleventh = counter.hit(1, START + SECOND);
    assert!(!eleventh.admitted());
    assert_eq!(micros(eleventh.reset_after()), SECOND);
    assert!(!counter.hit(1, START + 2 * SECOND - 1).admitted());
    // The next window starts with its own first hit, half a second after the last one ended.
    assert_eq!(micros(counter.hit(1, START + 5 * SECOND / 2).reset_after()), 2 * SECOND);
}

#[test]
fn an_empty_fixed_window_has_all_remaining_and_resets_now() {
    let peek = Counter::<FixedWindow>::new(per(10, 2, Unit::Second)).test(0, START);
    assert_eq!((peek.remaining(), micros(peek.reset_after())), (10, 0));
}

#[test]
fn a_fixed_window_counts_costs() {
    let mut counter = Counter::<FixedWindow>::new(per(10, 2, Unit::Minute));
    assert!(counter.hit(5, START).admitted());
    assert!(!counter.test(6, START).admitted());
    assert!(!counter.hit(6, START).admitted());
    // Unlike in the reference, which would have none remaining.
    assert_eq!(counter.remaining(START), 5);
}

/// The reference counts the rejected cost, and then rejects what would fit.
#[test]
fn a_fixed_window_does_not_count_what_it_denied() {
    let mut counter = Counter::<FixedWindow>::new(per(10, 2, Unit::Minute));
    assert!(!counter.hit(11, START).admitted());
    assert!(counter.hit(1, START).admitted());
}

#[test]
fn a_moving_window_slides_with_every_hit() {
    let mut counter = Counter::<MovingWindow>::new(per(10, 2, Unit::Second));
    for hit in 0..5 {
        assert!(counter.hit(1, START + SECOND / 2 + hit).admitted());
    }
    for hit in 0..5 {
        assert!(counter.hit(1, START + 13 * SECOND / 10 + hit * SECOND / 10).admitted());
    }
    assert!(!counter.hit(1, START + 2 * SECOND).admitted());
    assert!(!counter.hit(1, START + 5 * SECOND / 2 - 1).admitted());
    assert!(counter.hit(1, START + 5 * SECOND / 2).admitted());
}

#[test]
fn a_moving_window_resets_when_the_oldest_hit_leaves() {
    let mut counter = Counter::<MovingWindow>::new(per(2, 1, Unit::Minute));
    counter.hit(1, START);
    counter.hit(1, START + SECOND);
    let peek = counter.test(0, START + 2 * SECOND);
    assert_eq!((peek.remaining(), micros(peek.reset_after())), (0, 58 * SECOND));
}

#[test]
fn a_moving_window_takes_a_cost_as_a_whole() {
    let mut counter = Counter::<MovingWindow>::new(per(5, 1, Unit::Minute));
    assert!(counter.hit(4, START).admitted());
    assert!(!counter.hit(2, START).admitted());
    assert_eq!(counter.remaining(START), 1);
    assert!(counter.hit(1, START).admitted());
    assert!(!counter.hit(2, START).admitted());
}

#[test]
fn a_moving_window_takes_a_huge_cost_in_one_entry() {
    let mut counter = Counter::<MovingWindow>::new(per(1_000_000, 2, Unit::Second));
    assert!(counter.hit(999_999, START).admitted());
    assert_eq!(counter.remaining(START), 1);
    assert_eq!(counter.state.len(), 1);
}

#[test]
fn a_moving_window_is_untouched_by_a_cost_above_the_amount() {
    let mut counter = Counter::<MovingWindow>::new(per(5, 1, Unit::Minute));
    assert!(!counter.hit(6, START).admitted());
    assert_eq!(counter.remaining(START), 5);
    assert!(counter.state.is_empty());
}

#[test]
fn an_empty_moving_window_resets_in_a_whole_window() {
    let peek = Counter::<MovingWindow>::new(per(5, 1, Unit::Minute)).test(0, START);
    assert_eq!((peek.remaining(), micros(peek.reset_after())), (5, 60 * SECOND));
}

#[test]
fn a_sliding_counter_weighs_the_previous_window() {
    let mut counter = Counter::<SlidingWindowCounter>::new(per(5, 1, Unit::Second));
    counter.hit(3, START);
    assert_eq!(counter.remaining(START + SECOND - 1), 2);
    let rolled = START + SECOND;
    assert_eq!(counter.remaining(rolled), 3);
    assert_eq!(counter.remaining(rolled + SECOND / 3 - 1), 3);
    assert_eq!(counter.remaining(rolled + SECOND / 3), 4);
    assert_eq!(counter.remaining(rolled + 2 * SECOND / 3 - 1), 4);
    assert_eq!(counter.remaining(rolled + 2 * SECOND / 3), 5);
}

/// Ten a minute: the reference was seen to deny at second 59, and to have one remaining at 60 and
/// two at 66.
#[test]
fn a_full_sliding_counter_gives_one_back_when_its_window_ends() {
    let mut counter = Counter::<SlidingWindowCounter>::new(Quota::per_minute(10));
    assert!(counter.hit(10, START).admitted());
    let peek = counter.test(1, START);
    assert_eq!(micros(peek.reset_after()), 60 * SECOND);
    assert_eq!(peek.retry_after().map(micros), Some(60 * SECOND));
    assert_eq!(counter.remaining(START + 60 * SECOND - 1), 0);
    assert_eq!(counter.remaining(START + 60 * SECOND), 1);
    assert_eq!(counter.remaining(START + 66 * SECOND), 2);
}

#[test]
fn a_full_sliding_counter_is_empty_after_two_windows() {
    let mut counter = Counter::<SlidingWindowCounter>::new(per(5, 1, Unit::Second));
    counter.hit(5, START);
    let peek = counter.test(0, START + 2 * SECOND);
    assert_eq!((peek.remaining(), micros(peek.reset_after())), (5, 0));
}

#[test]
fn a_full_sliding_counter_that_is_cleared_has_all_remaining() {
    let storage = MemoryStorage::builder().clock(FakeClock::new()).build();
    let quota = per(5, 1, Unit::Second);
    let limit = Limit::new(quota, Strategy::SlidingWindowCounter, &Scope::new("clear"));
    let key = Key::text("me");
    assert!(storage.hit(&limit, &key, 5).admitted());
    storage.reset(&limit, &key);
    assert_eq!(storage.peek(&limit, &key).remaining(), 5);
}

fn a_test_does_not_consume<S: Published>() {
    let mut counter = Counter::<S>::new(per(2, 1, Unit::Hour));
    assert!(counter.hit(1, START).admitted());
    assert!(counter.test(1, START).admitted());
    assert!(counter.test(1, START).admitted());
    assert!(counter.hit(1, START).admitted());
    assert!(!counter.test(1, START).admitted());
}
