//! What stands between the limiter and the handlers: layers that take their time, and answer early.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use actix_web::{
    Error, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    error::ErrorUnauthorized,
    middleware::Next,
};
use tokio::task::yield_now;

/// What a request has in its head that [`refuse`] and its like answer.
pub(crate) const WRONG: (&str, &str) = ("x-wrong", "yes");

/// How many requests a [`work`] layer has begun to work for. It is part of the app's data.
#[derive(Clone, Debug, Default)]
pub(crate) struct Begun(Arc<AtomicUsize>);

impl Begun {
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// Takes its time, as a look into a session storage does.
pub(crate) async fn pause(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    some_turns().await;
    next.call(request).await
}

/// Takes its time, and counts for whom.
pub(crate) async fn work(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let begun = request.app_data::<Begun>().unwrap().clone();
    begun.0.fetch_add(1, Ordering::SeqCst);
    some_turns().await;
    next.call(request).await
}

/// Fails at once for [`WRONG`] requests.
pub(crate) async fn refuse(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    if is_wrong(&request) {
        return Err(ErrorUnauthorized("who are you?"));
    }
    next.call(request).await
}

/// Fails after a while for [`WRONG`] requests.
pub(crate) async fn refuse_later(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    some_turns().await;
    refuse(request, next).await
}

/// Answers [`WRONG`] requests with the status that they name, and 401 otherwise.
pub(crate) async fn answer(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if is_wrong(&request) {
        let named = request.headers().get("x-status").and_then(|status| status.to_str().ok());
        let status = named.map_or(401, |status| status.parse().unwrap());
        let response = HttpResponse::build(status.try_into().unwrap()).finish();
        return Ok(request.into_response(response));
    }
    next.call(request).await.map(ServiceResponse::map_into_boxed_body)
}

fn is_wrong(request: &ServiceRequest) -> bool {
    request.headers().contains_key(WRONG.0)
}

async fn some_turns() {
    for _ in 0..3 {
        yield_now().await;
    }
}
