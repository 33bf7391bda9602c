//! Responses to requests that are denied.

use actix_web::{
    HttpResponse,
    http::{StatusCode, header},
};
use serde::Serialize;

use super::form::Form;
use crate::limit::CurrentLimit;

/// A problem body of RFC 9457, with the extension of the IETF draft on rate limit header fields
/// (`draft-ietf-httpapi-ratelimit-headers-10`, section on problem types).
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Problem<'a> {
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

/// The 429 response: a problem document, or the format that the client prefers.
pub(crate) fn exceeded(form: Form, detail: String, breached: &[CurrentLimit]) -> HttpResponse {
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

/// The response to a client that may not enter: deny list or missing identity.
pub(crate) fn forbidden(detail: &str) -> HttpResponse {
    problem(&Problem {
        kind: "about:blank",
        title: "Forbidden",
        status: StatusCode::FORBIDDEN.as_u16(),
        detail: detail.to_owned(),
        violated_policies: Vec::new(),
    })
}

/// The response when the storage could not decide.
pub(crate) fn unavailable() -> HttpResponse {
    problem(&Problem {
        kind: REDUCED_CAPACITY,
        title: "Request cannot be satisfied due to temporary server capacity constraints",
        status: StatusCode::SERVICE_UNAVAILABLE.as_u16(),
        detail: "rate limits cannot be checked at the moment".to_owned(),
        violated_policies: Vec::new(),
    })
}

/// The response to a mistake in the app; the log has the details.
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
    // A struct of texts and a number always serializes.
    let body = serde_json::to_string(problem).unwrap_or_default();
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    HttpResponse::build(status)
        .insert_header((header::CONTENT_TYPE, "application/problem+json"))
        // A denial is valid for this client and this moment only; RFC 6585 forbids caching a 429.
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(body)
}
