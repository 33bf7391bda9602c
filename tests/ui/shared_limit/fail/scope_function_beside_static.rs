use limiter_actix::{SharedLimit, shared_limit};

static DATABASE: SharedLimit = SharedLimit::new("100/hour", "mysql");

#[shared_limit(DATABASE, scope = |_: &actix_web::HttpRequest| "mysql")]
async fn search() -> &'static str {
    "found"
}

fn main() {}
