//! The bounds in the table of `limiter_core::strategy` are exact: a hostile client reaches them.

use limiter_core::{
    Quota, Unit,
    strategy::{FixedWindow, MovingWindow, SlidingWindowCounter, TokenBucket},
};

use crate::support::{Counter, Published, START, most_in_any_window};

fn quotas() -> Vec<Quota> {
    let windows =
        [(1, Unit::Millisecond), (7, Unit::Millisecond), (1, Unit::Minute), (1, Unit::Day)];
    let quota =
        |amount| windows.map(|(multiples, unit)| Quota::new(amount, multiples, unit).unwrap());
    [1, 2, 3, 7, 100, 999].into_iter().flat_map(quota).collect()
}

/// Takes all that there is at each of the moments.
fn greedy<S: Published>(quota: Quota, hits: &[(u64, u64)]) -> u64 {
    let mut counter = Counter::<S>::new(quota);
    let mut charges = Vec::new();
    for &(at, most) in hits {
        let admitted = (0..most).take_while(|_| counter.hit(1, START + at).admitted()).count();
        charges.push((START + at, admitted as u64));
    }
    most_in_any_window(&charges, &quota)
}

#[test]
fn a_fixed_window_is_passed_by_hits_at_its_end_and_at_the_next_ones_start() {
    for quota in quotas() {
        let window = quota.window_micros();
        let hits = [(0, 1), (window - 1, u64::MAX), (window, u64::MAX)];
        assert_eq!(greedy::<FixedWindow>(quota, &hits), FixedWindow::bound(&quota), "{quota}");
    }
}

#[test]
fn a_moving_window_holds_its_amount_and_no_more() {
    for quota in quotas() {
        let window = quota.window_micros();
        let hits = [0, 1, window / 2, window - 1, window, window + 1].map(|at| (at, u64::MAX));
        assert_eq!(greedy::<MovingWindow>(quota, &hits), MovingWindow::bound(&quota), "{quota}");
    }
}

#[test]
fn a_sliding_counter_is_passed_by_hits_at_the_ends_of_two_windows() {
    for quota in quotas() {
        let window = quota.window_micros();
        // The first hit only fixes where the windows start.
        let hits = [(0, 1), (2 * window - 1, u64::MAX), (3 * window - 2, u64::MAX)];
        let most = greedy::<SlidingWindowCounter>(quota, &hits);
        assert_eq!(most, SlidingWindowCounter::bound(&quota), "{quota}");
    }
}

#[test]
fn a_token_bucket_gives_its_burst_and_what_a_window_refills() {
    for quota in quotas() {
        // A bucket of one token loses what comes back between a microsecond and the next.
        for burst in [2, quota.amount().max(2), 2 * quota.amount()] {
            let (quota, window) = (quota.with_burst(burst), quota.window_micros());
            // A hit with every token, or the bucket is full and what comes back is lost.
            let token = |token: u64| (token * window).div_ceil(quota.amount()).min(window - 1);
            let hits: Vec<_> = (0..=quota.amount()).map(|n| (token(n), u64::MAX)).collect();
            assert_eq!(greedy::<TokenBucket>(quota, &hits), TokenBucket::bound(&quota), "{quota}");
        }
    }
}
