//! How a response changes the charges: `deduct_when` and `cost_after`.

use actix_web::dev::ResponseHead;
use limiter_core::StorageError;
use smallvec::SmallVec;

use super::batch::Batch;
use crate::{limiter::Limiter, storage::charge_up_to};

/// What is to be given back, and what is to be charged on top.
pub(crate) struct Settlement {
    /// The indexes of the limits in the rule.
    refunds: SmallVec<[usize; 2]>,
    extras: SmallVec<[(usize, u64); 2]>,
}

impl Settlement {
    /// Calls the functions of the charged limits; `None` if nothing changes.
    pub(crate) fn of(batch: &Batch, head: &ResponseHead) -> Option<Self> {
        let rule = batch.rule().filter(|rule| rule.settles())?;
        let mut settlement = Self { refunds: SmallVec::new(), extras: SmallVec::new() };
        for entry in batch.admitted() {
            let index = entry.limit();
            let limit = &rule.limits()[index];
            if limit.deduct_when.as_ref().is_some_and(|deduct_when| !deduct_when(head)) {
                settlement.refunds.push(index);
            } else if let Some(cost_after) = &limit.cost_after {
                settlement.extras.push((index, cost_after(head)));
            }
        }
        let changes =
            !settlement.refunds.is_empty() || settlement.extras.iter().any(|(_, cost)| *cost > 0);
        changes.then_some(settlement)
    }

    /// **Settle**: gives back, and charges on top.
    pub(crate) async fn settle(&self, limiter: &Limiter, batch: &mut Batch) {
        if let Err(error) = self.apply(limiter, batch).await {
            tracing::warn!(%error, "a charge could not be settled after the response");
        }
    }

    async fn apply(&self, limiter: &Limiter, batch: &mut Batch) -> Result<(), StorageError> {
        let storage = limiter.storage();
        for index in &self.refunds {
            batch.refund_one(storage, *index).await?;
        }
        for (index, cost) in &self.extras {
            let Some(rule) = batch.rule().cloned() else { continue };
            let Some(key) = batch.key_of(*index) else { continue };
            charge_up_to(storage, rule.limits()[*index].policy.limit(), key, *cost).await?;
        }
        if limiter.settings().answers.headers.is_enabled() {
            let changed = self.refunds.iter().chain(self.extras.iter().map(|(index, _)| index));
            for index in changed {
                batch.look_again(storage, *index).await?;
            }
        }
        Ok(())
    }
}
