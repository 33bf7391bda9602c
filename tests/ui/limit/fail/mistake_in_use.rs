use actix_web::web;
use limiter_actix::limit;

#[limit("10 minute")]
async fn search() -> &'static str {
    "found"
}

pub fn configure(config: &mut web::ServiceConfig) {
    config.route("/search", web::get().to(search));
}

fn main() {}
