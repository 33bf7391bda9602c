use limiter_actix::shared_limit;

#[shared_limit("100/hour", scope = " ")]
async fn search() -> &'static str {
    "found"
}

fn main() {}
