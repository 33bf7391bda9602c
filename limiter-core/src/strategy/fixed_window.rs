//! A counter per window, which starts at the first hit.

use super::state::{State, impossible};
use crate::{clock::Timestamp, decision::Decision, quota::Quota};

/// The cost used in the window that ends at `ends_at`.
///
/// The window starts at a client's first hit, as in the reference: no client can prepare for a
/// boundary that all clients share, and no boundary brings all clients back at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FixedWindow {
    /// The first moment that no longer belongs to the window.
    pub ends_at: Timestamp,
    /// The cost admitted in the window.
    pub used: u64,
}

impl State for FixedWindow {
    #[inline]
    fn settle(&mut self, quota: &Quota, now: Timestamp) {
        let fresh = now.plus(quota.window_micros());
        // A window that was refunded to nothing starts again with the next hit.
        if now >= self.ends_at || self.used == 0 {
            *self = Self { ends_at: fresh, used: 0 };
        } else if self.ends_at > fresh {
            self.ends_at = fresh;
        }
    }

    #[inline]
    fn decide(&self, quota: &Quota, cost: u64, now: Timestamp) -> Decision {
        let remaining = quota.amount().saturating_sub(self.used);
        let left = self.ends_at.since(now);
        // The usual case first.
        if 0 < cost && cost <= remaining {
            return Decision::admit(remaining - cost, left);
        }
        let reset_after = if self.used == 0 { 0 } else { left };
        if impossible(quota, cost) {
            Decision::never(remaining, reset_after)
        } else if cost == 0 {
            Decision::admit(remaining, reset_after)
        } else {
            Decision::deny(remaining, reset_after, left)
        }
    }

    #[inline]
    fn charge(&mut self, _quota: &Quota, cost: u64, _now: Timestamp) {
        self.used = self.used.saturating_add(cost);
    }

    fn refund(&mut self, quota: &Quota, cost: u64, charged_at: Timestamp, _now: Timestamp) {
        // A charge of an earlier window ended with it.
        if charged_at.plus(quota.window_micros()) >= self.ends_at {
            self.used = self.used.saturating_sub(cost);
        }
    }
}
