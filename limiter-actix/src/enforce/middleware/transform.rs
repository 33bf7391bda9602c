//! The middleware that users wrap.

use std::{
    fmt,
    future::{Ready, ready},
};

use actix_web::{
    Error,
    body::{EitherBody, MessageBody},
    dev::{Service, ServiceRequest, ServiceResponse, Transform},
};

use super::service::RateLimitService;
use crate::limiter::Limiter;

/// The middleware of a [`Limiter`], for `App::wrap`, `Scope::wrap` or `Resource::wrap`.
///
/// ```
/// use actix_web::App;
/// use limiter_actix::{Headers, Limiter};
///
/// # #[actix_web::main]
/// # async fn main() -> Result<(), limiter_actix::BuildError> {
/// // Defaults: only the limits that handlers declare.
/// let limiter = Limiter::builder().build().await?;
/// let app = App::new().wrap(limiter.middleware());
///
/// // Limits for all endpoints, and headers that report them.
/// let limiter = Limiter::builder()
///     .default_limits(["100/minute"])
///     .application_limits(["1000/hour"])
///     .headers(Headers::all())
///     .build()
///     .await?;
/// let app = App::new().wrap(limiter.middleware());
/// # Ok(())
/// # }
/// ```
///
/// Middleware that is wrapped after it is outside of it: CORS, a logger and compression there still
/// run for denied requests, because a denial is a response and not an error. Middleware that
/// rewrites paths, such as `NormalizePath`, should be outside too: inside, the limiter would count
/// the path as written, not as served.
#[derive(Clone)]
pub struct RateLimit {
    limiter: Limiter,
}

impl RateLimit {
    pub(crate) fn new(limiter: Limiter) -> Self {
        Self { limiter }
    }
}

impl fmt::Debug for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimit").field("limiter", &self.limiter).finish()
    }
}

impl<S, B> Transform<S, ServiceRequest> for RateLimit
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type InitError = ();
    type Transform = RateLimitService<S>;
    type Future = Ready<Result<Self::Transform, Self::InitError>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(RateLimitService::new(service, self.limiter.clone())))
    }
}

impl Limiter {
    /// The middleware for `App::wrap`, `Scope::wrap` or `Resource::wrap`.
    pub fn middleware(&self) -> RateLimit {
        RateLimit::new(self.clone())
    }
}
