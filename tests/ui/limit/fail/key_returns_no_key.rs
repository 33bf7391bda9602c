use actix_web::HttpRequest;
use limiter_actix::limit;

#[limit("10/minute", key = share)]
async fn search() -> &'static str {
    "found"
}

fn share(_: &HttpRequest) -> f64 {
    0.5
}

fn main() {}
