//! **Deny**: the response to a request that is refused.

use std::{rc::Rc, time::Duration};

use actix_web::{HttpRequest, HttpResponse};
use limiter_core::Decision;

use crate::{
    answer::{self, Form, Headers},
    charge::{Batch, Penalty, Refusal},
    context::Context,
    declare::Message,
    limit::{Breach, CurrentLimit, Denial, longest_wait},
    limiter::AnswerSettings,
    resolve::RuleLimit,
};

/// The response to a request that the middleware refuses, including headers.
pub(super) fn denial(context: &Context, request: &HttpRequest, refusal: &Refusal) -> HttpResponse {
    let mut response = without_headers(context, request, refusal);
    let headers = &context.worker().limiter().settings().answers.headers;
    headers.write(&*context.batch(), response.headers_mut());
    response
}

/// The response to a request that is refused by a scope.
pub(super) fn without_headers(
    context: &Context,
    request: &HttpRequest,
    refusal: &Refusal,
) -> HttpResponse {
    let endpoint = Rc::clone(&context.located(request).name);
    response(context, request, refusal, &endpoint)
}

/// The response to a request that a limiter refuses.
pub(super) fn response(
    context: &Context,
    request: &HttpRequest,
    refusal: &Refusal,
    endpoint: &str,
) -> HttpResponse {
    match refusal {
        Refusal::Breach => too_many_requests(context, request, endpoint),
        Refusal::NoIdentity(_) => {
            tracing::info!(endpoint, "a request without identity was denied");
            answer::forbidden("the client cannot be identified")
        }
        Refusal::InvalidLimit => answer::internal_error(),
        Refusal::Storage(error) => {
            // A guarded storage has logged the failure when its circuit opened.
            tracing::debug!(%error, endpoint, "the storage could not decide; the request is denied");
            answer::unavailable()
        }
    }
}

fn too_many_requests(context: &Context, request: &HttpRequest, endpoint: &str) -> HttpResponse {
    let limiter = context.worker().limiter();
    let answers = &limiter.settings().answers;
    let breached = breached(context);
    for limit in &breached {
        tracing::info!(policy = limit.name(), quota = %limit.quota(), endpoint, "limit exceeded");
    }
    context.worker().leftovers().start();
    count_breaches(context, &breached);
    // Callbacks may read the batch, so it must not be borrowed while they run.
    let rule = context.batch().rule().cloned();
    let limits = rule.as_ref().map_or(&[][..], |rule| rule.limits());
    let wait = retry_after(&context.batch());
    let response = run_callbacks(answers, limits, request, &breached)
        .unwrap_or_else(|| quota_exceeded(limits, request, &breached));
    with_denial(response, wait, &answers.headers, breached)
}

/// Adds what every 429 has: when to come back, and the breached limits for outer layers.
pub(super) fn with_denial(
    mut response: HttpResponse,
    wait: Option<Duration>,
    headers: &Headers,
    breached: Vec<CurrentLimit>,
) -> HttpResponse {
    if let Some(wait) = wait {
        headers.write_retry_after(wait, response.headers_mut());
    }
    response.extensions_mut().insert(Denial::new(breached));
    response
}

/// The breached limits that a denial names: one, or all of them.
pub(super) fn breached(context: &Context) -> Vec<CurrentLimit> {
    let limiter = context.worker().limiter();
    let mut breached = context.batch().breached_limits(limiter.shared_storage());
    if limiter.settings().answers.fail_on_first_breach {
        breached.truncate(1);
    }
    breached
}

/// Counts breaches for meta limits: at once if the storage can, otherwise while the response is
/// being sent.
pub(super) fn count_breaches(context: &Context, breached: &[CurrentLimit]) {
    let Some(penalty) = Penalty::of(&context.batch(), breached) else { return };
    let worker = Rc::clone(context.worker());
    let counting = Rc::clone(&worker);
    worker.leftovers().finish(Box::pin(async move {
        penalty.count(counting.limiter().storage()).await;
    }));
}

/// Calls the callbacks of every breached limit, the limiter's first: the last response wins. A
/// breached meta limit has its own kind of callback.
fn run_callbacks(
    answers: &AnswerSettings,
    limits: &[RuleLimit],
    request: &HttpRequest,
    breached: &[CurrentLimit],
) -> Option<HttpResponse> {
    let mut response = None;
    for until in 1..=breached.len() {
        let Some(breach) = Breach::new(request, &breached[..until]) else { continue };
        let Some(limit) = limits.get(breach.limit().index()) else { continue };
        let of_limiter = answers.on_breach.as_ref().filter(|_| !limit.is_meta());
        for callback in of_limiter.into_iter().chain(&limit.on_breach) {
            response = callback(&breach).or(response);
        }
    }
    response
}

/// The response if no callback returned one.
fn quota_exceeded(
    limits: &[RuleLimit],
    request: &HttpRequest,
    breached: &[CurrentLimit],
) -> HttpResponse {
    let breach = Breach::new(request, breached.get(..1).unwrap_or_default());
    let detail = breach.map_or_else(String::new, |breach| {
        let limit = limits.get(breach.limit().index());
        match limit.and_then(|limit| limit.error_message.as_ref()) {
            Some(Message::Text(text)) => text.clone().into_owned(),
            Some(Message::Function(function)) => function(&breach),
            None => breach.limit().quota().to_string(),
        }
    });
    answer::exceeded(Form::preferred(request), detail, breached)
}

/// The time after which no limit denies the request any more: the maximum over all limits that deny
/// it, including meta limits, whether reported or not.
fn retry_after(batch: &Batch) -> Option<Duration> {
    longest_wait(batch.denials().map(Decision::retry_after))
}
