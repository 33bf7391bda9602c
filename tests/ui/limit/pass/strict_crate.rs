//! A crate that forbids unsafe code and wants everything documented compiles with limits in it.
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs, unused, rust_2018_idioms)]

use actix_web::{HttpRequest, Responder, get, web};
use limiter_actix::limit;

/// A documented handler.
#[limit("10/minute", key = |request: &HttpRequest| request.path().to_owned(), cost = 2)]
#[get("/users/{id}")]
pub async fn user(id: web::Path<u32>, _request: HttpRequest) -> Result<impl Responder, actix_web::Error> {
    if *id == 0 {
        return Err(actix_web::error::ErrorNotFound("no such user"));
    }
    Ok(id.to_string())
}

fn main() {}
