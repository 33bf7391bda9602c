use limiter_actix::shared_limit;

#[shared_limit(scope = "mysql")]
async fn search() -> &'static str {
    "found"
}

fn main() {}
