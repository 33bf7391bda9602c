use actix_web::HttpRequest;
use limiter_actix::limit;

#[limit(tier_of)]
async fn search() -> &'static str {
    "found"
}

fn tier_of(request: &HttpRequest) -> &str {
    request.path()
}

fn main() {}
