use actix_web::dev::ResponseHead;
use limiter_actix::limit;

#[limit("10/minute", cost_after = tokens)]
async fn search() -> &'static str {
    "found"
}

fn tokens(_: &ResponseHead) -> usize {
    5
}

fn main() {}
