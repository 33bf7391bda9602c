//! Keys and costs for the limits of a rule, decided by the storage as one batch.

use std::{rc::Rc, time::Duration};

use limiter_core::{
    Charge, Decision, Key, Outcome, Receipt, Storage, StorageError, Timestamp, Verb,
};
use smallvec::SmallVec;

use crate::{
    limiter::Limiter,
    resolve::{Rule, RuleLimit},
    storage::{apply, decide_one},
};

/// The charges of one request: a key and a cost for each limit of a rule, and then the decision.
///
/// It stays in the pooled context of the request, so it is neither moved nor allocated.
#[derive(Default)]
pub(crate) struct Batch {
    /// `None` until something is charged.
    pub(super) rule: Option<Rc<Rule>>,
    pub(super) keys: SmallVec<[Key; 1]>,
    pub(super) entries: SmallVec<[BatchEntry; 4]>,
    pub(super) outcome: Option<Outcome>,
    /// When it was decided, by the limiter's clock; only if headers report it.
    pub(super) decided_at: Option<Timestamp>,
}

/// One limit's entry in a batch.
pub(crate) struct BatchEntry {
    /// The limit's index in the rule.
    pub(super) limit: usize,
    /// The key's index in the keys.
    pub(super) key: usize,
    pub(super) cost: u64,
    pub(super) decision: Option<Decision>,
    pub(super) receipt: Option<Receipt>,
}

impl Batch {
    pub(super) fn decisions(&self) -> impl Iterator<Item = (&BatchEntry, &RuleLimit, &Decision)> {
        let limits = self.rule.as_ref().map_or(&[][..], |rule| rule.limits());
        self.entries
            .iter()
            .filter_map(|entry| Some((entry, limits.get(entry.limit)?, entry.decision.as_ref()?)))
    }

    /// The rule whose limits were charged.
    pub(crate) fn rule(&self) -> Option<&Rc<Rule>> {
        self.rule.as_ref()
    }

    /// Whether it is collected but not decided yet.
    #[inline]
    pub(crate) fn is_collected(&self) -> bool {
        self.rule.is_some() && self.outcome.is_none()
    }

    /// Removes, before the decision, charges that would be given back at once; and all meta limits
    /// if no other charge remains.
    pub(crate) fn leave_out(&mut self, is_left_out: impl Fn(&RuleLimit) -> bool) {
        let Self { rule: Some(rule), entries, .. } = self else { return };
        let limits = rule.limits();
        entries.retain(|entry| !is_left_out(&limits[entry.limit]));
        if !entries.iter().any(|entry| limits[entry.limit].is_enforced()) {
            entries.retain(|entry| !limits[entry.limit].is_meta());
        }
    }

    /// How long its slowest limit remembers a charge.
    pub(crate) fn memory(&self) -> Duration {
        let limits = self.rule.as_ref().map_or(&[][..], |rule| rule.limits());
        let memory = |limit: &RuleLimit| {
            let quota = limit.policy.limit().quota();
            // A bucket that holds several amounts takes as many windows to refill.
            let windows = quota.capacity().div_ceil(quota.amount().max(1)).max(1);
            quota.window_micros().saturating_mul(windows)
        };
        Duration::from_micros(limits.iter().map(memory).max().unwrap_or_default())
    }

    /// The entries that were admitted together.
    pub(crate) fn admitted(&self) -> &[BatchEntry] {
        if self.outcome == Some(Outcome::Admit) { &self.entries } else { &[] }
    }

    /// The key of an entry.
    pub(crate) fn key_of(&self, limit: usize) -> Option<&Key> {
        let entry = self.entries.iter().find(|entry| entry.limit == limit)?;
        Some(&self.keys[entry.key])
    }

    /// Clears the batch and keeps its allocation for the next request.
    #[inline]
    pub(crate) fn clear(&mut self) {
        self.rule = None;
        self.keys.clear();
        self.entries.clear();
        self.outcome = None;
        self.decided_at = None;
    }

    /// Reads the counters again if part of the quota has come back since the decision, as after a
    /// slow handler. Storages that cannot answer at once are skipped: headers are not worth a round
    /// trip.
    pub(crate) fn refresh(&mut self, limiter: &Limiter) {
        let Some(decided_at) = self.decided_at else { return };
        let passed = limiter.settings().clock.coarse().since(decided_at);
        let outdated = |decision: &Decision| {
            let reset_after = decision.reset_after_micros();
            reset_after > 0 && passed >= reset_after
        };
        if self.outcome == Some(Outcome::Deny)
            || !self.decisions().any(|(_, _, decision)| outdated(decision))
        {
            return;
        }
        for entry in &mut self.entries {
            entry.cost = 0;
        }
        self.apply_now(limiter.storage(), Verb::Test);
    }

    /// Runs a verb on the counters without waiting; `None` if the storage cannot answer at once.
    #[inline]
    pub(crate) fn apply_now(&mut self, storage: &dyn Storage, verb: Verb) -> Option<Outcome> {
        let Self { rule, keys, entries, .. } = self;
        let rule = rule.as_ref()?;
        if let [entry] = &mut entries[..] {
            // Most batches have one charge: an array of one is faster than a list.
            let mut charges = [charge(rule, keys, entry)];
            let outcome = storage.apply_now(verb, &mut charges)?;
            let [charge] = charges;
            entry.answer(&charge);
            return Some(outcome);
        }
        let mut charges = charges::<8>(rule, keys, entries);
        let outcome = storage.apply_now(verb, &mut charges)?;
        answer(entries, &charges);
        Some(outcome)
    }

    /// The same, awaiting the storage if necessary.
    pub(crate) async fn apply(
        &mut self,
        storage: &dyn Storage,
        verb: Verb,
    ) -> Result<Outcome, StorageError> {
        let Self { rule: Some(rule), keys, entries, .. } = self else {
            return Ok(Outcome::Admit);
        };
        if entries.is_empty() {
            // A storage that was sent nothing has not answered: its circuit must not count that.
            return Ok(Outcome::Admit);
        }
        // Inline room for one only, because a waiting future is kept on the heap.
        let mut charges = charges::<1>(rule, keys, entries);
        let outcome = storage.apply(verb, &mut charges).await?;
        answer(entries, &charges);
        Ok(outcome)
    }

    /// Gives one admitted charge back.
    pub(crate) async fn refund_one(
        &mut self,
        storage: &dyn Storage,
        limit: usize,
    ) -> Result<(), StorageError> {
        let Self { rule: Some(rule), keys, entries, .. } = self else { return Ok(()) };
        let Some(entry) = entries.iter_mut().find(|entry| entry.limit == limit) else {
            return Ok(());
        };
        let mut charges = [charge(rule, keys, entry)];
        apply(storage, Verb::Refund, &mut charges).await?;
        entry.receipt = charges[0].receipt();
        Ok(())
    }

    /// Reads one counter again.
    pub(crate) async fn look_again(
        &mut self,
        storage: &dyn Storage,
        limit: usize,
    ) -> Result<(), StorageError> {
        let Self { rule: Some(rule), keys, entries, .. } = self else { return Ok(()) };
        for entry in entries.iter_mut().filter(|entry| entry.limit == limit) {
            let (limit, key) = (rule.limits()[entry.limit].policy.limit(), &keys[entry.key]);
            entry.decision = Some(decide_one(storage, Verb::Test, limit, key, 0).await?);
        }
        Ok(())
    }
}

impl BatchEntry {
    /// The limit's index in the rule.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// Copies the storage's result from the charge.
    #[inline]
    fn answer(&mut self, charge: &Charge<'_>) {
        self.decision = charge.decision().copied();
        self.receipt = charge.receipt();
    }
}

#[inline]
fn charge<'a>(rule: &'a Rule, keys: &'a [Key], entry: &BatchEntry) -> Charge<'a> {
    let limit = &rule.limits()[entry.limit];
    let policy = &*limit.policy;
    Charge::new(policy.limit(), &keys[entry.key])
        .cost(entry.cost)
        .mode(policy.mode())
        .on_store_error(limit.on_store_error)
        .taken(entry.receipt)
}

fn charges<'a, const INLINE: usize>(
    rule: &'a Rule,
    keys: &'a [Key],
    entries: &[BatchEntry],
) -> SmallVec<[Charge<'a>; INLINE]> {
    entries.iter().map(|entry| charge(rule, keys, entry)).collect()
}

fn answer(entries: &mut [BatchEntry], charges: &[Charge<'_>]) {
    for (entry, charge) in entries.iter_mut().zip(charges) {
        entry.answer(charge);
    }
}
