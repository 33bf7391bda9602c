//! Several processes that share their limits through Redis, and go on when Redis does not.
//!
//! ```sh
//! redis-server --port 6379 &
//! BIND=127.0.0.1:8080 cargo run --features redis --bin two_processes &
//! BIND=127.0.0.1:8081 cargo run --features redis --bin two_processes &
//! for i in 1 2 3; do curl -i http://127.0.0.1:8080/; curl -i http://127.0.0.1:8081/; done
//! redis-cli shutdown   # each process now counts by itself, half of the limit each
//! for i in 1 2 3; do curl -i http://127.0.0.1:8080/search; done; curl http://127.0.0.1:8080/health
//! ```

use std::env;

use actix_web::{App, HttpServer, get};
use limiter_actix::{Headers, Limiter, OnStoreError, exempt, limit};

#[get("/")]
#[limit("4/hour")]
async fn index() -> &'static str {
    "index\n"
}

#[get("/search")]
#[limit("4/hour")]
async fn search() -> &'static str {
    "found\n"
}

/// Where a wrong guess must never go uncounted, the store's silence is a denial.
#[get("/login")]
#[limit("4/hour", on_store_error = "deny")]
async fn login() -> &'static str {
    "welcome\n"
}

#[get("/health")]
#[exempt]
async fn health(limiter: Limiter) -> String {
    format!("{:?}\n", limiter.storage_health())
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let redis = env::var("REDIS_URL").unwrap_or_else(|_| "redis://127.0.0.1:6379".to_owned());
    let limiter = Limiter::builder()
        .storage_uri(redis)
        .on_store_error(OnStoreError::Local)
        .instances(2)
        .headers(Headers::ietf())
        .build()
        .await
        .map_err(std::io::Error::other)?;
    let address = env::var("BIND").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    println!("Listening on http://{address}");
    HttpServer::new(move || {
        App::new()
            .wrap(limiter.middleware())
            .service(index)
            .service(search)
            .service(login)
            .service(health)
    })
    .workers(1)
    .bind(address)?
    .run()
    .await
}
