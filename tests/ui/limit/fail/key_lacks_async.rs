use actix_web::HttpRequest;
use limiter_actix::limit;

#[limit("10/minute", key = tenant)]
async fn search() -> &'static str {
    "found"
}

async fn tenant(_: &HttpRequest) -> String {
    String::new()
}

fn main() {}
