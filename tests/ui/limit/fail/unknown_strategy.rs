use limiter_actix::limit;

#[limit("10/minute", strategy = "leaky-bucket")]
async fn search() -> &'static str {
    "found"
}

fn main() {}
