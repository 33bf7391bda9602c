use limiter_actix::{Breach, limit};

#[limit("10/minute", on_breach = sorry)]
async fn search() -> &'static str {
    "found"
}

fn sorry(_: &Breach<'_>) -> String {
    String::new()
}

fn main() {}
