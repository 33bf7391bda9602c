use actix_web::get;
use limiter_actix::limit;

#[get("/search")]
#[limit("10/minute")]
async fn search(number: u32) -> String {
    number.to_string()
}

fn main() {}
