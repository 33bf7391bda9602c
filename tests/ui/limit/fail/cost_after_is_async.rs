use actix_web::dev::ResponseHead;
use limiter_actix::limit;

#[limit("10/minute", cost_after = async tokens)]
async fn search() -> &'static str {
    "found"
}

async fn tokens(_: &ResponseHead) -> u64 {
    5
}

fn main() {}
