//! Whether an inner enforcer may admit what was refused further outside.

use actix_web::HttpRequest;

use crate::{
    charge::{Batch, Refusal},
    context::{Context, Location},
    limiter::{Pardon, Settings},
};

/// Whether an inner enforcer may exist that admits what was refused.
pub(super) fn may_admit(
    context: &Context,
    request: &HttpRequest,
    location: &Location,
    refusal: &Refusal,
) -> bool {
    let limiter = context.worker().limiter();
    let settings = limiter.settings();
    let Some(needed) = needed(refusal, &context.batch(), settings) else { return false };
    let gates = location.insiders(request, limiter.gates());
    gates.may_admit(context.worker().scopes(), needed, settings)
}

/// What an inner enforcer would have to admit; `None` if none can.
fn needed(refusal: &Refusal, batch: &Batch, settings: &Settings) -> Option<Pardon> {
    let mut needed = Pardon::default();
    match refusal {
        Refusal::Breach => {
            for (limit, _) in batch.breaches() {
                needed.cover(limit.policy.origin())?;
            }
        }
        // An inner middleware may identify the client.
        Refusal::NoIdentity(by) if by.has_own_key || settings.identity.key_is_custom => {}
        Refusal::NoIdentity(by) => {
            needed.cover_missing_identity();
            needed.cover(by.origin)?;
        }
        Refusal::Storage(_) => {
            let limits = batch.rule().map_or(&[][..], |rule| rule.limits());
            for limit in limits.iter().filter(|limit| limit.is_enforced()) {
                needed.cover(limit.policy.origin())?;
            }
        }
        Refusal::InvalidLimit => {}
    }
    Some(needed)
}
