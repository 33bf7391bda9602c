use actix_web::get;
use limiter_actix::limit;

#[get("/search")]
#[limit("10/minute")]
async fn search() -> f64 {
    0.5
}

fn main() {}
