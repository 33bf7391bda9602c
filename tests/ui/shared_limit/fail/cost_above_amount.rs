use limiter_actix::shared_limit;

#[shared_limit("100/hour", scope = "mysql", cost = 101)]
async fn search() -> &'static str {
    "found"
}

fn main() {}
