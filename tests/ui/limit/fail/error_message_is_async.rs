use limiter_actix::{Breach, limit};

#[limit("10/minute", error_message = async excuse)]
async fn search() -> &'static str {
    "found"
}

async fn excuse(_: &Breach<'_>) -> String {
    String::new()
}

fn main() {}
