use limiter_actix::shared_limit;

#[shared_limit("100/hour", scope = "mysql", cost = 5, candidate = "4/hour")]
async fn search() -> &'static str {
    "found"
}

fn main() {}
