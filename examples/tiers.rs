//! Limits from the client's plan: a function returns them, and every request is asked.
//!
//! ```sh
//! cargo run --bin tiers
//! for i in 1 2 3; do curl -i -H 'x-api-key: gold-7' http://127.0.0.1:8080/report; done
//! ```

use std::env;

use actix_web::{App, HttpRequest, HttpServer, get};
use limiter_actix::{Headers, Limiter, limit, secret_header};

/// The plan of a customer. A real one looks it up, and may be `async`: `#[limit(async plan_of)]`.
fn plan_of(request: &HttpRequest) -> Option<&'static str> {
    let key = request.headers().get("x-api-key")?.to_str().ok()?;
    match key.split_once('-')?.0 {
        "gold" => Some("5/minute; 1000/day"),
        "silver" => Some("2/minute; 100/day"),
        // No plan, no limit of its own: the default limits apply.
        _ => None,
    }
}

/// When a customer moves from silver to gold, what he used stays used: the amount is not part of
/// the counter's name.
#[get("/report")]
#[limit(plan_of, key = secret_header("x-api-key"))]
async fn report() -> &'static str {
    "report"
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let limiter = Limiter::builder()
        .default_limits(["1/minute"])
        .headers(Headers::all())
        .build()
        .await
        .map_err(std::io::Error::other)?;
    let address = env::var("BIND").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    println!("Listening on http://{address}");
    HttpServer::new(move || App::new().wrap(limiter.middleware()).service(report))
        .bind(address)?
        .run()
        .await
}
