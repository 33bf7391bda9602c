//! Extractors: the limiter, and the limits of the current request.

use std::future::{Ready, ready};

use actix_web::{Error, FromRequest, HttpRequest, dev::Payload, error::ErrorInternalServerError};

use super::request::Context;
use crate::{
    limit::{CurrentLimit, CurrentLimits},
    limiter::Limiter,
};

impl FromRequest for CurrentLimits {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    /// Empty if the handler is not inside a limiter.
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let limits = Context::of(request).map_or_else(Vec::new, Context::current_limits);
        ready(Ok(Self::new(limits)))
    }
}

impl FromRequest for CurrentLimit {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let limit = Context::of(request).and_then(Context::current_limit);
        ready(limit.ok_or_else(|| ErrorInternalServerError("the request has no limit")))
    }
}

impl FromRequest for Limiter {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    /// The innermost limiter around the handler.
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let limiter = Context::of(request).map(|context| context.worker().limiter().clone());
        ready(
            limiter.ok_or_else(|| ErrorInternalServerError("no limiter is wrapped around the app")),
        )
    }
}
