//! Runs verbs on charges: at once where the storage can, else awaiting it.

use limiter_core::{Charge, Decision, Key, Limit, Outcome, Storage, StorageError, Verb};

/// Charges a cost after the decision: at most what is left.
pub(crate) async fn charge_up_to(
    storage: &dyn Storage,
    limit: &Limit,
    key: &Key,
    cost: u64,
) -> Result<Decision, StorageError> {
    let mut cost = cost;
    loop {
        let decision = decide_one(storage, Verb::Hit, limit, key, cost).await?;
        let left = decision.remaining();
        if decision.admitted() || left == 0 {
            return Ok(decision);
        }
        // Another request may have charged the counter since, so less is left now.
        cost = cost.min(left);
    }
}

/// Decides one charge on its own, at once or waiting.
pub(crate) async fn decide_one(
    storage: &dyn Storage,
    verb: Verb,
    limit: &Limit,
    key: &Key,
    cost: u64,
) -> Result<Decision, StorageError> {
    let mut charges = [Charge::new(limit, key).cost(cost)];
    apply(storage, verb, &mut charges).await?;
    let [charge] = charges;
    charge.decision().copied().ok_or_else(|| {
        StorageError::new(format!("the storage {} returned no decision", storage.name()))
    })
}

/// Runs a verb on charges: at once where the storage can, else awaiting it.
pub(crate) async fn apply(
    storage: &dyn Storage,
    verb: Verb,
    charges: &mut [Charge<'_>],
) -> Result<Outcome, StorageError> {
    match storage.apply_now(verb, charges) {
        Some(outcome) => Ok(outcome),
        None => storage.apply(verb, charges).await,
    }
}
