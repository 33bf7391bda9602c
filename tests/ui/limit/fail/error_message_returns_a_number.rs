use limiter_actix::{Breach, limit};

#[limit("10/minute", error_message = excuse)]
async fn search() -> &'static str {
    "found"
}

fn excuse(_: &Breach<'_>) -> u64 {
    429
}

fn main() {}
