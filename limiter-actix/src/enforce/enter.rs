//! The way in: what the middleware and every scope do with a request.

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
    /// What is due for a request that comes no further.
    pub(crate) plan: Rc<Plan>,
}

/// What becomes of a request in front of a layer.
pub(crate) enum Step {
    /// It goes on.
    GoOn,
    /// It is denied.
    Refuse(Refusal),
    /// Functions or the storage have to be waited for.
    Decide,
    /// It is denied, unless somebody who is inside shows first who charges here.
    AwaitNews(Refusal),
    /// It is denied, unless another request of the client comes back in time.
    Queue(Refusal),
}

/// How long a request waits for what another one shows, or for another one of its client to come
/// back.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

impl Layer {
    /// Rules 1 to 3, as far as nothing has to be waited for.
    #[inline]
    pub(crate) fn enter(
        &self,
        context: &Context,
        request: &HttpRequest,
        location: &Location,
    ) -> Step {
        if self.leaves_to_others(location) {
            if context.charged() == Charged::NotYet
                && (!self.owes(location) || self.sets_out(context, request, location))
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

    /// Rule 2: lets the request go on uncharged, if it may, and if what is due can be charged when the
    /// request is gone.
    #[inline]
    fn sets_out(&self, context: &Context, request: &HttpRequest, location: &Location) -> bool {
        if !context.is_under_way()
            && context.set_out(request, location, most_unpaid(location)).is_err()
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

    /// Puts together what is due, as long as the request is there. Whether nothing has to be waited
    /// for.
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
        // Without an identity nothing is prepared, and the request is unpaid if it leaves so.
        let _ = prepared.collect_now(limiter, request, rule, known(Some(&client)));
        context.set_prepared(prepared);
        true
    }

    /// What had to be waited for.
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
                    let client = self.stand_in(context, request, &location);
                    let decided = decide(context, request, &plan, known(client.as_ref())).await;
                    self.decided(context, request, &location, decided)
                }
                Step::AwaitNews(refusal) if has_waited => {
                    self.explore(context, request, &location, refusal)
                }
                Step::AwaitNews(_) => {
                    has_waited = true;
                    location.knowledge.news(LONGEST_WAIT).await;
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
        if location.gate().is_none() && !self.leaves_to_others(location) {
            return decide_now(context, request, &self.plan, known(None));
        }
        let plan = self.plan_here(context, request, location);
        let client = self.stand_in(context, request, location);
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
        let set_out = if self.leaves_to_others(location) {
            context.set_out(request, location, 1)
        } else if location.knowledge.is_open() || !may_admit(context, request, location, &refusal) {
            Err(NoCredit::InDebt)
        } else if self.place == Enforcer::MIDDLEWARE && location.knowledge.awaits_news() {
            return Step::AwaitNews(refusal);
        } else {
            return self.explore(context, request, location, refusal);
        };
        self.set_out(context, location, refusal, set_out)
    }

    /// A refused request goes where nobody has been.
    fn explore(
        &self,
        context: &Context,
        request: &HttpRequest,
        location: &Location,
        refusal: Refusal,
    ) -> Step {
        let set_out = context.set_out_on_probation(request, location);
        self.set_out(context, location, refusal, set_out)
    }

    fn set_out(
        &self,
        context: &Context,
        location: &Location,
        refusal: Refusal,
        set_out: Result<(), NoCredit>,
    ) -> Step {
        match set_out {
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

    /// Whether somebody further inside may charge the request.
    #[inline]
    fn leaves_to_others(&self, location: &Location) -> bool {
        location.leaves_to_others(self.place) || location.exempt == Exempt::Unmatched
    }

    /// Whether something is due for a request that comes no further.
    #[inline]
    fn owes(&self, location: &Location) -> bool {
        !self.plan.is_empty()
            || location.exempt == Exempt::Unmatched
            || location.gate().is_some_and(HandlerRecord::counts_in_front)
    }

    /// What is due for a request that comes no further: in front of a gate that is known, its limits
    /// count too.
    fn plan_here(&self, context: &Context, request: &HttpRequest, location: &Location) -> Rc<Plan> {
        let gate = location.gate();
        if gate.is_none() {
            return Rc::clone(&self.plan);
        }
        let (_, stack) = context.scopes();
        let exempt = location.exempt == Exempt::Path;
        context.worker().plan_of_endpoint(location, request.method(), exempt, stack, gate)
    }

    /// Where somebody further inside would have charged, an inner middleware may have known who the
    /// client is; for want of that its address is counted.
    fn stand_in(
        &self,
        context: &Context,
        request: &HttpRequest,
        location: &Location,
    ) -> Option<Client> {
        self.leaves_to_others(location).then(|| context.client(request).clone())
    }
}

/// All is decided, and nothing is due.
fn refuse(context: &Context, refusal: Refusal) -> Step {
    context.set_charged(Charged::Done);
    context.give_credit_back();
    Step::Refuse(refusal)
}

fn known(client: Option<&Client>) -> KnownClient<'_> {
    KnownClient {
        key: client.map(|client| &client.key),
        stand_in: client.and_then(|client| client.address.as_ref()),
        is_in_front: true,
    }
}

/// How many may be unpaid while others go on: none, where paths are exempt as long as they lead to
/// nothing.
fn most_unpaid(location: &Location) -> u8 {
    if location.exempt == Exempt::Unmatched { 1 } else { MOST_UNPAID }
}
