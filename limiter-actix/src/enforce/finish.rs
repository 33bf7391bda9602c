//! The last steps of a request, however it leaves.

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

/// Accompanies a request from the middleware on: the request leaves with a response, with an error,
/// or with neither if the client hangs up or a handler panics.
pub(crate) struct Finish {
    context: Rc<Context>,
}

impl Finish {
    #[inline]
    pub(crate) fn new(context: Rc<Context>) -> Self {
        Self { context }
    }

    /// The last steps if nothing remains to be charged or given back. The answer is not moved: it
    /// is large.
    #[inline]
    pub(crate) fn is_done<B>(&self, answer: &mut InnerAnswer<B>) -> bool {
        if !self.is_paid(answer) || (self.settles() && self.settlement(answer).is_some()) {
            return false;
        }
        self.headers(answer);
        true
    }

    /// The last steps if [`is_done`](Self::is_done) returns `false`.
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
            // Taken out during the `await`: a borrow must not last that long.
            let mut batch = context.take_batch();
            settlement.settle(context.worker().limiter(), &mut batch).await;
            context.set_batch(batch);
        }
        self.headers(&mut answer);
        answer.map(admitted)
    }

    /// Whether all charges that are due have been made, as far as is known without waiting.
    #[inline]
    fn is_paid<B>(&self, answer: &InnerAnswer<B>) -> bool {
        let context = &self.context;
        let charged = context.charged();
        let Some(location) = context.known_location() else { return true };
        if let (Ok(response), false) = (answer, charged == Charged::Done)
            && is_success(response.response().head())
        {
            self.mark_open(response, &location);
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

    /// Whether a request reached the endpoint that it seemed to be for.
    #[inline]
    fn is_expected<B>(&self, response: &ServiceResponse<B>, location: &Location) -> bool {
        let worker = self.context.worker();
        let counts = worker.limiter().settings().limits.count_unmatched
            || !response.status().is_client_error();
        counts && worker.routed_elsewhere(response.request(), location).is_none()
    }

    /// Records that a request was served without a gate: by a handler, not by a middleware that,
    /// for example, redirects to a login page.
    #[inline]
    fn mark_open<B>(&self, response: &ServiceResponse<B>, location: &Location) {
        if location.knowledge.is_open() {
            return;
        }
        if !is_routed(response.request()) && !location.matches_nothing() {
            return;
        }
        match self.context.worker().routed_elsewhere(response.request(), location) {
            Some(endpoint) => endpoint.knowledge.mark_open(),
            None => location.knowledge.mark_open(),
        }
    }

    /// Makes the charges that are due. Also returns whether no handler served the request.
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

    /// The denial for a request that continued on probation, if no handler was found that admits
    /// it.
    fn deny<B>(
        &self,
        response: ServiceResponse<B>,
        refusal: &Refusal,
    ) -> ServiceResponse<EitherBody<B>> {
        let (request, _) = response.into_parts();
        let denial = deny::denial(&self.context, &request, refusal);
        ServiceResponse::new(request, denial.map_into_right_body())
    }

    /// Whether the response may change the charges.
    #[inline(always)]
    fn settles(&self) -> bool {
        self.context.batch().rule().is_some_and(|rule| rule.settles())
    }

    /// How the response changes the charges.
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
                // An outer layer turns the error into a response; the fields are added to it then.
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

/// The client hung up, or a handler panicked.
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
        // A pending decision completes and charges it, or it was denied.
        return context.give_credit_back();
    }
    let context = Rc::clone(context);
    let worker = Rc::clone(context.worker());
    worker.leftovers().finish(Box::pin(async move {
        let leaving = Leaving { context: &context, location, request: None, head: None };
        // There is no client any more to answer.
        let _ = leaving.pay().await;
    }));
}

/// Wraps the response of the inner service: like [`ServiceResponse::map_into_left_body`], which
/// moves the response once more.
#[inline(always)]
pub(crate) fn admitted<B>(response: ServiceResponse<B>) -> ServiceResponse<EitherBody<B>> {
    let (request, response) = response.into_parts();
    ServiceResponse::new(request, response.map_into_left_body())
}
