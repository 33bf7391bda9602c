//! A middleware and a gate that let everything through: what Actix itself takes for those that may
//! deny, and that may add headers.

use std::future::{Ready, ready};

use actix_web::{
    Error, FromRequest, HttpRequest,
    body::{EitherBody, MessageBody},
    dev::{Payload, Service, ServiceRequest, ServiceResponse, Transform, forward_ready},
    http::header::{HeaderName, HeaderValue},
};
use futures_util::future::{MapOk, TryFutureExt};

/// May answer with a body of its own, and never does. Adds three headers if told so.
pub struct EmptyMiddleware {
    pub headers: bool,
}

pub struct EmptyService<S> {
    inner: S,
    headers: bool,
}

impl<S, B> Transform<S, ServiceRequest> for EmptyMiddleware
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Transform = EmptyService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(EmptyService { inner: service, headers: self.headers }))
    }
}

impl<S, B> Service<ServiceRequest> for EmptyService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Future = MapOk<S::Future, fn(ServiceResponse<B>) -> Self::Response>;

    forward_ready!(inner);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let finish = if self.headers { with_headers } else { ServiceResponse::map_into_left_body };
        self.inner.call(request).map_ok(finish)
    }
}

/// Numbers that are texts already.
fn with_headers<B>(mut response: ServiceResponse<B>) -> ServiceResponse<EitherBody<B>> {
    let headers = response.headers_mut();
    for (name, value) in [
        ("x-ratelimit-limit", "4000000000"),
        ("x-ratelimit-remaining", "3999999999"),
        ("x-ratelimit-reset", "1700000000"),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response.map_into_left_body()
}

/// Stands in place of a handler's arguments, and keeps what they could be extracted from.
pub struct EmptyGate(HttpRequest, Payload);

impl EmptyGate {
    /// Whether the request may go on, which it may: a gate looks for what its middleware left with
    /// the request, and here is nothing.
    pub fn is_open(self) -> bool {
        let Self(request, _payload) = self;
        request.app_data::<Self>().is_none()
    }
}

impl FromRequest for EmptyGate {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        ready(Ok(Self(request.clone(), payload.take())))
    }
}
