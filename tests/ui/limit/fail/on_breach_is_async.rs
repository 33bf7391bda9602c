use actix_web::HttpResponse;
use limiter_actix::{Breach, limit};

#[limit("10/minute", on_breach = async sorry)]
async fn search() -> &'static str {
    "found"
}

async fn sorry(_: &Breach<'_>) -> HttpResponse {
    HttpResponse::Ok().finish()
}

fn main() {}
