use actix_web::HttpRequest;
use limiter_actix::limit;

#[limit("10/minute", cost_after = tokens)]
async fn search() -> &'static str {
    "found"
}

fn tokens(_: &HttpRequest) -> u64 {
    5
}

fn main() {}
