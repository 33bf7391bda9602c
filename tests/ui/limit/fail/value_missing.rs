use limiter_actix::limit;

#[limit("10/minute", cost =, per_method = true)]
async fn search() -> &'static str {
    "found"
}

fn main() {}
