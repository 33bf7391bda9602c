use limiter_actix::limit;

#[limit("10/minute", meta = ["5/minute", 20])]
async fn search() -> &'static str {
    "found"
}

fn main() {}
