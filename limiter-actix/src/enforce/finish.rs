//! What is left to do when a request comes out again, however it does.

use std::rc::Rc;

use actix_web::{
    Error, HttpResponse,
    body::{EitherBody, MessageBody},
    dev::{ResponseHead, ServiceResponse},
};

use super::{
    deny,
    leave::{Leaving, is_success},
};
use crate::{
    charge::{Refusal, Settlement},
    context::{Charged, Context, Exempt, Location, is_routed},
};

pub(crate) type Answer<B> = Result<ServiceResponse<EitherBody<B>>, Error>;

pub(crate) type InnerAnswer<B> = Result<ServiceResponse<B>, Error>;

/// Stays with a request from the middleware on: it leaves with an answer, an error, or without
/// either where the client hangs up or a handler panics.
pub(crate) struct Finish {
    context: Rc<Context>,
}

impl Finish {
    #[inline]
    pub(crate) fn new(context: Rc<Context>) -> Self {
        Self { context }
    }

    /// The last steps, where nothing is to be charged or given back any more. The answer stays
    /// where it is: it is large, and moving it is not free.
    #[inline]
    pub(crate) fn is_done<B>(&self, answer: &mut InnerAnswer<B>) -> bool {
        if !self.is_paid(answer) || (self.settles() && self.settlement(answer).is_some()) {
            return false;
        }
        self.headers(answer);
        true
    }

    /// The last steps where [`is_done`](Self::is_done) returns `false`.
    pub(crate) async fn settle<B>(self, mut answer: InnerAnswer<B>) -> Answer<B>
    where
        B: MessageBody + 'static,
    {
        let was_on_probation = self.context.is_on_probation();
        let (paid, is_unserved) = self.pay(&answer).await;
        answer = match (answer, paid) {
            (Ok(response), Err(refusal)) if was_on_probation && is_unserved => {
                return Ok(self.deny(response, &refusal));
            }
            (answer, _) => answer,
        };
        if self.settles()
            && let Some(settlement) = self.settlement(&answer)
        {
            let context = &self.context;
            // Taken out while waiting: a borrow may not live that long.
            let mut batch = context.take_batch();
            settlement.settle(context.worker().limiter(), &mut batch).await;
            context.set_batch(batch);
        }
        self.headers(&mut answer);
        answer.map(admitted)
    }

    /// Whether everything is charged that is due, as far as is known without asking anybody.
    #[inline]
    fn is_paid<B>(&self, answer: &InnerAnswer<B>) -> bool {
        let context = &self.context;
        let charged = context.charged();
        let Some(location) = context.known_location() else { return true };
        if let (Ok(response), false) = (answer, charged == Charged::Done)
            && is_success(response.response().head())
        {
            self.opened(response, &location);
        }
        match charged {
            Charged::Done | Charged::Deciding => true,
            Charged::NotYet => !context.is_under_way(),
            Charged::Outside => {
                location.exempt == Exempt::No
                    && location.gate().is_none()
                    && answer.as_ref().is_ok_and(|response| self.is_expected(response, &location))
            }
        }
    }

    /// Whether a request came to where it seemed to lead.
    #[inline]
    fn is_expected<B>(&self, response: &ServiceResponse<B>, location: &Location) -> bool {
        let worker = self.context.worker();
        let counts = worker.limiter().settings().limits.count_unmatched
            || !response.status().is_client_error();
        counts && worker.routed_elsewhere(response.request(), location).is_none()
    }

    /// Remembers that somebody was served without a gate: by a handler, not by a layer around it
    /// that shows strangers the way to a login.
    #[inline]
    fn opened<B>(&self, response: &ServiceResponse<B>, location: &Location) {
        if location.knowledge.is_open() {
            return;
        }
        if !is_routed(response.request()) && !location.matches_nothing() {
            return;
        }
        match self.context.worker().routed_elsewhere(response.request(), location) {
            Some(endpoint) => endpoint.knowledge.opened(),
            None => location.knowledge.opened(),
        }
    }

    /// Charges what is due; and whether nobody served the request.
    async fn pay<B>(&self, answer: &InnerAnswer<B>) -> (Result<(), Refusal>, bool) {
        let Some(location) = self.context.known_location() else { return (Ok(()), false) };
        let is_due = match self.context.charged() {
            Charged::Outside => true,
            Charged::NotYet => self.context.is_under_way(),
            Charged::Deciding | Charged::Done => false,
        };
        if !is_due {
            return (Ok(()), false);
        }
        let of_error = answer.as_ref().err().map(Error::error_response);
        let (request, head) = match (answer, &of_error) {
            (Ok(response), _) => (Some(response.request()), Some(response.response().head())),
            (Err(_), of_error) => (None, of_error.as_ref().map(HttpResponse::head)),
        };
        let leaving = Leaving { context: &self.context, location, request, head };
        (leaving.pay().await, leaving.is_unserved())
    }

    /// The denial that a request should have been answered with, which went on to see whether
    /// somebody would admit it, and found nobody.
    fn deny<B>(
        &self,
        response: ServiceResponse<B>,
        refusal: &Refusal,
    ) -> ServiceResponse<EitherBody<B>> {
        let (request, _) = response.into_parts();
        let denial = deny::denial(&self.context, &request, refusal);
        ServiceResponse::new(request, denial.map_into_right_body())
    }

    /// Whether the response may change anything about the charges.
    #[inline(always)]
    fn settles(&self) -> bool {
        self.context.batch().rule().is_some_and(|rule| rule.settles())
    }

    /// What it changes.
    fn settlement<B>(&self, answer: &InnerAnswer<B>) -> Option<Settlement> {
        let of = |head: &ResponseHead| Settlement::of(&self.context.batch(), head);
        match answer {
            Ok(response) => of(response.response().head()),
            Err(error) => of(error.error_response().head()),
        }
    }

    #[inline(always)]
    fn headers<B>(&self, answer: &mut InnerAnswer<B>) {
        if self.context.worker().limiter().settings().answers.headers.is_enabled() {
            self.write_headers(answer);
        }
    }

    fn write_headers<B>(&self, answer: &mut InnerAnswer<B>) {
        let batch = &mut *self.context.batch_mut();
        let limiter = self.context.worker().limiter();
        batch.refresh(limiter);
        let headers = &limiter.settings().answers.headers;
        match answer {
            Ok(response) => headers.write(batch, response.headers_mut()),
            Err(error) => {
                // The error becomes a response further out; the fields are written then.
                let (fields, worker) = (headers.fields(batch), Rc::clone(self.context.worker()));
                error.add_response_mapper(move |mut response: HttpResponse| {
                    let headers = &worker.limiter().settings().answers.headers;
                    headers.write_fields(&fields, response.headers_mut());
                    response
                });
            }
        }
    }
}

/// A hang-up, or a panic.
impl Drop for Finish {
    #[inline]
    fn drop(&mut self) {
        self.context.has_explored();
        if self.context.is_under_way() {
            leave_without_answer(&self.context);
        }
    }
}

#[cold]
fn leave_without_answer(context: &Rc<Context>) {
    let Some(location) = context.known_location() else { return };
    if context.charged() != Charged::NotYet {
        // Whoever decides charges it, or has denied it.
        return context.give_credit_back();
    }
    let context = Rc::clone(context);
    let worker = Rc::clone(context.worker());
    worker.leftovers().finish(Box::pin(async move {
        let leaving = Leaving { context: &context, location, request: None, head: None };
        // Nobody is left to answer.
        let _ = leaving.pay().await;
    }));
}

/// The response of the inner service as one of ours: [`ServiceResponse::map_into_left_body`], which
/// moves the response once more.
#[inline(always)]
pub(crate) fn admitted<B>(response: ServiceResponse<B>) -> ServiceResponse<EitherBody<B>> {
    let (request, response) = response.into_parts();
    ServiceResponse::new(request, response.map_into_left_body())
}
