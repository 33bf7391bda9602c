//! One counter under one strategy, driven by hand, and traces to drive it with.

use std::{fmt::Debug, time::Duration};

use limiter_core::{
    Decision, Quota, Strategy, Timestamp, Unit,
    strategy::{FixedWindow, MovingWindow, SlidingWindowCounter, State, TokenBucket},
};
use proptest::{prelude::*, strategy::Strategy as _};

/// A strategy, and what it publishes about itself.
pub(crate) trait Published: State + Clone + Debug {
    const STRATEGY: Strategy;

    /// The bound of the table in the docs of `limiter_core::strategy`.
    fn bound(quota: &Quota) -> u64;

    /// Microseconds after which a charge cannot count any more.
    fn lifetime(quota: &Quota) -> u64 {
        quota.window_micros()
    }
}

impl Published for FixedWindow {
    const STRATEGY: Strategy = Strategy::FixedWindow;

    fn bound(quota: &Quota) -> u64 {
        2 * quota.amount() - 1
    }
}

impl Published for MovingWindow {
    const STRATEGY: Strategy = Strategy::MovingWindow;

    fn bound(quota: &Quota) -> u64 {
        quota.amount()
    }
}

impl Published for SlidingWindowCounter {
    const STRATEGY: Strategy = Strategy::SlidingWindowCounter;

    fn bound(quota: &Quota) -> u64 {
        2 * quota.amount()
    }

    fn lifetime(quota: &Quota) -> u64 {
        2 * quota.window_micros()
    }
}

impl Published for TokenBucket {
    const STRATEGY: Strategy = Strategy::TokenBucket;

    fn bound(quota: &Quota) -> u64 {
        quota.capacity() + quota.amount() - 1
    }

    fn lifetime(quota: &Quota) -> u64 {
        let refill = u128::from(quota.capacity()) * u128::from(quota.window_micros());
        u64::try_from(refill.div_ceil(u128::from(quota.amount()))).unwrap()
    }
}

/// Runs a generic test for every strategy, as a test of its own each.
macro_rules! for_every_strategy {
    ($($name:ident),+ $(,)?) => {
        mod fixed_window {
            $(#[test] fn $name() { super::$name::<limiter_core::strategy::FixedWindow>(); })+
        }
        mod moving_window {
            $(#[test] fn $name() { super::$name::<limiter_core::strategy::MovingWindow>(); })+
        }
        mod sliding_window_counter {
            $(#[test] fn $name() {
                super::$name::<limiter_core::strategy::SlidingWindowCounter>();
            })+
        }
        mod token_bucket {
            $(#[test] fn $name() { super::$name::<limiter_core::strategy::TokenBucket>(); })+
        }
    };
}
pub(crate) use for_every_strategy;

/// A client's counter. Moments are microseconds.
#[derive(Clone, Debug)]
pub(crate) struct Counter<S> {
    pub(crate) state: S,
    pub(crate) quota: Quota,
}

impl<S: Published> Counter<S> {
    pub(crate) fn new(quota: Quota) -> Self {
        Self { state: S::default(), quota }
    }

    /// Decides, and charges if admitted.
    pub(crate) fn hit(&mut self, cost: u64, now: u64) -> Decision {
        let now = Timestamp::from_micros(now);
        self.state.settle(&self.quota, now);
        let decision = self.state.decide(&self.quota, cost, now);
        if decision.admitted() {
            self.state.charge(&self.quota, cost, now);
        }
        decision
    }

    /// Decides on a copy: the counter stays as it is.
    pub(crate) fn test(&self, cost: u64, now: u64) -> Decision {
        let (mut state, now) = (self.state.clone(), Timestamp::from_micros(now));
        state.settle(&self.quota, now);
        state.decide(&self.quota, cost, now)
    }

    pub(crate) fn settle(&mut self, now: u64) {
        self.state.settle(&self.quota, Timestamp::from_micros(now));
    }

    pub(crate) fn refund(&mut self, cost: u64, charged_at: u64, now: u64) {
        self.settle(now);
        let (charged_at, now) = (Timestamp::from_micros(charged_at), Timestamp::from_micros(now));
        self.state.refund(&self.quota, cost, charged_at, now);
    }

    pub(crate) fn remaining(&self, now: u64) -> u64 {
        self.test(0, now).remaining()
    }

    /// Hits with cost 1 until denied: how often it was admitted.
    pub(crate) fn drain(&mut self, now: u64) -> u64 {
        let mut admitted = 0;
        while self.hit(1, now).admitted() {
            admitted += 1;
        }
        admitted
    }

    /// Every decision on a cost up to the capacity and one above: what a client can see.
    pub(crate) fn face(&self, now: u64) -> Vec<Decision> {
        (0..=self.quota.capacity() + 1).map(|cost| self.test(cost, now)).collect()
    }
}

pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap()
}

pub(crate) fn retry_micros(decision: &Decision) -> Option<u64> {
    decision.retry_after().map(micros)
}

/// A moment long after the clock's origin.
pub(crate) const START: u64 = 1_000_000_000_000_000;

/// A step of a trace: wait for `twelfths` of a window and `extra` − 1 microseconds, then hit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    twelfths: u64,
    extra: u64,
    pub(crate) cost: u64,
}

impl Step {
    pub(crate) fn wait(&self, quota: &Quota) -> u64 {
        (self.twelfths * quota.window_micros() / 12 + self.extra).saturating_sub(1)
    }
}

/// Steps that like the edges of windows, and their thirds and quarters.
pub(crate) fn step(max_cost: u64) -> impl proptest::strategy::Strategy<Value = Step> {
    let twelfths = prop_oneof![4 => Just(0), 4 => 0..=12u64, 2 => Just(12u64), 1 => 13..=40u64];
    let cost = prop_oneof![3 => Just(1), 2 => 0..=max_cost, 1 => Just(max_cost)];
    (twelfths, 0..=3u64, cost).prop_map(|(twelfths, extra, cost)| Step { twelfths, extra, cost })
}

pub(crate) fn trace(max_cost: u64) -> impl proptest::strategy::Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(max_cost), 1..40)
}

/// Small quotas that the strategy supports, most of which do not divide their window.
pub(crate) fn small_quota<S: Published>() -> impl proptest::strategy::Strategy<Value = Quota> {
    let window = prop_oneof![
        (1..=3u32).prop_map(|multiples| (multiples, Unit::Millisecond)),
        Just((1, Unit::Second)),
        Just((7, Unit::Minute)),
    ];
    (1..=9u64, window, prop::option::of(1..=15u64)).prop_map(
        |(amount, (multiples, unit), burst)| {
            let quota = Quota::new(amount, multiples, unit).unwrap();
            match burst {
                Some(burst) if S::STRATEGY == Strategy::TokenBucket => quota.with_burst(burst),
                _ => quota,
            }
        },
    )
}

/// Runs a trace from `START`: the counter, the moment after it, and every charge taken.
pub(crate) fn run<S: Published>(
    quota: Quota,
    trace: &[Step],
) -> (Counter<S>, u64, Vec<(u64, u64)>) {
    let (mut counter, mut now, mut charges) = (Counter::new(quota), START, Vec::new());
    for step in trace {
        now += step.wait(&quota);
        if counter.hit(step.cost, now).admitted() && step.cost > 0 {
            charges.push((now, step.cost));
        }
    }
    (counter, now, charges)
}

/// The most cost in any stretch as long as the window, the moment of its end excluded.
pub(crate) fn most_in_any_window(charges: &[(u64, u64)], quota: &Quota) -> u64 {
    let since = |start: u64| {
        charges
            .iter()
            .filter(move |(at, _)| (start..start + quota.window_micros()).contains(at))
            .map(|(_, cost)| cost)
            .sum()
    };
    charges.iter().map(|(start, _)| since(*start)).max().unwrap_or(0)
}
