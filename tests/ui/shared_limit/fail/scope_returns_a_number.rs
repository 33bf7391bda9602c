use actix_web::HttpRequest;
use limiter_actix::shared_limit;

#[shared_limit("100/hour", scope = tenant_of)]
async fn search() -> &'static str {
    "found"
}

fn tenant_of(_: &HttpRequest) -> u64 {
    7
}

fn main() {}
