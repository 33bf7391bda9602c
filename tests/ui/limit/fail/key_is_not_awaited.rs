use limiter_actix::limit;

#[limit("10/minute", key = |_: &actix_web::HttpRequest| async { "tenant" })]
async fn search() -> &'static str {
    "found"
}

fn main() {}
