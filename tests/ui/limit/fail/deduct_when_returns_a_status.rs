use actix_web::{dev::ResponseHead, http::StatusCode};
use limiter_actix::limit;

#[limit("10/minute", deduct_when = has_failed)]
async fn search() -> &'static str {
    "found"
}

fn has_failed(head: &ResponseHead) -> StatusCode {
    head.status
}

fn main() {}
