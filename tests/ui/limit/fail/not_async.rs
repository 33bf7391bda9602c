use actix_web::get;
use limiter_actix::limit;

#[get("/search")]
#[limit("10/minute")]
fn search() -> &'static str {
    "found"
}

fn main() {}
