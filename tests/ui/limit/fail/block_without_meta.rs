use limiter_actix::limit;

#[limit("10/minute", block = "10 minutes")]
async fn search() -> &'static str {
    "found"
}

fn main() {}
