//! Each strategy against a naive model, which searches moment by moment for what the strategy
//! calculates.

use limiter_core::{
    Quota, Strategy, Unit,
    strategy::{FixedWindow, MovingWindow, SlidingWindowCounter, TokenBucket},
};
use proptest::prelude::*;

use crate::support::{Counter, Published, START, micros, retry_micros, trace};

/// What a strategy means, without a thought of cost.
trait Model {
    fn new(quota: &Quota) -> Self;

    /// The cost that could be charged at a moment after the last charge.
    fn remaining(&self, now: u64) -> u64;

    fn charge(&mut self, cost: u64, now: u64);
}

/// Every window so far as start and cost.
struct FixedModel {
    amount: u64,
    window: u64,
    windows: Vec<(u64, u64)>,
}

impl Model for FixedModel {
    fn new(quota: &Quota) -> Self {
        Self { amount: quota.amount(), window: quota.window_micros(), windows: Vec::new() }
    }

    fn remaining(&self, now: u64) -> u64 {
        match self.windows.last() {
            Some((start, used)) if now < start + self.window => self.amount - used,
            _ => self.amount,
        }
    }

    fn charge(&mut self, cost: u64, now: u64) {
        match self.windows.last_mut() {
            Some((start, used)) if now < *start + self.window => *used += cost,
            _ => self.windows.push((now, cost)),
        }
    }
}

/// The moment of every unit of cost.
struct MovingModel {
    amount: u64,
    window: u64,
    units: Vec<u64>,
}

impl Model for MovingModel {
    fn new(quota: &Quota) -> Self {
        Self { amount: quota.amount(), window: quota.window_micros(), units: Vec::new() }
    }

    fn remaining(&self, now: u64) -> u64 {
        self.amount - self.units.iter().filter(|at| *at + self.window > now).count() as u64
    }

    fn charge(&mut self, cost: u64, now: u64) {
        self.units.extend((0..cost).map(|_| now));
    }
}

/// Every charge. Windows follow each other without a gap as long as each has a charge.
struct SlidingModel {
    amount: u64,
    window: u64,
    charges: Vec<(u64, u64)>,
}

impl SlidingModel {
    fn cost_between(&self, from: u64, to: u64) -> u64 {
        let inside = self.charges.iter().filter(|(at, _)| (from..to).contains(at));
        inside.map(|(_, cost)| cost).sum()
    }

    /// The start of the window that a charge of this moment belongs to.
    fn start(&self, now: u64) -> u64 {
        let Some((mut start, _)) = self.charges.first().copied() else { return now };
        while start + self.window <= now {
            let end = start + self.window;
            start = if self.cost_between(start, end) > 0 {
                end
            } else {
                // A gap: the next charge starts anew.
                let next = self.charges.iter().map(|(at, _)| *at).find(|at| *at >= end);
                next.unwrap_or(now).min(now)
            };
        }
        start
    }
}

impl Model for SlidingModel {
    fn new(quota: &Quota) -> Self {
        Self { amount: quota.amount(), window: quota.window_micros(), charges: Vec::new() }
    }

    fn remaining(&self, now: u64) -> u64 {
        let start = self.start(now);
        // The microseconds of the previous window among the last `window` of them.
        let overlap = (start - self.window..start).filter(|at| at + self.window > now).count();
        let previous = self.cost_between(start - self.window, start);
        let weighted = u128::from(previous) * overlap as u128 / u128::from(self.window);
        let used = weighted as u64 + self.cost_between(start, now + 1);
        self.amount.saturating_sub(used)
    }

    fn charge(&mut self, cost: u64, now: u64) {
        self.charges.push((now, cost));
    }
}

/// What was in the bucket after the last charge, in parts: `window` parts are a token, and
/// `amount` parts flow in every microsecond.
struct BucketModel {
    quota: Quota,
    parts: u128,
    at: u64,
}

impl BucketModel {
    fn parts(&self, now: u64) -> u128 {
        let full = u128::from(self.quota.capacity()) * u128::from(self.quota.window_micros());
        full.min(self.parts + u128::from(now - self.at) * u128::from(self.quota.amount()))
    }
}

impl Model for BucketModel {
    fn new(quota: &Quota) -> Self {
        let full = u128::from(quota.capacity()) * u128::from(quota.window_micros());
        Self { quota: *quota, parts: full, at: 0 }
    }

    fn remaining(&self, now: u64) -> u64 {
        (self.parts(now) / u128::from(self.quota.window_micros())) as u64
    }

    fn charge(&mut self, cost: u64, now: u64) {
        self.parts = self.parts(now) - u128::from(cost) * u128::from(self.quota.window_micros());
        self.at = now;
    }
}

/// The first wait after which the condition holds, tried one by one.
fn first_wait(most: u64, condition: impl Fn(u64) -> bool) -> u64 {
    (0..=most).find(|wait| condition(*wait)).expect("it holds within the lifetime of a charge")
}

fn decides_as_the_model_does<S: Published, M: Model>(cases: u32) {
    let burst = prop::option::of(1..=9u64);
    let config = ProptestConfig::with_cases(cases);
    proptest!(config, |(amount in 1..=6u64, burst in burst, trace in trace(7))| {
        let mut quota = Quota::new(amount, 1, Unit::Millisecond).unwrap();
        if let (Some(burst), Strategy::TokenBucket) = (burst, S::STRATEGY) {
            quota = quota.with_burst(burst);
        }
        let (mut counter, mut model) = (Counter::<S>::new(quota), M::new(&quota));
        let mut now = START;
        for step in trace {
            now += step.wait(&quota);
            let before = model.remaining(now);
            let decision = counter.hit(step.cost, now);
            prop_assert_eq!(decision.admitted(), step.cost <= before);
            if decision.admitted() && step.cost > 0 {
                model.charge(step.cost, now);
            }
            let remaining = model.remaining(now);
            prop_assert_eq!(decision.remaining(), remaining);
            let most = S::lifetime(&quota);
            if step.cost > quota.capacity() {
                prop_assert_eq!(decision.retry_after(), None);
            } else {
                let retry = first_wait(most, |wait| step.cost <= before.max(model.remaining(now + wait)));
                prop_assert_eq!(retry_micros(&decision), Some(retry));
            }
            if remaining < quota.capacity() {
                let reset = first_wait(most, |wait| model.remaining(now + wait) > remaining);
                prop_assert_eq!(micros(decision.reset_after()), reset);
            }
        }
    });
}

#[test]
fn a_fixed_window_is_a_list_of_windows() {
    decides_as_the_model_does::<FixedWindow, FixedModel>(64);
}

#[test]
fn a_moving_window_is_a_list_of_units() {
    decides_as_the_model_does::<MovingWindow, MovingModel>(64);
}

#[test]
fn a_sliding_counter_weighs_the_previous_window_by_its_overlap() {
    decides_as_the_model_does::<SlidingWindowCounter, SlidingModel>(16);
}

#[test]
fn a_token_bucket_is_a_bucket_of_rational_tokens() {
    decides_as_the_model_does::<TokenBucket, BucketModel>(64);
}
