//! Breaches are counted: by the meta limits of the limits that were breached.

use std::rc::Rc;

use limiter_core::{Charge, Key, Mode, StorageError, Verb};

use crate::{
    charge::apply,
    context::Context,
    current::CurrentLimit,
    rule::{MetaRole, Role, Rule, RuleLimit},
};

/// One breach, counted by one meta limit.
struct Count {
    /// The meta limit's place in the rule.
    place: usize,
    key: Key,
}

/// Counts the breaches of a denied request, at once where the storage can; or else while the
/// denial is on its way.
pub(crate) fn count(context: &Context, breached: &[CurrentLimit]) {
    let (rule, counts) = {
        let batch = context.batch.borrow();
        let Some(rule) = batch.rule().cloned() else { return };
        let mut places: Vec<usize> =
            breached.iter().flat_map(|limit| limit.rule_limit().metas.iter().copied()).collect();
        if breached.iter().any(|limit| limit.rule_limit().is_enforced()) {
            let global = |limit: &RuleLimit| matches!(&limit.role, Role::Meta(meta) if meta.global);
            places.extend((0..rule.limits().len()).filter(|place| global(&rule.limits()[*place])));
        }
        let counts: Vec<Count> = places
            .into_iter()
            .filter_map(|place| Some(Count { place, key: batch.key_of(place)?.clone() }))
            .collect();
        (rule, counts)
    };
    if counts.is_empty() {
        return;
    }
    let worker = Rc::clone(&context.worker);
    let leftovers = Rc::clone(&worker);
    leftovers.leftovers.finish(Box::pin(async move {
        if let Err(error) = hit(worker.limiter().storage(), &rule, &counts).await {
            tracing::warn!(%error, "a breach could not be counted");
        }
    }));
}

/// Counts, and blocks those whose meta limit is used up.
async fn hit(
    storage: &dyn limiter_core::Storage,
    rule: &Rule,
    counts: &[Count],
) -> Result<(), StorageError> {
    let metas = || {
        counts.iter().filter_map(|count| {
            let limit = &rule.limits()[count.place];
            match &limit.role {
                Role::Meta(meta) => Some((count, limit, meta)),
                Role::Enforce | Role::Shadow => None,
            }
        })
    };
    // As shadows: none of them keeps another one from counting.
    let mut charges: Vec<Charge<'_>> = metas()
        .map(|(count, limit, MetaRole { counter, cost, .. })| {
            let counter = counter.as_ref().unwrap_or(&limit.limit);
            Charge::new(counter, &count.key).cost(*cost).mode(Mode::Shadow)
        })
        .collect();
    apply(storage, Verb::Hit, &mut charges).await?;

    let used_up = |charge: &Charge<'_>, cost: u64| {
        charge.decision().is_none_or(|decision| !decision.admitted() || decision.remaining() < cost)
    };
    let mut blocks: Vec<Charge<'_>> = metas()
        .zip(&charges)
        .filter(|((.., meta), charge)| meta.counter.is_some() && used_up(charge, meta.cost))
        .map(|((count, limit, ..), _)| Charge::new(&limit.limit, &count.key).mode(Mode::Shadow))
        .collect();
    if !blocks.is_empty() {
        apply(storage, Verb::Hit, &mut blocks).await?;
    }
    Ok(())
}
