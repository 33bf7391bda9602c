//! A log of every hit: never more than the amount in any window.

use std::collections::VecDeque;

use super::state::{State, impossible};
use crate::{clock::Timestamp, decision::Decision, quota::Quota};

/// The hits of the last window, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MovingWindow {
    hits: VecDeque<Hit>,
    /// The sum of the hits' costs.
    used: u64,
}

/// A cost admitted at a moment. Hits of the same microsecond are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Hit {
    at: Timestamp,
    cost: u64,
}

impl MovingWindow {
    /// How many entries the log holds.
    pub fn len(&self) -> usize {
        self.hits.len()
    }

    /// Whether the log holds no entry.
    pub fn is_empty(&self) -> bool {
        self.hits.is_empty()
    }

    /// The moment of the newest hit.
    pub fn newest(&self) -> Option<Timestamp> {
        self.hits.back().map(|hit| hit.at)
    }

    /// Takes a charge without a new entry, for a storage that has no room for one: the newest hit
    /// moves to this moment and grows. It leaves later than it would have, so that the log may
    /// admit less than it could, and never more.
    pub fn charge_coarsely(&mut self, cost: u64, now: Timestamp) {
        if let Some(newest) = self.hits.back_mut().filter(|_| cost > 0) {
            newest.at = now;
        }
        self.used = self.used.saturating_add(cost);
        self.push(cost, now);
    }
}

impl State for MovingWindow {
    fn settle(&mut self, quota: &Quota, now: Timestamp) {
        while let Some(hit) = self.hits.front() {
            // A hit leaves exactly one window after it came.
            if hit.at.plus(quota.window_micros()) > now {
                break;
            }
            self.used -= hit.cost;
            self.hits.pop_front();
        }
        // A busy hour must not cost its memory for ever.
        if self.hits.len() < self.hits.capacity() / 8 {
            self.hits.shrink_to(2 * self.hits.len());
        }
        let mut from_the_future = 0;
        while let Some(hit) = self.hits.back().copied().filter(|hit| hit.at > now) {
            from_the_future += hit.cost;
            self.hits.pop_back();
        }
        self.push(from_the_future, now);
    }

    fn decide(&self, quota: &Quota, cost: u64, now: Timestamp) -> Decision {
        let window = quota.window_micros();
        let leaves_after = |hit: &Hit| hit.at.plus(window).since(now);
        let remaining = quota.amount().saturating_sub(self.used);
        // The reference reports a whole window for an empty log.
        let reset_after = self.hits.front().map_or(window, leaves_after);
        if impossible(quota, cost) {
            return Decision::never(remaining, reset_after);
        }
        if cost <= remaining {
            return Decision::admit(remaining - cost, reset_after);
        }
        let mut used = self.used;
        let mut retry_after = window;
        for hit in &self.hits {
            used -= hit.cost;
            if used.saturating_add(cost) <= quota.amount() {
                retry_after = leaves_after(hit);
                break;
            }
        }
        Decision::deny(remaining, reset_after, retry_after)
    }

    fn charge(&mut self, _quota: &Quota, cost: u64, now: Timestamp) {
        self.used = self.used.saturating_add(cost);
        self.push(cost, now);
    }

    fn refund(&mut self, _quota: &Quota, cost: u64, charged_at: Timestamp, _now: Timestamp) {
        // The newest hit that is not later: earlier than the charge only where the clock stepped
        // back since. A charge that has left the log has no such hit.
        let later = self.hits.partition_point(|hit| hit.at <= charged_at);
        let Some((index, hit)) =
            later.checked_sub(1).and_then(|index| Some((index, self.hits.get_mut(index)?)))
        else {
            return;
        };
        let returned = cost.min(hit.cost);
        hit.cost -= returned;
        self.used -= returned;
        if hit.cost == 0 {
            self.hits.remove(index);
        }
    }
}

impl MovingWindow {
    /// Appends to the log, which is settled: no hit is later than `now`.
    fn push(&mut self, cost: u64, now: Timestamp) {
        match self.hits.back_mut() {
            _ if cost == 0 => {}
            Some(newest) if newest.at == now => newest.cost = newest.cost.saturating_add(cost),
            _ => {
                if self.hits.capacity() < 4 {
                    // Most clients come once or twice, and pay for no more.
                    self.hits.reserve_exact(1);
                }
                self.hits.push_back(Hit { at: now, cost });
            }
        }
    }
}
