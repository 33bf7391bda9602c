//! What is true of every strategy, whatever happened before.

use limiter_core::{Quota, Strategy, Unit};
use proptest::{prelude::*, strategy::Strategy as _};

use crate::support::{
    Counter, Published, START, for_every_strategy, micros, most_in_any_window, retry_micros, run,
    small_quota, step, trace,
};

for_every_strategy!(
    a_denied_charge_is_admitted_exactly_when_announced,
    never_is_for_ever_and_only_for_costs_above_the_capacity,
    no_window_ever_holds_more_than_the_published_bound,
    a_decision_tells_what_the_next_peek_sees,
    some_cost_comes_back_exactly_at_the_reset,
    a_cost_of_zero_or_above_the_capacity_changes_nothing,
    an_amount_of_zero_admits_nothing_not_even_a_cost_of_zero,
    a_refunded_charge_was_never_there,
    a_refund_of_an_expired_charge_does_nothing,
    no_refund_gives_more_than_the_capacity,
    settling_in_between_changes_nothing,
    the_first_window_starts_at_the_first_hit_even_just_after_the_clocks_origin,
    a_clock_that_steps_back_frees_nobody,
    nobody_waits_longer_than_if_the_quota_had_been_used_this_moment,
    no_number_is_too_large,
    a_new_amount_keeps_what_was_used,
    an_amount_that_comes_and_goes_forgets_nothing,
);

fn a_denied_charge_is_admitted_exactly_when_announced<S: Published>() {
    proptest!(|(quota in small_quota::<S>(), trace in trace(10), wait in step(0))| {
        let (counter, end, _) = run::<S>(quota, &trace);
        let now = end + wait.wait(&quota);
        for cost in 0..=quota.capacity() {
            let decision = counter.test(cost, now);
            let retry = retry_micros(&decision).expect("the cost is within the capacity");
            if decision.admitted() {
                prop_assert_eq!(retry, 0);
            } else {
                prop_assert!(counter.test(cost, now + retry).admitted(), "late: {:?}", decision);
                prop_assert!(retry > 0, "{:?}", decision);
                prop_assert!(!counter.test(cost, now + retry - 1).admitted(), "{:?}", decision);
            }
        }
    });
}

fn never_is_for_ever_and_only_for_costs_above_the_capacity<S: Published>() {
    proptest!(|(quota in small_quota::<S>(), trace in trace(10), excess in 1..=5u64)| {
        let (counter, now, _) = run::<S>(quota, &trace);
        for cost in [quota.capacity() + excess, u64::MAX] {
            for later in [0, 1, S::lifetime(&quota), 1000 * S::lifetime(&quota)] {
                let decision = counter.test(cost, now + later);
                prop_assert!(!decision.admitted());
                prop_assert_eq!(decision.retry_after(), None);
            }
        }
    });
}

fn no_window_ever_holds_more_than_the_published_bound<S: Published>() {
    proptest!(|(quota in small_quota::<S>(), trace in trace(10))| {
        let (_, _, charges) = run::<S>(quota, &trace);
        prop_assert!(most_in_any_window(&charges, &quota) <= S::bound(&quota), "{:?}", charges);
    });
    // The greediest client: at every moment that may matter, as much as there is.
    proptest!(|(quota in small_quota::<S>(), trace in trace(0))| {
        let (mut counter, mut now, mut charges) = (Counter::<S>::new(quota), START, Vec::new());
        for step in trace {
            now += step.wait(&quota);
            charges.push((now, counter.drain(now)));
        }
        prop_assert!(most_in_any_window(&charges, &quota) <= S::bound(&quota), "{:?}", charges);
    });
}

fn a_decision_tells_what_the_next_peek_sees<S: Published>() {
    proptest!(|(quota in small_quota::<S>(), trace in trace(10), cost in 0..=20u64)| {
        let (mut counter, now, _) = run::<S>(quota, &trace);
        let before = counter.test(0, now);
        let decision = counter.hit(cost, now);
        let after = counter.test(0, now);
        prop_assert_eq!(decision.remaining(), after.remaining());
        prop_assert_eq!(decision.reset_after(), after.reset_after());
        let taken = if decision.admitted() { cost } else { 0 };
        prop_assert_eq!(before.remaining() - taken, after.remaining());
        prop_assert!(after.remaining() <= quota.capacity());
    });
}

fn some_cost_comes_back_exactly_at_the_reset<S: Published>() {
    proptest!(|(quota in small_quota::<S>(), trace in trace(10), wait in step(0))| {
        let (counter, end, _) = run::<S>(quota, &trace);
        let now = end + wait.wait(&quota);
        let peek = counter.test(0, now);
        let reset = micros(peek.reset_after());
        if peek.remaining() < quota.capacity() {
            prop_assert!(counter.remaining(now + reset) > peek.remaining(), "{:?}", peek);
            prop_assert!(reset > 0, "{:?}", peek);
            prop_assert_eq!(counter.remaining(now + reset - 1), peek.remaining());
        } else if S::STRATEGY == Strategy::MovingWindow {
            // As in the reference: what a hit of this moment would be told.
            prop_assert_eq!(reset, quota.window_micros());
        } else {
            prop_assert_eq!(reset, 0);
        }
    });
}

fn a_cost_of_zero_or_above_the_capacity_changes_nothing<S: Published>() {
    proptest!(|(quota in small_quota::<S>(), trace in trace(10), wait in step(0), more in 1..5u64)| {
        let (mut counter, end, _) = run::<S>(quota, &trace);
        let now = end + wait.wait(&quota);
        let later = now + wait.wait(&quota);
        let before = (counter.face(now), counter.face(later));
        prop_assert!(counter.hit(0, now).admitted());
        for cost in [quota.capacity() + more, u64::from(u32::MAX) + 1, u64::MAX] {
            prop_assert!(!counter.hit(cost, now).admitted());
        }
        prop_assert_eq!(before, (counter.face(now), counter.face(later)));
    });
}

fn an_amount_of_zero_admits_nothing_not_even_a_cost_of_zero<S: Published>() {
    let mut counter = Counter::<S>::new(Quota::per_minute(0));
    for cost in [0, 1, 2, u64::MAX] {
        let decision = counter.hit(cost, START);
        assert!(!decision.admitted());
        assert_eq!(decision.retry_after(), None);
        assert_eq!(decision.remaining(), 0);
    }
}

fn a_refunded_charge_was_never_there<S: Published>() {
    proptest!(|(
        quota in small_quota::<S>(), trace in trace(10), cost in 1..=9u64, wait in step(0),
    )| {
        let (mut counter, now, _) = run::<S>(quota, &trace);
        let untouched = counter.clone();
        if !counter.hit(cost, now).admitted() {
            return Ok(());
        }
        let refunded_at = now + wait.wait(&quota);
        counter.refund(cost, now, refunded_at);
        for later in [0, 1, quota.window_micros() / 2, quota.window_micros()] {
            let moment = refunded_at + later;
            prop_assert_eq!(untouched.face(moment), counter.face(moment), "{} later", later);
        }
    });
}

fn a_refund_of_an_expired_charge_does_nothing<S: Published>() {
    proptest!(|(
        quota in small_quota::<S>(), before in trace(10), cost in 1..=9u64, after in trace(10),
    )| {
        let (mut counter, charged_at, _) = run::<S>(quota, &before);
        if !counter.hit(cost, charged_at).admitted() {
            return Ok(());
        }
        let mut now = charged_at + S::lifetime(&quota);
        for step in after {
            now += step.wait(&quota);
            counter.hit(step.cost, now);
        }
        let face = counter.face(now);
        counter.refund(cost, charged_at, now);
        prop_assert_eq!(face, counter.face(now));
    });
}

fn no_refund_gives_more_than_the_capacity<S: Published>() {
    let refund = (step(10), 0..=40u64, prop_oneof![0..=20u64, Just(u64::MAX)]);
    let refunds = prop::collection::vec(refund, 1..20);
    proptest!(|(quota in small_quota::<S>(), refunds in refunds)| {
        let (mut counter, mut now) = (Counter::<S>::new(quota), START);
        for (step, age, cost) in refunds {
            now += step.wait(&quota);
            counter.hit(step.cost, now);
            counter.refund(cost, now - age * quota.window_micros() / 12, now);
            prop_assert!(counter.remaining(now) <= quota.capacity());
            prop_assert!(counter.clone().drain(now) <= quota.capacity());
        }
    });
}

fn settling_in_between_changes_nothing<S: Published>() {
    proptest!(|(
        quota in small_quota::<S>(), trace in trace(10), waits in prop::collection::vec(step(0), 3),
    )| {
        let (mut counter, mut now, _) = run::<S>(quota, &trace);
        let untouched = counter.clone();
        for wait in waits {
            now += wait.wait(&quota);
            counter.settle(now);
            prop_assert_eq!(untouched.face(now), counter.face(now));
        }
    });
}

/// A machine that has just started has a monotonic clock near zero, and limits per day.
fn the_first_window_starts_at_the_first_hit_even_just_after_the_clocks_origin<S: Published>() {
    let quota = Quota::per_day(10);
    for first_hit in [0, 1, 3_600_000_000, quota.window_micros() - 1] {
        let (mut early, mut late) = (Counter::<S>::new(quota), Counter::<S>::new(quota));
        for wait in [0, 1, quota.window_micros() / 3, quota.window_micros() - 1] {
            let early = early.hit(3, first_hit + wait);
            let late = late.hit(3, START + first_hit + wait);
            assert_eq!(early, late, "first hit at {first_hit}, this one {wait} later");
        }
    }
}

/// Measured by a clock that is right, while the counter's own clock steps back now and then.
fn a_clock_that_steps_back_frees_nobody<S: Published>() {
    let steps = prop::collection::vec((step(10), prop_oneof![4 => Just(0), 1 => 1..=40u64]), 1..40);
    proptest!(|(quota in small_quota::<S>(), steps in steps)| {
        let mut counter = Counter::<S>::new(quota);
        let (mut real, mut shown, mut charges) = (START, START, Vec::new());
        for (step, back) in steps {
            real += step.wait(&quota);
            shown += step.wait(&quota);
            shown -= back * quota.window_micros() / 12;
            let admitted = if step.cost == 0 {
                counter.drain(shown)
            } else {
                u64::from(counter.hit(step.cost, shown).admitted()) * step.cost
            };
            charges.push((real, admitted));
        }
        prop_assert!(most_in_any_window(&charges, &quota) <= S::bound(&quota), "{:?}", charges);
    });
}

fn nobody_waits_longer_than_if_the_quota_had_been_used_this_moment<S: Published>() {
    proptest!(|(quota in small_quota::<S>(), trace in trace(10), back in 0..=100_000u64)| {
        let (mut counter, end, _) = run::<S>(quota, &trace);
        let now = end - back * quota.window_micros() / 12;
        let mut used_up = Counter::<S>::new(quota);
        used_up.hit(quota.capacity(), now);
        // What the step back did must last: at a later moment it cannot be seen any more.
        counter.settle(now);
        for cost in 1..=quota.capacity() {
            let retry = retry_micros(&counter.test(cost, now)).unwrap();
            prop_assert!(retry <= retry_micros(&used_up.test(cost, now)).unwrap());
            prop_assert!(counter.test(cost, now + retry).admitted());
        }
        let whole = retry_micros(&used_up.test(1, now)).unwrap();
        prop_assert!(whole <= quota.window_micros());
        prop_assert!(counter.test(1, now + whole).admitted());
    });
}

fn no_number_is_too_large<S: Published>() {
    let amount = prop_oneof![
        0..=3u64,
        1..=Quota::MAX_AMOUNT,
        Just(u64::from(u32::MAX)),
        Just(Quota::MAX_AMOUNT),
    ];
    let window = prop_oneof![
        Just((1, Unit::Millisecond)),
        (1..=u32::MAX).prop_map(|multiples| (multiples, Unit::Millisecond)),
        (1..=99_999u32).prop_map(|multiples| (multiples, Unit::Year)),
    ];
    let burst = prop::option::of(prop_oneof![0..=3u64, 1..=Quota::MAX_AMOUNT]);
    let quota = (amount, window, burst).prop_map(|(amount, (multiples, unit), burst)| {
        let quota = Quota::new(amount, multiples, unit).unwrap();
        burst.into_iter().fold(quota, Quota::with_burst)
    });
    let moment = || prop_oneof![0..=3u64, 0..=u64::MAX / 4, Just(u64::MAX / 4)];
    let cost = || prop_oneof![0..=3u64, 0..=Quota::MAX_AMOUNT, Just(u64::MAX)];
    let steps = prop::collection::vec((cost(), moment(), cost(), moment()), 1..20);
    proptest!(|(quota in quota, steps in steps)| {
        let supported = S::STRATEGY.check(&quota).is_ok();
        let mut counter = Counter::<S>::new(quota);
        for (cost, now, refund, charged_at) in steps {
            let decision = counter.hit(cost, now);
            let before = counter.clone();
            let capacity = counter.hit(quota.capacity(), now);
            counter.refund(refund, charged_at, now);
            if let (true, Some(retry)) = (supported, retry_micros(&capacity)) {
                prop_assert!(before.test(quota.capacity(), now + retry).admitted());
                prop_assert!(
                    retry == 0 || !before.test(quota.capacity(), now + retry - 1).admitted()
                );
            }
            prop_assert!(!supported || decision.remaining() <= quota.capacity());
        }
    });
}

fn a_new_amount_keeps_what_was_used<S: Published>() {
    proptest!(|(
        before in 1..=100u64, after in 0..=100u64, costs in prop::collection::vec(1..=20u64, 1..10),
    )| {
        let mut counter = Counter::<S>::new(Quota::per_minute(before));
        for cost in costs {
            counter.hit(cost, START);
        }
        let used = before - counter.remaining(START);
        counter.quota = Quota::per_minute(after);
        let remaining = counter.remaining(START);
        if S::STRATEGY == Strategy::TokenBucket {
            // A bucket keeps the share that was used, rounded by less than a microsecond.
            let share = (before - used) * after / before;
            prop_assert!(remaining <= share, "{} of {}", remaining, share);
            prop_assert_eq!(counter.remaining(START + 1), share);
        } else {
            prop_assert_eq!(remaining, after.saturating_sub(used));
        }
    });
}

/// A plan that flips, or a block of a minute, is no way to get a fresh counter.
fn an_amount_that_comes_and_goes_forgets_nothing<S: Published>() {
    proptest!(|(
        trace in trace(10),
        amounts in prop::collection::vec(prop_oneof![Just(0), 1..=20u64, 1..=1_000_000u64], 1..6),
        refund in any::<bool>(),
    )| {
        let quota = Quota::new(7, 1, Unit::Second).unwrap();
        let (mut counter, now, _) = run::<S>(quota, &trace);
        let before = counter.face(now);
        for amount in amounts {
            counter.quota = Quota::new(amount, 1, Unit::Second).unwrap();
            counter.settle(now);
            if refund {
                // Of a charge that was never made: nothing is to be given back, and nothing lost.
                counter.refund(1, 0, now);
            }
            counter.test(1, now);
        }
        counter.quota = quota;
        prop_assert_eq!(before, counter.face(now));
    });
}
