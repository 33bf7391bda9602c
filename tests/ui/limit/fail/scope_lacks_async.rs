use actix_web::HttpRequest;
use limiter_actix::limit;

#[limit("10/minute", scope = tenant_of)]
async fn search() -> &'static str {
    "found"
}

async fn tenant_of(_: &HttpRequest) -> String {
    String::new()
}

fn main() {}
