use actix_web::HttpRequest;
use limiter_actix::shared_limit;

#[shared_limit(async tier_of)]
async fn search() -> &'static str {
    "found"
}

async fn tier_of(_: &HttpRequest) -> &'static str {
    "10/minute"
}

fn main() {}
