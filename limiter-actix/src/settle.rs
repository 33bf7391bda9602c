//! What a response changes about the charges: `deduct_when` and `cost_after`.

use std::rc::Rc;

use actix_web::dev::ResponseHead;
use limiter_core::StorageError;
use smallvec::SmallVec;

use crate::{
    charge::{Batch, take_what_is_left},
    context::Context,
};

/// What is to be given back and what to be charged on top.
pub(crate) struct Settlement {
    context: Rc<Context>,
    /// The limits' places in the rule.
    refunds: SmallVec<[usize; 2]>,
    extras: SmallVec<[(usize, u64); 2]>,
}

impl Settlement {
    /// Asks the functions of the limits that were charged; `None` where nothing changes.
    pub(crate) fn of(context: &Rc<Context>, head: &ResponseHead) -> Option<Self> {
        let batch = context.batch.borrow();
        let rule = batch.rule().filter(|rule| rule.settles())?;
        let mut settlement =
            Self { context: Rc::clone(context), refunds: SmallVec::new(), extras: SmallVec::new() };
        for demand in batch.admitted() {
            let place = demand.limit();
            let limit = &rule.limits()[place];
            if limit.deduct_when.as_ref().is_some_and(|deduct_when| !deduct_when(head)) {
                settlement.refunds.push(place);
            } else if let Some(cost_after) = &limit.cost_after {
                settlement.extras.push((place, cost_after(head)));
            }
        }
        let changes =
            !settlement.refunds.is_empty() || settlement.extras.iter().any(|(_, cost)| *cost > 0);
        changes.then_some(settlement)
    }

    /// **Settle**: gives back, and charges on top.
    pub(crate) async fn settle(self) {
        // Taken out while waiting: a borrow may not live that long.
        let mut batch = self.context.batch.take();
        if let Err(error) = self.apply(&mut batch).await {
            tracing::warn!(%error, "a charge could not be settled after the response");
        }
        self.context.batch.replace(batch);
    }

    async fn apply(&self, batch: &mut Batch) -> Result<(), StorageError> {
        let limiter = self.context.worker.limiter();
        let storage = limiter.storage();
        for place in &self.refunds {
            batch.refund_one(storage, *place).await?;
        }
        for (place, cost) in &self.extras {
            let Some(rule) = batch.rule().cloned() else { continue };
            let Some(key) = batch.key_of(*place) else { continue };
            take_what_is_left(storage, &rule.limits()[*place].limit, key, *cost).await?;
        }
        if limiter.settings.headers.are_on() {
            let changed = self.refunds.iter().chain(self.extras.iter().map(|(place, _)| place));
            for place in changed {
                batch.look_again(storage, *place).await?;
            }
        }
        Ok(())
    }
}
