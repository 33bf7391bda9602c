use limiter_actix::shared_limit;

#[shared_limit(SharedLimit::new("100/hour", "mysql"))]
async fn search() -> &'static str {
    "found"
}

fn main() {}
