use limiter_actix::limit;

#[limit("10/minute", meta = [])]
async fn search() -> &'static str {
    "found"
}

fn main() {}
