use actix_web::HttpRequest;
use limiter_actix::limit;

#[limit("10/minute")]
async fn search(#[cfg(unix)] request: HttpRequest) -> String {
    request.path().to_owned()
}

fn main() {}
