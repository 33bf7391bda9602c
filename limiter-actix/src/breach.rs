//! The answers to requests that are not let through.

use std::time::{Duration, SystemTime};

use actix_web::{
    HttpResponse,
    http::{
        StatusCode,
        header::{self, HttpDate},
    },
};
use serde::Serialize;

use crate::{
    charge::{Batch, Refusal},
    context::Context,
    headers::RetryAfter,
    limiter::Inner,
    record::HandlerRecord,
};

/// A problem body of RFC 9457, with the extension of the IETF draft on rate limit header fields
/// (`draft-ietf-httpapi-ratelimit-headers-10`, section on problem types).
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Problem<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    detail: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    violated_policies: Vec<&'a str>,
}

const QUOTA_EXCEEDED: &str = "https://iana.org/assignments/http-problem-types#quota-exceeded";
const REDUCED_CAPACITY: &str =
    "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity";

/// **Deny**: the response to a request that a limiter refuses.
pub(crate) fn response(context: &Context, refusal: &Refusal, endpoint: &str) -> HttpResponse {
    match refusal {
        Refusal::Breach => {
            too_many_requests(context.worker.limiter(), &context.batch.borrow(), endpoint)
        }
        Refusal::NoIdentity => {
            tracing::info!(endpoint, "a request without identity was denied");
            forbidden()
        }
        Refusal::Storage(error) => {
            tracing::error!(%error, endpoint, "the storage could not decide; the request is denied");
            unavailable()
        }
    }
}

fn too_many_requests(limiter: &Inner, batch: &Batch, endpoint: &str) -> HttpResponse {
    let settings = &limiter.settings;
    let reported = if settings.fail_on_first_breach { 1 } else { usize::MAX };
    let mut violated_policies = Vec::new();
    for (limit, _) in batch.breaches().take(reported) {
        tracing::info!(policy = &*limit.name, quota = %limit.limit.quota(), endpoint, "limit exceeded");
        violated_policies.push(&*limit.name);
    }
    let detail = batch.breaches().next().map_or_else(String::new, |(limit, _)| {
        limit.error_message.map_or_else(|| limit.limit.quota().to_string(), str::to_owned)
    });
    let mut response = problem(&Problem {
        kind: QUOTA_EXCEEDED,
        title: "Request cannot be satisfied as assigned quota has been exceeded",
        status: StatusCode::TOO_MANY_REQUESTS.as_u16(),
        detail,
        violated_policies,
    });
    if let Some(wait) = retry_after(batch) {
        let value = match settings.headers.retry_after_form() {
            RetryAfter::Seconds => header::HeaderValue::from(seconds_up(wait)),
            RetryAfter::HttpDate => http_date(wait),
        };
        response.headers_mut().insert(settings.headers.retry_after_field(), value);
    }
    response
}

/// The time after which no limit denies the request any more: all of them are asked, whichever is
/// reported. `None` where waiting never helps.
fn retry_after(batch: &Batch) -> Option<Duration> {
    batch
        .breaches()
        .map(|(_, decision)| decision.retry_after())
        .try_fold(Duration::ZERO, |longest, wait| Some(longest.max(wait?)))
}

/// Whole seconds, rounded up: a client that waits as told is admitted.
pub(crate) fn seconds_up(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

fn http_date(wait: Duration) -> header::HeaderValue {
    // A date has whole seconds too.
    let moment = SystemTime::now() + wait + Duration::from_millis(999);
    header::HeaderValue::from_str(&HttpDate::from(moment).to_string())
        .unwrap_or_else(|_| header::HeaderValue::from(seconds_up(wait)))
}

fn forbidden() -> HttpResponse {
    problem(&Problem {
        kind: "about:blank",
        title: "Forbidden",
        status: StatusCode::FORBIDDEN.as_u16(),
        detail: "the client cannot be identified".to_owned(),
        violated_policies: Vec::new(),
    })
}

fn unavailable() -> HttpResponse {
    problem(&Problem {
        kind: REDUCED_CAPACITY,
        title: "Request cannot be satisfied due to temporary server capacity constraints",
        status: StatusCode::SERVICE_UNAVAILABLE.as_u16(),
        detail: "rate limits cannot be checked at the moment".to_owned(),
        violated_policies: Vec::new(),
    })
}

/// The answer of a decorated handler around which no middleware stands: never "unlimited".
pub(crate) fn no_middleware(record: &HandlerRecord) -> HttpResponse {
    tracing::error!(
        handler = record.handler(),
        file = record.file(),
        line = record.line(),
        "the handler is decorated with limits, but no limiter is wrapped around it; add \
         `.wrap(limiter.middleware())` to the `App` (or to the scope) that serves it"
    );
    problem(&Problem {
        kind: "about:blank",
        title: "Internal Server Error",
        status: StatusCode::INTERNAL_SERVER_ERROR.as_u16(),
        detail: "the request could not be handled".to_owned(),
        violated_policies: Vec::new(),
    })
}

fn problem(problem: &Problem<'_>) -> HttpResponse {
    // A struct of texts and a number has a JSON form.
    let body = serde_json::to_string(problem).unwrap_or_default();
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    HttpResponse::build(status)
        .insert_header((header::CONTENT_TYPE, "application/problem+json"))
        // A denial is for this client and this moment; RFC 6585 forbids to store a 429.
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(body)
}
