use limiter_actix::limit;

const LIMIT: &str = "10/minute";

#[limit(LIMIT)]
async fn search() -> &'static str {
    "found"
}

fn main() {}
