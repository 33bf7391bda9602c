use limiter_actix::shared_limit;

#[shared_limit(DATABASE)]
async fn search() -> &'static str {
    "found"
}

fn main() {}
