use actix_web::{HttpRequest, HttpResponse};
use limiter_actix::limit;

#[limit("10/minute", on_breach = sorry)]
async fn search() -> &'static str {
    "found"
}

fn sorry(_: &HttpRequest) -> HttpResponse {
    HttpResponse::Ok().finish()
}

fn main() {}
