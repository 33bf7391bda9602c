use actix_web::get;
use limiter_actix::limit;

#[get("/search")]
#[limit("100/day; 10 per fortnight")]
async fn search() -> &'static str {
    "found"
}

fn main() {}
