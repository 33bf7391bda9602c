use limiter_actix::{SharedLimit, limit};

static DATABASE: SharedLimit = SharedLimit::new("10/minute", "mysql");

#[limit(DATABASE)]
async fn search() -> &'static str {
    "found"
}

fn main() {}
