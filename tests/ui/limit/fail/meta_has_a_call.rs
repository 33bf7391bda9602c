use limiter_actix::limit;

#[limit("10/minute", meta = ["5/minute", MetaLimit::new("5/minute")])]
async fn search() -> &'static str {
    "found"
}

fn main() {}
