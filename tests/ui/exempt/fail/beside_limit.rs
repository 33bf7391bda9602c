use limiter_actix::{exempt, limit};

#[exempt]
#[limit("10/minute")]
async fn search() -> &'static str {
    "found"
}

fn main() {}
