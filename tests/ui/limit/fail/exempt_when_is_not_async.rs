use actix_web::HttpRequest;
use limiter_actix::limit;

#[limit("10/minute", exempt_when = async is_internal)]
async fn search() -> &'static str {
    "found"
}

fn is_internal(_: &HttpRequest) -> bool {
    true
}

fn main() {}
