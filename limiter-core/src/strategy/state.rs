//! What every strategy is: four pure functions on the state of one counter.

use crate::{clock::Timestamp, decision::Decision, quota::Quota};

/// The state of one counter under one strategy. The default is that of a client never seen.
///
/// Callers [settle](Self::settle) a state for a moment before they call the other functions for
/// that moment, and pass only quotas that [`Strategy::check`](super::Strategy::check) accepts.
/// (With others nothing panics.)
pub trait State: Default {
    /// Brings the state to the moment: what has expired is dropped, and what lies in the future,
    /// because the clock stepped back, counts as if it were of this moment.
    fn settle(&mut self, quota: &Quota, now: Timestamp);

    /// Whether a charge of `cost` would be admitted now. Changes nothing.
    fn decide(&self, quota: &Quota, cost: u64, now: Timestamp) -> Decision;

    /// Takes a charge that [`decide`](Self::decide) has just admitted. A cost of zero changes
    /// nothing.
    fn charge(&mut self, quota: &Quota, cost: u64, now: Timestamp);

    /// Takes back what a charge took at `charged_at`, as far as it still counts: never below
    /// nothing, and never from a window that began later. Only for a charge that was taken from
    /// this state, and once.
    fn refund(&mut self, quota: &Quota, cost: u64, charged_at: Timestamp, now: Timestamp);
}

/// Whether no waiting helps: the amount is zero, or the cost above the capacity.
pub(super) fn impossible(quota: &Quota, cost: u64) -> bool {
    quota.amount() == 0 || cost > quota.capacity()
}
