use limiter_actix::limit;

#[limit("10/minute", meta = "5/minute", block = "a while")]
async fn search() -> &'static str {
    "found"
}

fn main() {}
