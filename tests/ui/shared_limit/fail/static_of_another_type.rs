use limiter_actix::shared_limit;

static DATABASE: &str = "100/hour";

#[shared_limit(DATABASE)]
async fn search() -> &'static str {
    "found"
}

fn main() {}
