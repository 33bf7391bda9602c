//! What runs for every request: the steps of the crate documentation.

use std::{cell::RefCell, fmt, rc::Rc};

use actix_web::{
    Error,
    body::{EitherBody, MessageBody},
    dev::{Service, ServiceRequest, ServiceResponse, forward_ready},
};

use super::future::{Finish, RateLimitFuture};
use crate::{
    access::Verdict,
    answer,
    charge::{self, Refusal},
    context::{Context, Enforcer, Pool, Worker},
    endpoint::{self, Endpoint, Endpoints, Seen},
    limiter::{Inner, Limiter},
};

/// The service that [`RateLimit`](super::RateLimit) puts around another one, once per worker.
pub struct RateLimitService<S> {
    inner: Rc<S>,
    worker: Rc<Worker>,
    contexts: Pool,
    endpoints: RefCell<Endpoints>,
}

/// What to do with a request once its charges are known.
enum Next {
    /// Charged, or nothing to charge: the request goes on.
    Proceed,
    /// Refused.
    Refuse(Refusal),
    /// The storage has to be waited for.
    Wait,
}

impl<S> RateLimitService<S> {
    pub(super) fn new(service: S, limiter: Limiter) -> Self {
        Self {
            inner: Rc::new(service),
            worker: Rc::new(Worker::new(limiter)),
            contexts: Pool::new(),
            endpoints: RefCell::new(Endpoints::new()),
        }
    }

    /// **Context**: the place where middleware and gate of this request meet.
    #[inline]
    fn context(&self, request: &mut ServiceRequest) -> Rc<Context> {
        let (context, container) = self.contexts.take(&self.worker);
        request.add_data_container(container);
        context
    }

    /// **Endpoint**: which method and path pattern the request seems to be for.
    #[inline]
    fn endpoint(&self, request: &ServiceRequest) -> Rc<Endpoint> {
        self.endpoints.borrow_mut().of(request, self.worker.limiter())
    }

    /// **Exemptions**: what a filter or a list says before anything is counted.
    #[inline]
    fn verdict(&self, request: &ServiceRequest) -> Verdict {
        let limiter = self.worker.limiter();
        if !limiter.is_enabled() {
            return Verdict::LetThrough;
        }
        limiter.settings.access.verdict(limiter, request.request())
    }

    /// **Resolve rules, charges, evaluate**, for a request that nobody further inside is known to
    /// charge.
    #[inline]
    fn charge(
        &self,
        request: &ServiceRequest,
        context: &Context,
        endpoint: &Endpoint,
        seen: Seen,
    ) -> Next {
        let limiter = self.worker.limiter();
        if endpoint.plan.is_empty() {
            return Next::Proceed;
        }
        if seen.leaves_to_others(Enforcer::MIDDLEWARE) {
            // They will charge, unless an inner middleware answers: then the client still has to
            // be told, when the request is gone.
            let key = charge::limiter_key(limiter, request.request());
            *context.entry_key.borrow_mut() = Some(key);
            return Next::Proceed;
        }
        match charge::decide_now(context, request.request(), &endpoint.plan, None) {
            Some(Ok(())) => Next::Proceed,
            Some(Err(refusal)) => Next::Refuse(refusal),
            None => Next::Wait,
        }
    }
}

impl<S, B> Service<ServiceRequest> for RateLimitService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Future = RateLimitFuture<S, B>;

    forward_ready!(inner);

    #[inline]
    fn call(&self, mut request: ServiceRequest) -> Self::Future {
        let context = self.context(&mut request);
        match self.verdict(&request) {
            Verdict::Limit => {}
            Verdict::LetThrough => {
                context.let_through.set(true);
                return RateLimitFuture::inner(self.inner.call(request), None);
            }
            Verdict::Deny => {
                let response = answer::forbidden("the client is not admitted");
                let response = request.into_response(response.map_into_right_body());
                return RateLimitFuture::denied(response);
            }
        }
        let endpoint = self.endpoint(&request);
        *context.endpoint.borrow_mut() = Some(Rc::clone(&endpoint));
        let seen = endpoint.knowledge.seen();
        if endpoint.exempt {
            context.exempt_path.set(true);
            let finish = Finish::new(context, seen);
            return RateLimitFuture::inner(self.inner.call(request), Some(finish));
        }
        match self.charge(&request, &context, &endpoint, seen) {
            Next::Proceed => {
                let finish = Finish::new(context, seen);
                RateLimitFuture::inner(self.inner.call(request), Some(finish))
            }
            Next::Refuse(refusal) => match deny(request, &context, seen, &refusal) {
                Ok(response) => RateLimitFuture::denied(response),
                Err(request) => {
                    let finish = Finish::new(context, seen);
                    RateLimitFuture::inner(self.inner.call(request), Some(finish))
                }
            },
            Next::Wait => {
                let inner = Rc::clone(&self.inner);
                RateLimitFuture::waiting(wait(inner, request, context, endpoint, seen))
            }
        }
    }
}

/// The way of a request whose storage or functions have to be waited for.
async fn wait<S, B>(
    inner: Rc<S>,
    request: ServiceRequest,
    context: Rc<Context>,
    endpoint: Rc<Endpoint>,
    seen: Seen,
) -> Result<ServiceResponse<EitherBody<B>>, Error>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    let request = match charge::decide(&context, request.request(), &endpoint.plan).await {
        Ok(()) => request,
        Err(refusal) => match deny(request, &context, seen, &refusal) {
            Ok(response) => return Ok(response),
            Err(request) => request,
        },
    };
    let finish = Finish::new(context, seen);
    RateLimitFuture::<S, B>::inner(inner.call(request), Some(finish)).await
}

/// **Deny**: answers a refused request; gives it back where it must go on all the same.
fn deny<B>(
    request: ServiceRequest,
    context: &Context,
    seen: Seen,
    refusal: &Refusal,
) -> Result<ServiceResponse<EitherBody<B>>, ServiceRequest> {
    let limiter: &Inner = context.worker.limiter();
    if endpoint::goes_on(&request, context, seen) {
        return Err(request);
    }
    let mut response = answer::response(context, request.request(), refusal, request.path());
    limiter.settings.headers.write(&context.batch.borrow(), response.headers_mut());
    Ok(request.into_response(response.map_into_right_body()))
}

impl<S> fmt::Debug for RateLimitService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimitService").finish_non_exhaustive()
    }
}
