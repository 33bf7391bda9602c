//! What a decided batch reports.

use std::sync::Arc;

use actix_web::http::header::HeaderValue;
use limiter_core::{Decision, Outcome, Storage};
use smallvec::SmallVec;

use super::batch::{Batch, BatchEntry};
use crate::{
    answer::Reported,
    limit::{CurrentLimit, Policy, Role},
    resolve::RuleLimit,
};

impl Batch {
    /// The limits that deny the request: the first meta limit that denies, or else all others.
    pub(crate) fn breaches(&self) -> impl Iterator<Item = (&RuleLimit, &Decision)> {
        let meta = self.breached_meta();
        let others = self
            .decisions()
            .filter(|(_, limit, decision)| limit.is_enforced() && !decision.admitted())
            .map(|(_, limit, decision)| (limit, decision))
            .filter(move |_| meta.is_none());
        meta.into_iter().chain(others)
    }

    /// The decisions of all limits that deny, whether reported or not.
    pub(crate) fn denials(&self) -> impl Iterator<Item = &Decision> {
        self.decisions()
            .filter(|(_, limit, decision)| !limit.policy.is_shadow() && !decision.admitted())
            .map(|(_, _, decision)| decision)
    }

    fn breached_meta(&self) -> Option<(&RuleLimit, &Decision)> {
        if self.outcome != Some(Outcome::Deny) {
            return None;
        }
        self.decisions()
            .find(|(_, limit, decision)| limit.is_meta() && !decision.admitted())
            .map(|(_, limit, decision)| (limit, decision))
    }

    /// The limit that headers describe: the first breached one; if none is breached, the first that
    /// is not shared between endpoints; or else the first.
    fn headline(&self) -> Option<(&RuleLimit, &Decision)> {
        if self.outcome == Some(Outcome::Deny) {
            return self.breaches().next();
        }
        let (limit, decision) = self
            .reported_limits()
            .find(|(limit, _)| !limit.policy.is_shared())
            .or_else(|| self.reported_limits().next())?;
        Some((limit, self.latest(limit).unwrap_or(decision)))
    }

    /// The limits that response headers report, shortest window first: meta limits only if one of
    /// them denies, and never a shadow.
    fn reported_limits(&self) -> impl Iterator<Item = (&RuleLimit, &Decision)> {
        let denied_by_meta = self.breached_meta().is_some();
        self.decisions().map(|(_, limit, decision)| (limit, decision)).filter(
            move |(limit, decision)| match limit.policy.role() {
                Role::Enforce => !denied_by_meta,
                Role::Shadow => false,
                Role::Meta(_) => denied_by_meta && !decision.admitted(),
            },
        )
    }

    /// The decision of the last charge on a counter, if a limit appears twice and is charged twice.
    fn latest(&self, limit: &RuleLimit) -> Option<&Decision> {
        let last_index = limit.last_with_same_counter?;
        let entry = |wanted: &dyn Fn(&BatchEntry, &RuleLimit) -> bool| {
            self.decisions().find(|(entry, limit, _)| wanted(entry, limit))
        };
        let (first, ..) = entry(&|_, other| std::ptr::eq(other, limit))?;
        let (last, _, decision) = entry(&|other, _| other.limit == last_index)?;
        (self.keys[first.key] == self.keys[last.key]).then_some(decision)
    }

    /// The limit that headers describe, as handlers see it.
    pub(crate) fn headline_limit(&self, storage: &Arc<dyn Storage>) -> Option<CurrentLimit> {
        let headline = std::ptr::from_ref(self.headline()?.0);
        let (entry, ..) =
            self.decisions().find(|(_, limit, _)| std::ptr::from_ref(*limit) == headline)?;
        self.current_limit(storage, entry)
    }

    /// Every limit that was evaluated, as handlers and callbacks see it.
    pub(crate) fn current_limits(&self, storage: &Arc<dyn Storage>) -> Vec<CurrentLimit> {
        self.decisions().filter_map(|(entry, ..)| self.current_limit(storage, entry)).collect()
    }

    /// The limits of [`breaches`](Self::breaches), as callbacks see them.
    pub(crate) fn breached_limits(&self, storage: &Arc<dyn Storage>) -> Vec<CurrentLimit> {
        let breached: SmallVec<[*const RuleLimit; 4]> =
            self.breaches().map(|(limit, _)| std::ptr::from_ref(limit)).collect();
        self.decisions()
            .filter(|(_, limit, _)| breached.contains(&std::ptr::from_ref(*limit)))
            .filter_map(|(entry, ..)| self.current_limit(storage, entry))
            .collect()
    }

    fn current_limit(
        &self,
        storage: &Arc<dyn Storage>,
        entry: &BatchEntry,
    ) -> Option<CurrentLimit> {
        let limit = self.rule.as_ref()?.limits().get(entry.limit)?;
        let key = &self.keys[entry.key];
        let decision = entry.decision?;
        Some(CurrentLimit::new(&limit.policy, entry.limit, key, entry.cost, decision, storage))
    }
}

/// What response headers report.
impl Reported for Batch {
    fn headline(&self) -> Option<(&Policy, &Decision)> {
        self.headline().map(|(limit, decision)| (&*limit.policy, decision))
    }

    fn reported(&self) -> impl Iterator<Item = (&Policy, &Decision)> {
        self.reported_limits().map(|(limit, decision)| (&*limit.policy, decision))
    }

    fn policy_field(&self) -> Option<&HeaderValue> {
        self.rule()?.policy_field()
    }
}
