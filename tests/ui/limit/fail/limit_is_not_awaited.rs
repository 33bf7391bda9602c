use limiter_actix::limit;

#[limit(|_: &actix_web::HttpRequest| async { "10/minute" })]
async fn search() -> &'static str {
    "found"
}

fn main() {}
