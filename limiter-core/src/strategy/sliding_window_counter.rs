//! Two counters: this window's, and the previous one's weighted by what still overlaps.

use super::state::{State, impossible};
use crate::{clock::Timestamp, decision::Decision, quota::Quota};

/// The cost of the current window and of the one before it.
///
/// The first window starts at a client's first hit; each further one follows where the last
/// ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SlidingWindowCounter {
    /// The start of the current window.
    pub started_at: Timestamp,
    /// The cost admitted in the window before.
    pub previous: u32,
    /// The cost admitted in the current window.
    pub current: u32,
}

impl SlidingWindowCounter {
    /// The largest amount that the two counters can count.
    pub const MAX_AMOUNT: u64 = u32::MAX as u64;

    /// Microseconds until the current window ends.
    #[inline]
    fn left(&self, window: u64, now: Timestamp) -> u64 {
        window - now.since(self.started_at)
    }

    /// The previous window's cost that still counts, `left` microseconds before this one ends.
    ///
    /// Of its microseconds `left - 1` are still in the window that ends now: the present one
    /// belongs to the current window. So a unit comes back the moment a window begins, not one
    /// microsecond later, and a full minute is to be waited out in 60 seconds, not 61.
    #[inline]
    fn weighted(&self, left: u64, window: u64) -> u64 {
        // 32 + 62 bits; the quotient is at most `previous`.
        (u128::from(self.previous) * u128::from(left - 1) / u128::from(window)) as u64
    }

    /// Microseconds until the next unit of used cost comes back; zero if none is used.
    #[inline]
    fn reset_after(&self, left: u64, window: u64) -> u64 {
        let weighted = self.weighted(left, window);
        if weighted > 0 {
            left - longest_left(self.previous.into(), weighted, window)
        } else if self.current > 0 {
            left
        } else {
            0
        }
    }
}

/// The most microseconds before a window's end at which `count`, weighted, is less than
/// `below`: the largest `left` with `count * (left - 1) / window < below`.
#[inline]
fn longest_left(count: u64, below: u64, window: u64) -> u64 {
    let left = (u128::from(below) * u128::from(window) - 1) / u128::from(count) + 1;
    u64::try_from(left).unwrap_or(u64::MAX)
}

impl State for SlidingWindowCounter {
    #[inline]
    fn settle(&mut self, quota: &Quota, now: Timestamp) {
        let window = quota.window_micros();
        let elapsed = now.since(self.started_at);
        if self.previous == 0 && self.current == 0 {
            // Never seen, or refunded to nothing: the window starts with the next hit, and not at
            // the clock's origin, which may be less than a window ago.
            self.started_at = now;
        } else if elapsed < window {
            // After a step back of the clock the window begins now, and counts what it counted.
            self.started_at = self.started_at.min(now);
        } else if elapsed - window < window && self.current > 0 {
            let started_at = self.started_at.plus(window);
            *self = Self { started_at, previous: self.current, current: 0 };
        } else {
            *self = Self { started_at: now, previous: 0, current: 0 };
        }
    }

    #[inline]
    fn decide(&self, quota: &Quota, cost: u64, now: Timestamp) -> Decision {
        let (window, amount) = (quota.window_micros(), quota.amount());
        let left = self.left(window, now);
        let current = u64::from(self.current);
        let used = self.weighted(left, window) + current;
        let remaining = amount.saturating_sub(used);
        // (A burst, which the strategy does not have, would allow a cost above the amount.)
        if impossible(quota, cost) || cost > amount {
            return Decision::never(remaining, self.reset_after(left, window));
        }
        if cost <= remaining {
            let mut charged = *self;
            charged.add(cost);
            return Decision::admit(remaining - cost, charged.reset_after(left, window));
        }
        let retry_after = match amount.checked_sub(current + cost) {
            // It fits as soon as enough of the previous window has slid out.
            Some(room) => left - longest_left(self.previous.into(), room + 1, window).min(left),
            // Not before this window has become the previous one and has partly slid out.
            None => left + window - longest_left(current, amount - cost + 1, window).min(window),
        };
        Decision::deny(remaining, self.reset_after(left, window), retry_after)
    }

    #[inline]
    fn charge(&mut self, _quota: &Quota, cost: u64, _now: Timestamp) {
        self.add(cost);
    }

    fn refund(&mut self, quota: &Quota, cost: u64, charged_at: Timestamp, _now: Timestamp) {
        let cost = u32::try_from(cost).unwrap_or(u32::MAX);
        if charged_at >= self.started_at {
            self.current = self.current.saturating_sub(cost);
        } else if self.started_at.since(charged_at) <= quota.window_micros() {
            self.previous = self.previous.saturating_sub(cost);
        }
    }
}

impl SlidingWindowCounter {
    #[inline]
    fn add(&mut self, cost: u64) {
        // An admitted cost is at most the amount, which `Strategy::check` bounds.
        self.current = self.current.saturating_add(u32::try_from(cost).unwrap_or(u32::MAX));
    }
}
