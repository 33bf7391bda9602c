use actix_web::HttpRequest;
use limiter_actix::limit;

#[limit("10/minute", deduct_when = has_failed)]
async fn search() -> &'static str {
    "found"
}

fn has_failed(_: &HttpRequest) -> bool {
    true
}

fn main() {}
