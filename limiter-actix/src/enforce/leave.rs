//! The way out: a request that leaves uncharged is charged what is due.

use std::{rc::Rc, time::Duration};

use actix_web::{HttpRequest, dev::ResponseHead, http::StatusCode};
use futures_util::future::join;
use limiter_core::Verb;

use super::{
    decide::{give_back, set_aside},
    deny,
    unstoppable::Unstoppable,
};
use crate::{
    charge::{Batch, KnownClient, Refusal},
    context::{Charged, Context, Endpoint, Exempt, Location, is_routed},
    declare::{HandlerRecord, ResponseFn},
    identify::LimiterKey,
    limiter::Account,
    resolve::Plan,
};

/// A request that has left, as far as it still exists: after a hang-up nothing does, after an error
/// only the answer.
pub(super) struct Leaving<'a> {
    pub(super) context: &'a Rc<Context>,
    pub(super) location: Rc<Location>,
    pub(super) request: Option<&'a HttpRequest>,
    pub(super) head: Option<&'a ResponseHead>,
}

/// The charges that are due for it.
struct Due {
    plan: Rc<Plan>,
    /// Whether it was routed to another endpoint than it seemed to be for.
    is_elsewhere: bool,
}

/// How long an unpaid request counts at least, and if it is unknown when it could be paid.
const UNPAID_FOR: Duration = Duration::from_secs(60);

impl Leaving<'_> {
    /// **Pay**: makes the charges that are due, in exchange for those that were made before.
    /// Returns the refusal if they are refused.
    pub(super) async fn pay(&self) -> Result<(), Refusal> {
        let Due { plan, is_elsewhere } = self.due();
        if self.context.charged() == Charged::Outside {
            let charged = self.context.batch().rule().map(Rc::as_ptr);
            let fits = plan.fixed().is_none_or(|rule| Some(Rc::as_ptr(rule)) == charged);
            if fits && !is_elsewhere {
                return Ok(());
            }
        }
        set_aside(self.context);
        let collected = self.collect(&plan).await;
        let paying = Paying {
            account: self.account(),
            was_under_way: self.context.is_under_way(),
            is_breach: !self.context.is_on_probation(),
        };
        // From here on, `Paying` is responsible for the credit.
        self.context.take_credit();
        self.context.set_charged(Charged::Deciding);
        let context = Rc::clone(self.context);
        Unstoppable::new(self.context, pay(context, paying, collected)).await
    }

    /// Whether no handler served the request: no resource was reached, or none accepts its method.
    pub(super) fn is_unserved(&self) -> bool {
        let Some(status) = self.head.map(|head| head.status) else { return false };
        status == StatusCode::METHOD_NOT_ALLOWED
            || (status == StatusCode::NOT_FOUND && !self.is_routed())
    }

    fn is_routed(&self) -> bool {
        self.request.is_some_and(is_routed)
    }

    /// The plan of the innermost layer that the request has entered, for the endpoint that it was
    /// routed to.
    fn due(&self) -> Due {
        let context = self.context;
        let elsewhere = self
            .request
            .and_then(|request| context.worker().routed_elsewhere(request, &self.location));
        let endpoint = elsewhere.as_deref().unwrap_or(&self.location);
        let is_exempt = match self.location.exempt {
            Exempt::Path => true,
            Exempt::Unmatched if self.request.is_some() && elsewhere.is_none() => true,
            Exempt::Unmatched | Exempt::No => {
                let counts = context.worker().limiter().settings().limits.count_unmatched;
                !counts && self.is_unserved() && !endpoint.knowledge.has_a_gate()
            }
        };
        let (_, stack) = context.scopes();
        let gate = self.gate(endpoint);
        let method = self.request.map_or(endpoint.method(), |request| request.method());
        let plan = context.worker().plan_of_endpoint(endpoint, method, is_exempt, stack, gate);
        Due { plan, is_elsewhere: elsewhere.is_some() }
    }

    /// The gate whose handler's limits count the request although it was answered in front of the
    /// gate.
    fn gate(&self, endpoint: &Endpoint) -> Option<&'static HandlerRecord> {
        let gate = endpoint.gate()?;
        let is_early = self.head.is_none_or(|head| !is_success(head) && !self.is_unserved());
        // A response of the resource may come from another handler.
        let is_in_front = !self.is_routed() || !endpoint.knowledge.is_open();
        let is_not_found = self.head.is_some_and(|head| head.status == StatusCode::NOT_FOUND);
        (is_early && is_in_front && !is_not_found).then_some(gate)
    }

    /// The account to give the credit back to, or to record the debt in.
    fn account(&self) -> Option<Account> {
        let context = self.context;
        let account = |request| context.account(request, &self.location);
        context.credit().or_else(|| self.request.map(account))
    }

    /// The charges, without those that the answer would give back at once.
    async fn collect(&self, plan: &Plan) -> Result<Batch, Refusal> {
        let limiter = self.context.worker().limiter();
        let client = self.context.known_client().map(|client| client.clone());
        let client = client.or_else(|| Some(self.context.client(self.request?).clone()));
        let client = client.unwrap_or_default();
        let mut known = KnownClient {
            key: Some(&client.key),
            fallback_key: client.address.as_ref(),
            is_in_front: true,
        };
        let mut batch = Batch::default();
        match (self.request, plan.fixed()) {
            (Some(request), _) => {
                if let LimiterKey::Custom(_) = limiter.settings().identity.key {
                    // An inner middleware may have identified the client.
                    known.key = None;
                }
                let rule = plan.rule_for(limiter, request).await;
                batch.collect(limiter, request, rule, known).await?;
            }
            // Charges that need the request were collected while it existed.
            (None, _) if self.context.prepared().is_collected() => {
                batch = self.context.take_prepared();
            }
            (None, Some(rule)) if !rule.needs_request() => {
                batch.collect_without_request(limiter, rule, known)?;
            }
            // It continued although it was refused, or it has no identity.
            (None, _) => return Err(Refusal::InvalidLimit),
        }
        if let Some(head) = self.head {
            let gives_back = |deducts: &ResponseFn<bool>| !deducts(head);
            batch.leave_out(|limit| limit.deduct_when.as_ref().is_some_and(gives_back));
        }
        Ok(batch)
    }
}

/// The account that pays.
struct Paying {
    account: Option<Account>,
    was_under_way: bool,
    /// Whether a refusal is a breach: not if the request had been refused before.
    is_breach: bool,
}

/// Charges a batch in exchange for what was charged outside. If that is refused, the first charge
/// stays, and the request is unpaid.
async fn pay(
    context: Rc<Context>,
    paying: Paying,
    collected: Result<Batch, Refusal>,
) -> Result<(), Refusal> {
    let (paid, outside) = match collected {
        Ok(mut batch) => {
            let (outside, paid) =
                join(give_back(Rc::clone(&context)), batch.hit(context.worker().limiter())).await;
            context.set_batch(batch);
            (paid, outside)
        }
        Err(refusal) => (Err(refusal), None),
    };
    if let (Err(_), Some(mut outside)) = (&paid, outside) {
        let storage = context.worker().limiter().storage();
        if let Err(error) = outside.apply(storage, Verb::Hit).await {
            tracing::warn!(%error, "an answered request could not be charged");
        }
    }
    close(&context, &paying, paid.as_ref().err());
    paid
}

/// Gives the credit back, or keeps it until the limits that refused the charge reset.
fn close(context: &Context, paying: &Paying, refusal: Option<&Refusal>) {
    context.set_charged(Charged::Done);
    let limiter = context.worker().limiter();
    let Some(account) = paying.account else { return };
    let Some(refusal) = refusal else {
        if paying.was_under_way {
            limiter.credits().give_back(account);
        }
        return;
    };
    let now = limiter.settings().clock.coarse();
    let until = now.plus(unpaid_for(context, refusal).as_micros() as u64);
    limiter.credits().owe(account, paying.was_under_way, until);
    match refusal {
        Refusal::Breach if paying.is_breach => report(context),
        Refusal::Storage(error) => {
            tracing::warn!(%error, "an answered request could not be charged");
        }
        _ => {}
    }
}

/// Counts the breach of a request that was answered already.
fn report(context: &Context) {
    let breached = deny::breached(context);
    let location = context.known_location();
    let endpoint = location.as_ref().map_or("", |location| &*location.name);
    for limit in &breached {
        let (policy, quota) = (limit.name(), limit.quota());
        tracing::info!(policy, %quota, endpoint, "limit exceeded by an answered request");
    }
    deny::count_breaches(context, &breached);
}

/// As long as the slowest of the limits remembers a charge. A refused batch charges no limit, so
/// the limit that refuses now may differ from the one that would count.
fn unpaid_for(context: &Context, refusal: &Refusal) -> Duration {
    match refusal {
        Refusal::Breach => context.batch().memory().max(UNPAID_FOR),
        Refusal::NoIdentity(_) | Refusal::InvalidLimit | Refusal::Storage(_) => UNPAID_FOR,
    }
}

pub(super) fn is_success(head: &ResponseHead) -> bool {
    head.status.is_success() || head.status.is_redirection()
}
