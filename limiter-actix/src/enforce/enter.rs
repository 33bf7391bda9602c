//! The way in: how the middleware and every scope handle a request.

use std::{rc::Rc, time::Duration};

use actix_web::HttpRequest;

use super::{
    decide::{decide, decide_now},
    pardon::may_admit,
};
use crate::{
    charge::{KnownClient, Refusal},
    context::{Charged, Client, Context, Exempt, Location},
    declare::HandlerRecord,
    limiter::{Enforcer, MOST_UNPAID, NoCredit},
    resolve::Plan,
};

/// The middleware, or a scope.
pub(crate) struct Layer {
    pub(crate) place: Enforcer,
    /// The charges that are due if the request gets no further.
    pub(crate) plan: Rc<Plan>,
}

/// What happens to a request at a layer.
pub(crate) enum Step {
    /// It continues inwards.
    GoOn,
    /// It is denied.
    Refuse(Refusal),
    /// Functions or the storage have to be awaited.
    Decide,
    /// It is denied, unless a request that explores the endpoint first shows which enforcer charges
    /// here.
    AwaitExplorers(Refusal),
    /// It is denied, unless another request of the client leaves in time.
    Queue(Refusal),
}

/// How long a request waits for an exploring request, or for another request of its client to
/// leave.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

impl Layer {
    /// Rules 1 to 3, as far as nothing has to be awaited.
    #[inline]
    pub(crate) fn enter(
        &self,
        context: &Context,
        request: &HttpRequest,
        location: &Location,
    ) -> Step {
        if self.is_left_to_inner(location) {
            if context.charged() == Charged::NotYet
                && (!self.owes(location) || self.defers_charge(context, request, location))
            {
                return Step::GoOn;
            }
        } else if !self.owes(location) && context.charged() == Charged::NotYet {
            return Step::GoOn;
        }
        match self.decide_now(context, request, location) {
            Some(decided) => self.decided(context, request, location, decided),
            None => Step::Decide,
        }
    }

    /// Rule 2: lets the request continue uncharged, if the client has credit, and if the charges
    /// that are due can be determined after the request is gone.
    #[inline]
    fn defers_charge(&self, context: &Context, request: &HttpRequest, location: &Location) -> bool {
        if !context.is_under_way()
            && context.defer_charge(request, location, most_unpaid(location)).is_err()
        {
            return false;
        }
        let gate = location.gate();
        let needs_request =
            self.plan.needs_request() || gate.is_some_and(HandlerRecord::needs_request_in_front);
        if !needs_request || self.prepare(context, request, location) {
            return true;
        }
        context.give_credit_back();
        false
    }

    /// Collects the charges that are due, while the request exists. Returns whether that was
    /// possible without waiting.
    #[cold]
    fn prepare(&self, context: &Context, request: &HttpRequest, location: &Location) -> bool {
        let limiter = context.worker().limiter();
        let plan = self.plan_here(context, request, location);
        let Some(rule) = plan.rule_now(limiter, request).filter(|rule| rule.is_immediate()) else {
            return false;
        };
        let client = context.client(request).clone();
        let mut prepared = context.take_prepared();
        prepared.clear();
        // Without an identity nothing is collected, and the request is unpaid if it leaves
        // uncharged.
        let _ = prepared.collect_now(limiter, request, rule, known(Some(&client)));
        context.set_prepared(prepared);
        true
    }

    /// The steps that have to be awaited.
    pub(crate) async fn wait(
        &mut self,
        context: &Rc<Context>,
        request: &HttpRequest,
        mut step: Step,
    ) -> Result<(), Refusal> {
        let mut location = context.location(request);
        let mut has_waited = false;
        loop {
            step = match step {
                Step::GoOn => return Ok(()),
                Step::Refuse(refusal) => return Err(refusal),
                Step::Decide => {
                    let plan = self.plan_here(context, request, &location);
                    let client = self.fallback_client(context, request, &location);
                    let decided = decide(context, request, &plan, known(client.as_ref())).await;
                    self.decided(context, request, &location, decided)
                }
                Step::AwaitExplorers(refusal) if has_waited => {
                    self.explore(context, request, &location, refusal)
                }
                Step::AwaitExplorers(_) => {
                    has_waited = true;
                    location.knowledge.wait_for_explorers(LONGEST_WAIT).await;
                    context.forget_location();
                    context.batch_mut().clear();
                    location = context.location(request);
                    self.plan = Rc::clone(&location.plan);
                    self.enter(context, request, &location)
                }
                Step::Queue(refusal) => {
                    if context.wait_for_credit(request, &location, LONGEST_WAIT).await {
                        context.batch_mut().clear();
                        Step::GoOn
                    } else {
                        refuse(context, refusal)
                    }
                }
            }
        }
    }

    #[inline]
    fn decide_now(
        &self,
        context: &Context,
        request: &HttpRequest,
        location: &Location,
    ) -> Option<Result<(), Refusal>> {
        if location.gate().is_none() && !self.is_left_to_inner(location) {
            return decide_now(context, request, &self.plan, known(None));
        }
        let plan = self.plan_here(context, request, location);
        let client = self.fallback_client(context, request, location);
        decide_now(context, request, &plan, known(client.as_ref()))
    }

    #[inline]
    fn decided(
        &self,
        context: &Context,
        request: &HttpRequest,
        location: &Location,
        decided: Result<(), Refusal>,
    ) -> Step {
        match decided {
            Ok(()) => {
                context.set_charged(Charged::Outside);
                context.give_credit_back();
                self.go_on(context, location)
            }
            Err(refusal) => {
                context.set_charged(Charged::NotYet);
                self.refused(context, request, location, refusal)
            }
        }
    }

    #[cold]
    fn refused(
        &self,
        context: &Context,
        request: &HttpRequest,
        location: &Location,
        refusal: Refusal,
    ) -> Step {
        let deferred = if self.is_left_to_inner(location) {
            context.defer_charge(request, location, 1)
        } else if location.knowledge.is_open() || !may_admit(context, request, location, &refusal) {
            Err(NoCredit::InDebt)
        } else if self.place == Enforcer::MIDDLEWARE && location.knowledge.has_explorers() {
            return Step::AwaitExplorers(refusal);
        } else {
            return self.explore(context, request, location, refusal);
        };
        self.go_on_if_deferred(context, location, refusal, deferred)
    }

    /// A refused request explores the endpoint.
    fn explore(
        &self,
        context: &Context,
        request: &HttpRequest,
        location: &Location,
        refusal: Refusal,
    ) -> Step {
        let deferred = context.defer_charge_on_probation(request, location);
        self.go_on_if_deferred(context, location, refusal, deferred)
    }

    fn go_on_if_deferred(
        &self,
        context: &Context,
        location: &Location,
        refusal: Refusal,
        deferred: Result<(), NoCredit>,
    ) -> Step {
        match deferred {
            Ok(()) => {
                context.batch_mut().clear();
                self.go_on(context, location)
            }
            Err(NoCredit::Busy) => Step::Queue(refusal),
            Err(NoCredit::InDebt) => refuse(context, refusal),
        }
    }

    #[inline]
    fn go_on(&self, context: &Context, location: &Location) -> Step {
        if location.is_uncertain() {
            context.explore(location);
        }
        Step::GoOn
    }

    /// Whether an inner enforcer may charge the request.
    #[inline]
    fn is_left_to_inner(&self, location: &Location) -> bool {
        location.is_left_to_inner(self.place) || location.exempt == Exempt::Unmatched
    }

    /// Whether charges are due if the request gets no further.
    #[inline]
    fn owes(&self, location: &Location) -> bool {
        !self.plan.is_empty()
            || location.exempt == Exempt::Unmatched
            || location.gate().is_some_and(HandlerRecord::counts_in_front)
    }

    /// The charges that are due if the request gets no further: in front of a known gate, the
    /// limits of its handler count too.
    fn plan_here(&self, context: &Context, request: &HttpRequest, location: &Location) -> Rc<Plan> {
        let gate = location.gate();
        if gate.is_none() {
            return Rc::clone(&self.plan);
        }
        let (_, stack) = context.scopes();
        let exempt = location.exempt == Exempt::Path;
        context.worker().plan_of_endpoint(location, request.method(), exempt, stack, gate)
    }

    /// If an inner enforcer could have charged the request, an inner middleware may have identified
    /// the client; otherwise its address is counted.
    fn fallback_client(
        &self,
        context: &Context,
        request: &HttpRequest,
        location: &Location,
    ) -> Option<Client> {
        self.is_left_to_inner(location).then(|| context.client(request).clone())
    }
}

/// The decision is final, and no charges are due.
fn refuse(context: &Context, refusal: Refusal) -> Step {
    context.set_charged(Charged::Done);
    context.give_credit_back();
    Step::Refuse(refusal)
}

fn known(client: Option<&Client>) -> KnownClient<'_> {
    KnownClient {
        key: client.map(|client| &client.key),
        fallback_key: client.and_then(|client| client.address.as_ref()),
        is_in_front: true,
    }
}

/// How many unpaid requests are accepted while others continue: none if the endpoint is exempt only
/// as long as its path matches nothing.
fn most_unpaid(location: &Location) -> u8 {
    if location.exempt == Exempt::Unmatched { 1 } else { MOST_UNPAID }
}
