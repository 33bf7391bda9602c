//! The answers to requests that are not let through.

use std::time::{Duration, SystemTime};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        StatusCode,
        header::{self, Accept, Header, HeaderMap, HeaderValue, HttpDate},
    },
};
use limiter_core::Decision;
use serde::Serialize;

use crate::{
    breach::{Breach, Denial},
    charge::{Batch, Refusal},
    config::Settings,
    context::Context,
    current::CurrentLimit,
    headers::{Headers, RetryAfter},
    penalty,
    record::HandlerRecord,
    rule::Message,
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

/// **Deny**: the response to a request that a limiter refuses further out than at a gate, headers
/// included.
pub(crate) fn denial(context: &Context, request: &HttpRequest, refusal: &Refusal) -> HttpResponse {
    let mut response = response(context, request, refusal, request.path());
    let headers = &context.worker.limiter().settings.headers;
    headers.write(&context.batch.borrow(), response.headers_mut());
    response
}

/// The response to a request that a limiter refuses.
pub(crate) fn response(
    context: &Context,
    request: &HttpRequest,
    refusal: &Refusal,
    endpoint: &str,
) -> HttpResponse {
    match refusal {
        Refusal::Breach => too_many_requests(context, request, endpoint),
        Refusal::NoIdentity(_) => {
            tracing::info!(endpoint, "a request without identity was denied");
            forbidden("the client cannot be identified")
        }
        Refusal::InvalidLimit => internal_error(),
        Refusal::Storage(error) => {
            // A guarded storage has told that it is ill when it fell ill.
            tracing::debug!(%error, endpoint, "the storage could not decide; the request is denied");
            unavailable()
        }
    }
}

fn too_many_requests(context: &Context, request: &HttpRequest, endpoint: &str) -> HttpResponse {
    let limiter = context.worker.handle();
    let settings = &limiter.inner().settings;
    let (mut breached, retry_after) = {
        let batch = context.batch.borrow();
        (batch.breached_limits(limiter), retry_after(&batch))
    };
    if settings.fail_on_first_breach {
        breached.truncate(1);
    }
    for limit in &breached {
        tracing::info!(policy = limit.name(), quota = %limit.quota(), endpoint, "limit exceeded");
    }
    context.worker.leftovers.start();
    penalty::count(context, &breached);
    let mut response = ask_callbacks(settings, request, &breached)
        .unwrap_or_else(|| quota_exceeded(request, &breached));
    if let Some(wait) = retry_after {
        write_retry_after(&settings.headers, wait, response.headers_mut());
    }
    response.extensions_mut().insert(Denial::new(breached));
    response
}

/// The callbacks of every breached limit, the limiter's first: the last response wins. A breached
/// meta limit has a callback of its own kind.
fn ask_callbacks(
    settings: &Settings,
    request: &HttpRequest,
    breached: &[CurrentLimit],
) -> Option<HttpResponse> {
    let mut response = None;
    for until in 1..=breached.len() {
        let Some(breach) = Breach::new(request, &breached[..until]) else { continue };
        let limit = breach.limit().rule_limit();
        let of_limiter = settings.on_breach.as_ref().filter(|_| !limit.is_meta());
        for callback in of_limiter.into_iter().chain(&limit.on_breach) {
            response = callback(&breach).or(response);
        }
    }
    response
}

/// The answer where no callback gave one.
fn quota_exceeded(request: &HttpRequest, breached: &[CurrentLimit]) -> HttpResponse {
    let breach = Breach::new(request, breached.get(..1).unwrap_or_default());
    let detail = breach.map_or_else(String::new, |breach| {
        let limit = breach.limit().rule_limit();
        match &limit.error_message {
            Some(Message::Text(text)) => text.clone().into_owned(),
            Some(Message::Function(function)) => function(&breach),
            None => limit.quota().to_string(),
        }
    });
    exceeded(Form::preferred(request), detail, breached)
}

/// The answer of a block of code that may not be entered.
pub(crate) fn block_exceeded(breached: &[CurrentLimit], form: Form) -> HttpResponse {
    let detail = breached.first().map_or_else(String::new, |limit| limit.quota().to_string());
    let mut response = exceeded(form, detail, breached);
    let longest = breached
        .iter()
        .map(CurrentLimit::retry_after)
        .try_fold(Duration::ZERO, |longest, wait| Some(longest.max(wait?)));
    if let (Some(wait), Some(limit)) = (longest, breached.first()) {
        write_retry_after(limit.headers(), wait, response.headers_mut());
    }
    response.extensions_mut().insert(Denial::new(breached.to_vec()));
    response
}

/// A problem body, or what the client would rather read.
fn exceeded(form: Form, detail: String, breached: &[CurrentLimit]) -> HttpResponse {
    if form != Form::Problem {
        return form.answer(StatusCode::TOO_MANY_REQUESTS, &detail);
    }
    problem(&Problem {
        kind: QUOTA_EXCEEDED,
        title: "Request cannot be satisfied as assigned quota has been exceeded",
        status: StatusCode::TOO_MANY_REQUESTS.as_u16(),
        detail,
        violated_policies: breached.iter().map(CurrentLimit::name).collect(),
    })
}

/// The time after which no limit denies the request any more: all of them are asked, meta limits
/// too, whichever is reported. `None` where waiting never helps.
fn retry_after(batch: &Batch) -> Option<Duration> {
    batch
        .denials()
        .map(Decision::retry_after)
        .try_fold(Duration::ZERO, |longest, wait| Some(longest.max(wait?)))
}

/// Writes when to come back, unless the response of a callback says a later moment already.
fn write_retry_after(headers: &Headers, wait: Duration, map: &mut HeaderMap) {
    let field = headers.retry_after_field();
    if map.get(&field).and_then(read_retry_after).is_some_and(|written| written > wait) {
        return;
    }
    let value = match headers.retry_after_form() {
        RetryAfter::Seconds => HeaderValue::from(seconds_up(wait)),
        RetryAfter::HttpDate => http_date(wait),
    };
    map.insert(field, value);
}

/// A `Retry-After` in either form, as time from now.
fn read_retry_after(value: &HeaderValue) -> Option<Duration> {
    let text = value.to_str().ok()?;
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date: HttpDate = text.parse().ok()?;
    SystemTime::from(date).duration_since(SystemTime::now()).ok()
}

/// Whole seconds, rounded up: a client that waits as told is admitted.
pub(crate) fn seconds_up(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

/// The date to come back at; in seconds where it is later than a date can tell.
fn http_date(wait: Duration) -> HeaderValue {
    // A date has whole seconds too.
    let wait_up = wait + Duration::from_millis(999);
    let last = SystemTime::UNIX_EPOCH + LAST_DATE;
    let moment = SystemTime::now().checked_add(wait_up).filter(|moment| *moment < last);
    moment
        .and_then(|moment| HeaderValue::from_str(&HttpDate::from(moment).to_string()).ok())
        .unwrap_or_else(|| HeaderValue::from(seconds_up(wait)))
}

/// The end of the year 9999, from which on dates have no form: RFC 9110, section 5.6.7.
const LAST_DATE: Duration = Duration::from_secs(253_402_300_800);

/// The answer to a client who is not let in at all.
pub(crate) fn forbidden(detail: &str) -> HttpResponse {
    problem(&Problem {
        kind: "about:blank",
        title: "Forbidden",
        status: StatusCode::FORBIDDEN.as_u16(),
        detail: detail.to_owned(),
        violated_policies: Vec::new(),
    })
}

/// The answer where the storage could not decide.
pub(crate) fn unavailable() -> HttpResponse {
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
         `.wrap(limiter.middleware())` to the `App` (or to the scope) that serves it; to switch it \
         off, build it with `enabled(false)` instead of leaving it out"
    );
    internal_error()
}

/// The answer to a mistake of the app, which is in the log.
pub(crate) fn internal_error() -> HttpResponse {
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

/// How a denial is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Problem,
    Html,
    Plain,
}

impl Form {
    /// The form that the client's `Accept` field prefers; a problem body unless it says otherwise.
    pub(crate) fn preferred(request: &HttpRequest) -> Self {
        let Ok(accept) = Accept::parse(request) else { return Self::Problem };
        accept
            .ranked()
            .iter()
            .find_map(|range| match (range.type_(), range.subtype().as_str()) {
                (mime::STAR, _) => Some(Self::Problem),
                (mime::APPLICATION, "json" | "*") => Some(Self::Problem),
                (mime::APPLICATION, "problem") => Some(Self::Problem),
                (mime::TEXT, "html") => Some(Self::Html),
                (mime::APPLICATION, "xhtml") => Some(Self::Html),
                (mime::TEXT, "plain" | "*") => Some(Self::Plain),
                _ => None,
            })
            .unwrap_or(Self::Problem)
    }

    fn answer(self, status: StatusCode, detail: &str) -> HttpResponse {
        let title = status.canonical_reason().unwrap_or_default();
        let (content_type, body) = match self {
            Self::Problem | Self::Plain => {
                ("text/plain; charset=utf-8", format!("{title}: {detail}\n"))
            }
            Self::Html => ("text/html; charset=utf-8", html(title, detail)),
        };
        HttpResponse::build(status)
            .insert_header((header::CONTENT_TYPE, content_type))
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .body(body)
    }
}

fn html(title: &str, detail: &str) -> String {
    let detail = detail.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!(
        "<!doctype html>\n<meta charset=\"utf-8\">\n<title>{title}</title>\n<h1>{title}</h1>\n\
         <p>{detail}</p>\n"
    )
}
