use actix_web::HttpRequest;
use limiter_actix::shared_limit;

#[shared_limit(tier_of, scope = "mysql")]
async fn search() -> &'static str {
    "found"
}

fn tier_of(_: &HttpRequest) -> u64 {
    7
}

fn main() {}
