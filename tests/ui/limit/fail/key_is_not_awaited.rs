use actix_web::HttpRequest;
use limiter_actix::limit;

#[limit("10/minute", key = |_: &HttpRequest| async { "tenant" })]
async fn search() -> &'static str {
    "found"
}

fn main() {}
