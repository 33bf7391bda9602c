use limiter_actix::limit;

#[limit("10/minute", meta = PENALTY)]
async fn search() -> &'static str {
    "found"
}

fn main() {}
