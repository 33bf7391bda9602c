//! The gate around a decorated handler's arguments.

use std::{
    fmt,
    future::{Ready, ready},
};

use actix_web::{Error, FromRequest, HttpRequest, HttpResponse, dev::Payload};

use crate::{breach, charge, context::Context, record::HandlerRecord};

/// Stands in place of a decorated handler's arguments `A`, and lets the request through to their
/// extraction only once the limits admit it: a denied request has not had its body read.
///
/// You meet it in one place: code that calls a decorated handler directly, such as a unit test,
/// wraps the arguments with [`Gate::for_test`], and gets an [`Either`](actix_web::Either) of the
/// handler's answer and a denial.
///
/// ```
/// use actix_web::{web, Either};
/// use limiter_actix::{limit, Gate};
///
/// #[limit("10/minute")]
/// async fn double(number: web::Path<u32>) -> String {
///     (*number * 2).to_string()
/// }
///
/// # #[actix_web::main]
/// # async fn main() {
/// let answer = double(Gate::for_test((web::Path::from(21),))).await;
/// assert!(matches!(answer, Either::Left(text) if text == "42"));
/// # }
/// ```
pub struct Gate<A>(Arguments<A>);

enum Arguments<A> {
    /// Still to be extracted.
    Request { request: HttpRequest, payload: Payload },
    /// Handed over by a test.
    Ready(A),
}

impl<A> Gate<A> {
    /// A gate that is open: the handler runs with these arguments, and nothing is charged.
    pub fn for_test(arguments: A) -> Self {
        Self(Arguments::Ready(arguments))
    }
}

impl<A: FromRequest> Gate<A> {
    /// Not public API. Used by generated code.
    #[doc(hidden)]
    pub async fn admit(self, record: &'static HandlerRecord) -> Result<A, HttpResponse> {
        let (request, mut payload) = match self.0 {
            Arguments::Ready(arguments) => return Ok(arguments),
            Arguments::Request { request, payload } => (request, payload),
        };
        pass(&request, record).await?;
        A::from_request(&request, &mut payload)
            .await
            .map_err(|error| HttpResponse::from_error(error.into()))
    }
}

impl<A> FromRequest for Gate<A> {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    #[inline]
    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        ready(Ok(Self(Arguments::Request { request, payload })))
    }
}

impl<A> fmt::Debug for Gate<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").finish_non_exhaustive()
    }
}

/// Decides whether the request may reach the handler.
async fn pass(request: &HttpRequest, record: &'static HandlerRecord) -> Result<(), HttpResponse> {
    let Some(context) = Context::of(request) else {
        return Err(breach::no_middleware(record));
    };
    context.enter_gate(record);
    let worker = &context.worker;
    let limiter = worker.limiter();
    if !limiter.settings.enabled {
        return Ok(());
    }
    // What the middleware charged, because it did not know this handler, is charged anew below
    // with everything else, as one batch.
    charge::refund(context).await;
    let rule = worker.rule(record, request.method(), context.exempt_path.get());
    let known = context.entry_key.take().filter(|_| limiter.settings.key_is_stable);
    charge::decide(context, request, &rule, known)
        .await
        .map_err(|refusal| breach::response(context, &refusal, record.handler()))
}
