use actix_web::HttpRequest;
use limiter_actix::limit;

#[limit("10/minute", error_message = excuse)]
async fn search() -> &'static str {
    "found"
}

fn excuse(_: &HttpRequest) -> String {
    String::new()
}

fn main() {}
