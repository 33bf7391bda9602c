use limiter_actix::{SharedLimit, shared_limit};

static DATABASE: SharedLimit = SharedLimit::new("100/hour", "");

#[shared_limit(DATABASE)]
async fn search() -> &'static str {
    "found"
}

fn main() {}
