use limiter_actix::{exempt, limit};

#[exempt(defaults)]
#[limit("10/minute", override_defaults = false)]
async fn search() -> &'static str {
    "found"
}

fn main() {}
