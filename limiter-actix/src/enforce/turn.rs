//! One turn of the middleware or of a scope: the request goes on, is denied, or waits.

use std::rc::Rc;

use actix_web::{
    Error,
    body::{EitherBody, MessageBody},
    dev::{Service, ServiceRequest, ServiceResponse},
};

use super::{
    deny,
    enter::{Layer, Step},
    finish::Finish,
    future::RateLimitFuture,
};
use crate::{
    charge::Refusal,
    context::{Context, Location},
    limiter::Enforcer,
};

/// Takes the turn of a layer.
#[inline]
pub(super) fn take_turn<S, B>(
    inner: &Rc<S>,
    request: ServiceRequest,
    context: Rc<Context>,
    layer: Layer,
    location: &Location,
) -> RateLimitFuture<S, B>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    match layer.enter(&context, request.request(), location) {
        Step::GoOn => go_on(&**inner, request, finish(&context, layer.place)),
        Step::Refuse(refusal) => {
            RateLimitFuture::denied(deny(request, &context, layer.place, &refusal))
        }
        step @ (Step::Decide | Step::AwaitExplorers(_) | Step::Queue(_)) => {
            RateLimitFuture::waiting(wait(Rc::clone(inner), request, context, layer, step))
        }
    }
}

/// The request goes on to the inner service.
#[inline]
pub(super) fn go_on<S, B>(
    inner: &S,
    request: ServiceRequest,
    finish: Option<Finish>,
) -> RateLimitFuture<S, B>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
{
    // `finish` was made before the call: the inner service may panic before there is a future.
    RateLimitFuture::inner(inner.call(request), finish)
}

/// What is left to do when the request comes out again: that is for the middleware to do.
#[inline]
fn finish(context: &Rc<Context>, place: Enforcer) -> Option<Finish> {
    (place == Enforcer::MIDDLEWARE).then(|| Finish::new(Rc::clone(context)))
}

/// The turn of a request whose storage or functions have to be waited for.
async fn wait<S, B>(
    inner: Rc<S>,
    request: ServiceRequest,
    context: Rc<Context>,
    mut layer: Layer,
    step: Step,
) -> Result<ServiceResponse<EitherBody<B>>, Error>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    // Made first: the client may hang up while something is waited for.
    let finish = finish(&context, layer.place);
    match layer.wait(&context, request.request(), step).await {
        Ok(()) => go_on::<S, B>(&inner, request, finish).await,
        Err(refusal) => Ok(deny(request, &context, layer.place, &refusal)),
    }
}

/// **Deny**: answers a refused request. What is due for it is decided. The headers of an answer that
/// a scope gives are written by the middleware.
fn deny<B>(
    request: ServiceRequest,
    context: &Context,
    place: Enforcer,
    refusal: &Refusal,
) -> ServiceResponse<EitherBody<B>> {
    let response = match place == Enforcer::MIDDLEWARE {
        true => deny::denial(context, request.request(), refusal),
        false => deny::without_headers(context, request.request(), refusal),
    };
    request.into_response(response.map_into_right_body())
}
