use limiter_actix::{exempt, shared_limit};

#[exempt]
#[shared_limit("10/minute", scope = "mysql")]
async fn search() -> &'static str {
    "found"
}

fn main() {}
