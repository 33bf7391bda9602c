use limiter_actix::{SharedLimit, limit};

static PENALTY: SharedLimit = SharedLimit::new("5/minute", "penalty");

#[limit("10/minute", meta = PENALTY)]
async fn search() -> &'static str {
    "found"
}

fn main() {}
