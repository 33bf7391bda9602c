use limiter_actix::limit;

#[limit("10/minute", cost = 2, per_method = true, cost = 3)]
async fn search() -> &'static str {
    "found"
}

fn main() {}
