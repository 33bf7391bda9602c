use actix_web::HttpRequest;
use limiter_actix::limit;

#[limit("10/minute", scope = tenant_of)]
async fn search() -> &'static str {
    "found"
}

fn tenant_of(_: &HttpRequest) -> u64 {
    7
}

fn main() {}
