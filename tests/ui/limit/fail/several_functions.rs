use actix_web::HttpRequest;
use limiter_actix::limit;

#[limit(tier, scope = tier, exempt_when = tier, on_breach = async tier, deduct_when = 1)]
async fn search() -> &'static str {
    "found"
}

#[limit(tier, scope = tier, exempt_when = tier)]
async fn find() -> &'static str {
    "found"
}

fn tier(_: &HttpRequest) -> u8 {
    1
}

fn main() {}
