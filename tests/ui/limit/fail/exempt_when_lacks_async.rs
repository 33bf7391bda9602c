use actix_web::HttpRequest;
use limiter_actix::limit;

#[limit("10/minute", exempt_when = is_internal)]
async fn search() -> &'static str {
    "found"
}

async fn is_internal(_: &HttpRequest) -> bool {
    true
}

fn main() {}
