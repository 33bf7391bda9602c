use limiter_actix::limit;

static PENALTY: &str = "5/minute";

#[limit("10/minute", meta = PENALTY)]
async fn search() -> &'static str {
    "found"
}

fn main() {}
