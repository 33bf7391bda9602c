//! Scopes with limits of their own: the service around them.

use std::{
    fmt,
    future::{Ready, ready},
    rc::Rc,
};

use actix_web::{
    Error,
    body::{EitherBody, MessageBody},
    dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready},
};

use super::{enter::Layer, future::RateLimitFuture, turn::take_turn};
use crate::{
    answer,
    context::{Context, Exempt, Location},
    declare::{ScopeDeclaration, ScopeLimits},
    limiter::add_scope,
};

impl<S, B> Transform<S, ServiceRequest> for ScopeLimits
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type InitError = ();
    type Transform = ScopeLimitsService<S>;
    type Future = Ready<Result<Self::Transform, Self::InitError>>;

    fn new_transform(&self, service: S) -> Self::Future {
        if let Err(mistake) = self.check() {
            tracing::error!("the limits of the scope `{}`: {mistake}", self.declaration.name);
            return ready(Err(()));
        }
        let declaration = Rc::new(self.declaration.clone());
        add_scope(&declaration);
        #[cfg(feature = "cli")]
        declaration.collect();
        ready(Ok(ScopeLimitsService { inner: Rc::new(service), declaration }))
    }
}

/// The service that [`ScopeLimits`] wraps around a scope, once per worker.
pub struct ScopeLimitsService<S> {
    inner: Rc<S>,
    declaration: Rc<ScopeDeclaration>,
}

impl<S> fmt::Debug for ScopeLimitsService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopeLimitsService").field("name", &self.declaration.name).finish()
    }
}

impl<S> ScopeLimitsService<S> {
    /// The scope as a layer around this request; `None` if nothing is limited.
    fn layer(&self, request: &ServiceRequest, context: &Context) -> Option<(Layer, Rc<Location>)> {
        let (outer, stack) = context.scopes();
        let place = outer.further_inside();
        let stack = context.worker().enter_scope(stack, &self.declaration);
        context.enter_scope(place, stack);
        if context.is_let_through() {
            return None;
        }
        let location = context.location(request.request());
        location.knowledge.reached(place);
        context.has_explored();
        let exempt = location.exempt == Exempt::Path;
        let method = request.method();
        let plan = context.worker().plan_of_endpoint(&location, method, exempt, stack, None);
        Some((Layer { place, plan }, location))
    }
}

impl<S, B> Service<ServiceRequest> for ScopeLimitsService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Future = RateLimitFuture<S, B>;

    forward_ready!(inner);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let Some(context) = Context::shared(request.request()) else {
            tracing::error!(
                scope = &*self.declaration.name,
                "the scope has limits, but no limiter is wrapped around it; add \
                 `.wrap(limiter.middleware())` to the `App`; to switch it off, build it with \
                 `enabled(false)` instead of leaving it out"
            );
            let response = answer::internal_error().map_into_right_body();
            return RateLimitFuture::denied(request.into_response(response));
        };
        let Some((layer, location)) = self.layer(&request, &context) else {
            return RateLimitFuture::inner(self.inner.call(request), None);
        };
        take_turn(&self.inner, request, context, layer, &location)
    }
}
