use actix_web::HttpRequest;
use limiter_actix::limit;

#[limit(async tier_of)]
async fn search() -> &'static str {
    "found"
}

fn tier_of(_: &HttpRequest) -> String {
    String::new()
}

fn main() {}
