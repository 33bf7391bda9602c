use actix_web::get;
use limiter_actix::{exempt, limit};

#[limit("10/minute")]
#[get("/search")]
#[exempt]
async fn search() -> &'static str {
    "found"
}

fn main() {}
