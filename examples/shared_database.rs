//! Several handlers share one budget, because they share what is scarce.
//!
//! ```sh
//! cargo run --bin shared_database
//! curl -i http://127.0.0.1:8080/orders; curl -i http://127.0.0.1:8080/statistics
//! ```

use std::env;

use actix_web::{App, HttpServer, get};
use limiter_actix::{Headers, Limiter, SharedLimit, everyone, limit, shared_limit};

static DATABASE: SharedLimit = SharedLimit::new("10/minute", "database");

#[get("/orders")]
#[shared_limit(DATABASE)]
async fn orders() -> &'static str {
    "orders\n"
}

/// A heavy query takes more of it, and has a limit of its own.
#[get("/statistics")]
#[shared_limit(DATABASE, cost = 5)]
#[limit("1/second")]
async fn statistics() -> &'static str {
    "statistics\n"
}

/// All clients together may not do it more than twice a minute.
#[get("/vacuum")]
#[shared_limit("2/minute", scope = "maintenance", key = everyone)]
async fn vacuum() -> &'static str {
    "vacuum\n"
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let limiter =
        Limiter::builder().headers(Headers::ietf()).build().await.map_err(std::io::Error::other)?;
    let address = env::var("BIND").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    println!("Listening on http://{address}");
    HttpServer::new(move || {
        App::new().wrap(limiter.middleware()).service(orders).service(statistics).service(vacuum)
    })
    .bind(address)?
    .run()
    .await
}
