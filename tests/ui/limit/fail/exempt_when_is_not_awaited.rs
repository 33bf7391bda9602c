use limiter_actix::limit;

#[limit("10/minute", exempt_when = |_: &actix_web::HttpRequest| async { true })]
async fn search() -> &'static str {
    "found"
}

fn main() {}
