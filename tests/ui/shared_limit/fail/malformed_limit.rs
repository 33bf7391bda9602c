use limiter_actix::shared_limit;

#[shared_limit("100 an hour", scope = "mysql")]
async fn search() -> &'static str {
    "found"
}

fn main() {}
