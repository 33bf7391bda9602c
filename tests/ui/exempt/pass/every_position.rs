//! A handler is exempt in every position, with and without flags.
use actix_web::get;
use limiter_actix::exempt;

#[exempt]
#[get("/ping")]
async fn ping() -> &'static str {
    "pong"
}

#[get("/health")]
#[exempt(defaults, application)]
async fn health() -> &'static str {
    "healthy"
}

fn main() {
    let _ = (ping, health);
}
