//! The limiter's command line in the app's own program: what is limited, and who is being limited?
//!
//! ```sh
//! redis-server --port 6379 &
//! cargo build --features cli,redis --bin command_line
//! target/debug/command_line &
//! for i in 1 2 3 4; do curl -i http://127.0.0.1:8080/search; done
//! target/debug/command_line limiter config
//! target/debug/command_line limiter limits --key 127.0.0.1
//! target/debug/command_line limiter limits --path /items/7
//! target/debug/command_line limiter clear --key 127.0.0.1
//! ```

use std::env;

use actix_web::{App, HttpServer, get, web};
use limiter_actix::{Limiter, cli::Cli, exempt, limit};

#[get("/search")]
#[limit("3/hour")]
async fn search() -> &'static str {
    "found\n"
}

#[get("/items/{id}")]
async fn item(id: web::Path<u32>) -> String {
    format!("item {id}\n")
}

#[get("/health")]
#[exempt]
async fn health() -> &'static str {
    "up\n"
}

/// The one list of routes, for the server and for the command line.
fn routes(config: &mut web::ServiceConfig) {
    config.service(search).service(item).service(health);
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let redis = env::var("REDIS_URL").unwrap_or_else(|_| "redis://127.0.0.1:6379".to_owned());
    let limiter = Limiter::builder()
        .default_limits(["100/hour"])
        .meta_limits(["5/day"])
        .key_prefix("shop")
        .storage_uri(redis)
        .build()
        .await
        .map_err(std::io::Error::other)?;
    // Answers `command_line limiter …` and exits; anything else goes on.
    Cli::new(&limiter).routes(routes).run().await;

    let address = env::var("BIND").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    println!("Listening on http://{address}");
    HttpServer::new(move || App::new().wrap(limiter.middleware()).configure(routes))
        .workers(1)
        .bind(address)?
        .run()
        .await
}
