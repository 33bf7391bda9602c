use limiter_actix::limit;

#[limit("10/minute", cost_after = 5)]
async fn search() -> &'static str {
    "found"
}

fn main() {}
