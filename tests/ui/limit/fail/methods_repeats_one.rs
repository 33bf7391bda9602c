use limiter_actix::limit;

#[limit("10/minute", methods = ["GET", "get"])]
async fn search() -> &'static str {
    "found"
}

fn main() {}
