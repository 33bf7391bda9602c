use limiter_actix::shared_limit;

#[shared_limit(|_: &actix_web::HttpRequest| "10/minute")]
async fn search() -> &'static str {
    "found"
}

fn main() {}
