//! What runs for every request: the steps of the crate documentation.

use std::{fmt, rc::Rc};

use actix_web::{
    Error,
    body::{EitherBody, MessageBody},
    dev::{Service, ServiceRequest, ServiceResponse, forward_ready},
};

use crate::{
    answer,
    context::{Context, Exempt, Pool, Worker},
    enforce::{
        enter::Layer,
        finish::Finish,
        future::RateLimitFuture,
        turn::{go_on, take_turn},
    },
    identify::Verdict,
    limiter::{Enforcer, Limiter},
};

/// The service that [`RateLimit`](super::RateLimit) wraps around another one, once per worker.
pub struct RateLimitService<S> {
    inner: Rc<S>,
    worker: Rc<Worker>,
    contexts: Pool,
}

impl<S> RateLimitService<S> {
    pub(super) fn new(service: S, limiter: Limiter) -> Self {
        let worker = Rc::new(Worker::new(limiter));
        // When an app starts there is a runtime, unless there will never be one.
        worker.leftovers().start();
        Self { inner: Rc::new(service), worker, contexts: Pool::new() }
    }

    /// **Context**: creates the state that the middleware, scopes and gate of this request share.
    /// `None` if the request is inside this limiter already: it counts once.
    #[inline]
    fn context(&self, request: &mut ServiceRequest) -> Option<Rc<Context>> {
        let outer = Context::shared(request.request());
        if outer.as_ref().is_some_and(|outer| outer.is_within(self.worker.limiter())) {
            return None;
        }
        let (context, container) = self.contexts.take(&self.worker);
        if let Some(outer) = &outer {
            context.stands_inside(outer);
        }
        request.add_data_container(container);
        Some(context)
    }

    /// **Exemptions**: the verdict of filters and lists, before anything is counted.
    #[inline]
    fn verdict(&self, request: &ServiceRequest) -> Verdict {
        let limiter = self.worker.limiter();
        if !limiter.is_enabled() {
            return Verdict::LetThrough;
        }
        limiter.settings().access.verdict(&limiter.settings().identity, request.request())
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
        let Some(context) = self.context(&mut request) else {
            return RateLimitFuture::inner(self.inner.call(request), None);
        };
        match self.verdict(&request) {
            Verdict::Limit => {}
            Verdict::LetThrough => {
                context.let_through();
                return RateLimitFuture::inner(self.inner.call(request), None);
            }
            Verdict::Deny => {
                let response = answer::forbidden("the client is not admitted");
                let response = request.into_response(response.map_into_right_body());
                return RateLimitFuture::denied(response);
            }
        }
        let location = context.location(request.request());
        if location.exempt == Exempt::Path {
            let finish = Finish::new(context);
            return go_on(&*self.inner, request, Some(finish));
        }
        let layer = Layer { place: Enforcer::MIDDLEWARE, plan: Rc::clone(&location.plan) };
        take_turn(&self.inner, request, context, layer, &location)
    }
}

impl<S> fmt::Debug for RateLimitService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimitService").finish_non_exhaustive()
    }
}
