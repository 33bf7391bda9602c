use limiter_actix::limit;

#[limit("10/minute", cost = -1)]
async fn search() -> &'static str {
    "found"
}

fn main() {}
