use limiter_actix::limit;

#[limit("10/minute", meta = "5 an hour")]
async fn search() -> &'static str {
    "found"
}

fn main() {}
