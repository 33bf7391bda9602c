//! A crate that forbids unsafe code and wants everything documented compiles with limits in it.
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs, unused, rust_2018_idioms)]

use actix_web::{HttpRequest, Responder, get, web};
use limiter_actix::{MetaLimit, limit};

/// A documented handler.
#[limit("10/minute", key = |request: &HttpRequest| request.path().to_owned(), cost = 2)]
#[get("/users/{id}")]
pub async fn user(id: web::Path<u32>, _request: HttpRequest) -> Result<impl Responder, actix_web::Error> {
    if *id == 0 {
        return Err(actix_web::error::ErrorNotFound("no such user"));
    }
    Ok(id.to_string())
}

/// A documented handler, with a function wherever there may be one.
#[limit(
    async |_| "10/minute",
    scope = |request| request.path().to_owned(),
    exempt_when = async |_| false,
    deduct_when = |head| head.status.is_success(),
    cost_after = |_| 0,
    on_breach = |_| (),
    error_message = |breach| breach.limit().quota().to_string(),
    meta = ["5/minute", PENALTY],
    candidate = "5/minute"
)]
#[limit("10/minute", meta = "5/minute", block = "1 hour")]
#[limit("100/day", shadow = true)]
#[get("/search")]
pub async fn search() -> impl Responder {
    "found"
}

static PENALTY: MetaLimit = MetaLimit::new("5/minute").block("1 hour");

fn main() {}
