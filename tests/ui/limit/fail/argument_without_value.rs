use limiter_actix::limit;

#[limit("10/minute", per_method)]
async fn search() -> &'static str {
    "found"
}

fn main() {}
