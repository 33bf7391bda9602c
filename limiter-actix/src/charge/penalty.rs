//! Counts breaches, by the meta limits of the breached limits.

use std::rc::Rc;

use limiter_core::{Charge, Key, Mode, Storage, StorageError, Verb};

use super::batch::Batch;
use crate::{
    limit::{CurrentLimit, MetaRole, Policy, Role},
    resolve::{Rule, RuleLimit},
    storage::apply,
};

/// The breaches of one denied request, as its meta limits count them.
pub(crate) struct Penalty {
    rule: Rc<Rule>,
    counts: Vec<Count>,
}

/// One breach, counted by one meta limit.
struct Count {
    /// The meta limit's index in the rule.
    index: usize,
    key: Key,
}

impl Penalty {
    /// What the breached limits of a batch count for; `None` if no meta limit counts them.
    pub(crate) fn of(batch: &Batch, breached: &[CurrentLimit]) -> Option<Self> {
        let rule = batch.rule()?;
        let limits = rule.limits();
        let breached = || breached.iter().filter_map(|limit| limits.get(limit.index()));
        let mut indexes: Vec<usize> =
            breached().flat_map(|limit| limit.metas.iter().copied()).collect();
        if breached().any(RuleLimit::is_enforced) {
            indexes.extend((0..limits.len()).filter(|index| is_global(&limits[*index].policy)));
        }
        let counts: Vec<Count> = indexes
            .into_iter()
            .filter_map(|index| Some(Count { index, key: batch.key_of(index)?.clone() }))
            .collect();
        (!counts.is_empty()).then(|| Self { rule: Rc::clone(rule), counts })
    }

    /// Counts, and blocks the clients whose meta limit is used up.
    pub(crate) async fn count(&self, storage: &dyn Storage) {
        if let Err(error) = self.hit(storage).await {
            tracing::warn!(%error, "a breach could not be counted");
        }
    }

    async fn hit(&self, storage: &dyn Storage) -> Result<(), StorageError> {
        let metas = || {
            self.counts.iter().filter_map(|count| {
                let policy = &*self.rule.limits()[count.index].policy;
                match policy.role() {
                    Role::Meta(meta) => Some((count, policy.limit(), meta)),
                    Role::Enforce | Role::Shadow => None,
                }
            })
        };
        // As shadows: none of them keeps another one from counting.
        let mut charges: Vec<Charge<'_>> = metas()
            .map(|(count, limit, MetaRole { counter, cost, .. })| {
                let counter = counter.as_ref().unwrap_or(limit);
                Charge::new(counter, &count.key).cost(*cost).mode(Mode::Shadow)
            })
            .collect();
        apply(storage, Verb::Hit, &mut charges).await?;

        let used_up = |charge: &Charge<'_>, cost: u64| {
            charge
                .decision()
                .is_none_or(|decision| !decision.admitted() || decision.remaining() < cost)
        };
        let mut blocks: Vec<Charge<'_>> = metas()
            .zip(&charges)
            .filter(|((.., meta), charge)| meta.counter.is_some() && used_up(charge, meta.cost))
            .map(|((count, limit, ..), _)| Charge::new(limit, &count.key).mode(Mode::Shadow))
            .collect();
        if !blocks.is_empty() {
            apply(storage, Verb::Hit, &mut blocks).await?;
        }
        Ok(())
    }
}

fn is_global(policy: &Policy) -> bool {
    matches!(policy.role(), Role::Meta(meta) if meta.global)
}
