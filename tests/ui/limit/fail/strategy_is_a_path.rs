use limiter_actix::limit;

#[limit("10/minute", strategy = Strategy::TokenBucket)]
async fn search() -> &'static str {
    "found"
}

fn main() {}
