//! **Charges** and **evaluate**: one batch replaces what was charged further outside.

use std::rc::Rc;

use actix_web::HttpRequest;
use futures_util::future::join;
use limiter_core::Verb;

use super::unstoppable::Unstoppable;
use crate::{
    charge::{Batch, KnownClient, Refusal},
    context::{Charged, Context},
    resolve::Plan,
};

/// Decides if nothing has to be awaited. `None` otherwise: then nothing is charged yet, and
/// [`decide`] continues.
#[inline]
pub(crate) fn decide_now(
    context: &Context,
    request: &HttpRequest,
    plan: &Plan,
    client: KnownClient<'_>,
) -> Option<Result<(), Refusal>> {
    let limiter = context.worker().limiter();
    let rule = plan.rule_now(limiter, request)?;
    if !rule.is_immediate() {
        return None;
    }
    set_aside(context);
    let batch = &mut *context.batch_mut();
    if let Err(refusal) = batch.collect_now(limiter, request, rule, client) {
        batch.clear();
        return give_back_now(context).then_some(Err(refusal));
    }
    exchange_now(context, batch)
}

/// Decides after [`decide_now`] could not.
pub(crate) async fn decide(
    context: &Rc<Context>,
    request: &HttpRequest,
    plan: &Plan,
    client: KnownClient<'_>,
) -> Result<(), Refusal> {
    if !context.batch().is_collected() {
        // Boxed: it is rarely needed, and would make every waiting decision large.
        let decided = Box::pin(collect(context, request, plan, client)).await;
        if let Some(decided) = decided {
            return decided;
        }
    }
    context.set_charged(Charged::Deciding);
    context.worker().leftovers().start();
    Unstoppable::new(context, exchange(Rc::clone(context))).await
}

/// Collects the batch, and decides it at once if possible.
async fn collect(
    context: &Rc<Context>,
    request: &HttpRequest,
    plan: &Plan,
    client: KnownClient<'_>,
) -> Option<Result<(), Refusal>> {
    let limiter = context.worker().limiter();
    set_aside(context);
    let rule = plan.rule_for(limiter, request).await;
    // Not collected in place: a borrow must not last during an `await`.
    let mut batch = Batch::default();
    let collected = batch.collect(limiter, request, rule, client).await;
    if let Err(refusal) = collected {
        context.set_charged(Charged::Deciding);
        Unstoppable::new(context, give_back(Rc::clone(context))).await;
        return Some(Err(refusal));
    }
    let decided = exchange_now(context, &mut batch);
    context.set_batch(batch);
    decided
}

/// Sets aside what was charged further outside, to make room for another batch. It stays charged
/// until that batch is decided.
#[inline(always)]
pub(super) fn set_aside(context: &Context) {
    if context.charged() == Charged::Outside && context.outside().is_none() {
        let outside = context.take_batch();
        context.set_outside(Some(Box::new(outside)));
    }
}

/// Gives back what was set aside, and charges the batch. `None` if the storage cannot answer at
/// once; charges that were given back until then are not given back again.
#[inline]
pub(super) fn exchange_now(context: &Context, batch: &mut Batch) -> Option<Result<(), Refusal>> {
    if !give_back_now(context) {
        return None;
    }
    batch.hit_now(context.worker().limiter())
}

/// Gives back what was set aside, without waiting. Whether all of it was given back.
#[inline(always)]
fn give_back_now(context: &Context) -> bool {
    context.outside().is_none() || give_back_outside(context)
}

fn give_back_outside(context: &Context) -> bool {
    let outside = &mut *context.outside_mut();
    let Some(batch) = outside else { return true };
    let storage = context.worker().limiter().storage();
    let done = batch.apply_now(storage, Verb::Refund).is_some();
    if done {
        *outside = None;
    }
    done
}

/// The same, awaiting the storage. Both are sent together: a storage handles requests in their
/// order.
pub(super) async fn exchange(context: Rc<Context>) -> Result<(), Refusal> {
    // Taken out during the `await`: a borrow must not last that long.
    let mut batch = context.take_batch();
    let (_, decided) =
        join(give_back(Rc::clone(&context)), batch.hit(context.worker().limiter())).await;
    context.set_batch(batch);
    decided
}

/// Gives back what was set aside; returns it, without receipts.
pub(super) async fn give_back(context: Rc<Context>) -> Option<Box<Batch>> {
    let mut outside = context.take_outside()?;
    let storage = context.worker().limiter().storage();
    if let Err(error) = outside.apply(storage, Verb::Refund).await {
        tracing::warn!(%error, "a charge could not be given back");
    }
    Some(outside)
}
