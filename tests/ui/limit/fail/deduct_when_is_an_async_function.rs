use actix_web::dev::ResponseHead;
use limiter_actix::limit;

#[limit("10/minute", deduct_when = has_failed)]
async fn search() -> &'static str {
    "found"
}

async fn has_failed(head: &ResponseHead) -> bool {
    head.status.is_client_error()
}

fn main() {}
