use actix_web::HttpRequest;
use limiter_actix::limit;

#[limit("10/minute", cost = length)]
async fn search() -> &'static str {
    "found"
}

fn length(_: &HttpRequest) -> i32 {
    1
}

fn main() {}
