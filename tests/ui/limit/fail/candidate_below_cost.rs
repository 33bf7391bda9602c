use limiter_actix::limit;

#[limit("10/minute", cost = 5, candidate = "4/minute")]
async fn search() -> &'static str {
    "found"
}

fn main() {}
