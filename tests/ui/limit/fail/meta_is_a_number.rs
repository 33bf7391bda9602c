use limiter_actix::limit;

#[limit("10/minute", meta = 5)]
async fn search() -> &'static str {
    "found"
}

fn main() {}
