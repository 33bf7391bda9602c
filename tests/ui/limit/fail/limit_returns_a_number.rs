use actix_web::HttpRequest;
use limiter_actix::limit;

#[limit(tier_of)]
async fn search() -> &'static str {
    "found"
}

fn tier_of(_: &HttpRequest) -> u64 {
    10
}

fn main() {}
