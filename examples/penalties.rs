//! Who keeps hammering after 429 is locked out, and longer the more often it happens.
//!
//! ```sh
//! cargo run --bin penalties
//! for i in 1 2 3 4 5 6; do curl -i http://127.0.0.1:8080/search; done
//! ```

use std::env;

use actix_web::{App, HttpResponse, HttpServer, get};
use limiter_actix::{Breach, Limiter, MetaLimit, exempt, limit};

/// Three breaches within a minute: out for ten minutes.
static SHORT: MetaLimit = MetaLimit::new("3/minute").block("10 minutes");
/// Ten within a day: out for a day.
static LONG: MetaLimit = MetaLimit::new("10/day").block("1 day").on_breach(goodbye);

fn goodbye(breach: &Breach<'_>) -> Option<HttpResponse> {
    let seconds = breach.retry_after()?.as_secs();
    Some(HttpResponse::TooManyRequests().body(format!("see you in {seconds} seconds\n")))
}

#[get("/search")]
#[limit("2/second", meta = [SHORT, LONG])]
async fn search() -> &'static str {
    "found\n"
}

/// Penalties reach every handler that has limits. This one has none, and is never locked.
#[get("/ping")]
#[exempt]
async fn ping() -> &'static str {
    "PONG\n"
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let limiter = Limiter::builder()
        // For breaches of whatever limit.
        .meta_limits(["100/hour"])
        .build()
        .await
        .map_err(std::io::Error::other)?;
    let address = env::var("BIND").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    println!("Listening on http://{address}");
    HttpServer::new(move || App::new().wrap(limiter.middleware()).service(search).service(ping))
        .bind(address)?
        .run()
        .await
}
