//! A bucket of tokens that refills steadily, as the generic cell rate algorithm.

use super::state::{State, impossible};
use crate::{clock::Timestamp, decision::Decision, quota::Quota};

/// The moment at which the bucket is full again: the theoretical arrival time of GCRA.
///
/// A token takes `window / amount` to come back, which is rarely a whole number of microseconds.
/// So the moment is kept exactly, as microseconds and a fraction with the amount as its
/// denominator; three tokens a second are three tokens a second for ever.
///
/// When the amount of a quota changes, what is missing is still missing *as time*: of a bucket
/// that was half empty at `10/minute`, half is missing at `20/minute`, too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TokenBucket {
    /// The whole microseconds of the moment.
    pub full_at: Timestamp,
    /// The rest of the moment, in `1 / amount` microseconds.
    pub fraction: u64,
}

impl TokenBucket {
    /// Whether an empty bucket takes longer to refill than the longest window.
    pub(super) fn refills_too_slowly(quota: &Quota) -> bool {
        Self::full(quota) > u128::from(quota.amount()) * u128::from(Quota::MAX_WINDOW_MICROS)
    }

    /// What the bucket holds when full, as time to refill in units of `1 / amount` microseconds:
    /// integers, so that nothing is ever rounded. 112 bits: capacities have 50, windows 62.
    #[inline]
    fn full(quota: &Quota) -> u128 {
        u128::from(quota.capacity()) * u128::from(quota.window_micros())
    }

    /// What is missing from the full bucket, in the same unit.
    #[inline]
    fn missing(&self, quota: &Quota, now: Timestamp) -> u128 {
        // A fraction of another amount is read as less than a microsecond of this one. It is kept,
        // so that a test under another amount, or a block by an amount of zero, loses nothing.
        let fraction = self.fraction.min(quota.amount().saturating_sub(1));
        u128::from(self.full_at.since(now)) * u128::from(quota.amount()) + u128::from(fraction)
    }

    #[inline]
    fn set_missing(&mut self, missing: u128, quota: &Quota, now: Timestamp) {
        let (micros, fraction) = divide(missing, quota.amount().max(1));
        *self = Self { full_at: now.plus(micros), fraction };
    }
}

impl State for TokenBucket {
    #[inline]
    fn settle(&mut self, quota: &Quota, now: Timestamp) {
        if self.full_at < now {
            *self = Self { full_at: now, fraction: 0 };
        } else if self.missing(quota, now) > Self::full(quota) {
            // The clock stepped back, or the quota was lowered: the bucket is empty.
            self.set_missing(Self::full(quota), quota, now);
        }
    }

    #[inline]
    fn decide(&self, quota: &Quota, cost: u64, now: Timestamp) -> Decision {
        let missing = self.missing(quota, now);
        if impossible(quota, cost) {
            let (tokens, next_token) = left(missing, quota);
            return Decision::never(tokens, next_token);
        }
        let full = Self::full(quota);
        let wanted = missing + u128::from(cost) * u128::from(quota.window_micros());
        if wanted <= full {
            let (tokens, next_token) = left(wanted, quota);
            Decision::admit(tokens, next_token)
        } else {
            let (tokens, next_token) = left(missing, quota);
            let retry_after = divide_up(wanted - full, quota.amount());
            Decision::deny(tokens, next_token, retry_after)
        }
    }

    #[inline]
    fn charge(&mut self, quota: &Quota, cost: u64, now: Timestamp) {
        let taken = u128::from(cost) * u128::from(quota.window_micros());
        self.set_missing(self.missing(quota, now) + taken, quota, now);
    }

    fn refund(&mut self, quota: &Quota, cost: u64, charged_at: Timestamp, now: Timestamp) {
        let amount = u128::from(quota.amount());
        // By then an empty bucket has become full, so the tokens came back by themselves. (So does
        // nothing ever under an amount of zero, which gives nothing back either.)
        if u128::from(now.since(charged_at)) * amount >= Self::full(quota) {
            return;
        }
        // The bucket is full at most.
        let returned = u128::from(cost) * u128::from(quota.window_micros());
        self.set_missing(self.missing(quota, now).saturating_sub(returned), quota, now);
    }
}

/// How many whole tokens the bucket has while `missing` is missing, and the microseconds until the
/// next one: zero for a full bucket. (A token is as long as the window.)
#[inline]
fn left(missing: u128, quota: &Quota) -> (u64, u64) {
    let (window, amount) = (quota.window_micros(), quota.amount());
    let (whole, part) = divide(missing, window);
    let tokens = quota.capacity().saturating_sub(whole).saturating_sub(u64::from(part > 0));
    if missing == 0 || amount == 0 {
        return (tokens, 0);
    }
    (tokens, divide_up(if part == 0 { window.into() } else { part.into() }, amount))
}

/// Quotient and remainder; in 64 bits wherever possible, which is several times faster.
#[inline]
fn divide(dividend: u128, divisor: u64) -> (u64, u64) {
    if let Ok(dividend) = u64::try_from(dividend) {
        return (dividend / divisor, dividend % divisor);
    }
    let (quotient, rest) = (dividend / u128::from(divisor), dividend % u128::from(divisor));
    (u64::try_from(quotient).unwrap_or(u64::MAX), rest as u64)
}

#[inline]
fn divide_up(dividend: u128, divisor: u64) -> u64 {
    let (quotient, rest) = divide(dividend, divisor);
    quotient.saturating_add(u64::from(rest > 0))
}
