use actix_web::HttpRequest;
use limiter_actix::limit;

#[limit(tier_of)]
async fn search() -> &'static str {
    "found"
}

async fn tier_of(_: &HttpRequest) -> String {
    String::new()
}

fn main() {}
