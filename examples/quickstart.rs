//! The quick start of Flask-Limiter, line for line: `cargo run`, then try the `curl` lines.

use std::env;

use actix_web::{App, HttpServer, Responder, get};
use limiter_actix::{Limiter, exempt, limit};

#[get("/slow")]
#[limit("1 per day")]
async fn slow() -> impl Responder {
    ":("
}

#[get("/medium")]
#[limit("1/second", override_defaults = false)]
async fn medium() -> impl Responder {
    ":|"
}

#[get("/fast")]
async fn fast() -> impl Responder {
    ":)"
}

#[get("/ping")]
#[exempt]
async fn ping() -> impl Responder {
    "PONG"
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let limiter = Limiter::builder()
        .default_limits(["200 per day", "50 per hour"])
        .storage_uri("memory://")
        .build()
        .await
        .map_err(std::io::Error::other)?;

    let address = env::var("BIND").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let routes = describe(&limiter);
    let server = HttpServer::new(move || {
        App::new()
            .wrap(limiter.middleware())
            .service(slow)
            .service(medium)
            .service(fast)
            .service(ping)
    })
    .bind(&address)?;
    println!("{routes}\nListening on http://{address}. Try:\n");
    for path in ["slow", "medium", "fast", "ping"] {
        println!(
            "  for i in 1 2 3; do curl -s -w '  %{{http_code}}\\n' http://{address}/{path}; done"
        );
    }
    server.run().await
}

/// The routes with the limits that their requests meet, as the limiter knows them.
fn describe(limiter: &Limiter) -> String {
    let mut lines = String::from("Routes and their limits:\n\n");
    for name in ["slow", "medium", "fast", "ping"] {
        let record = limiter_actix::handlers().into_iter().find(|record| record.name() == name);
        let limits = match record {
            Some(record) => limiter.limits_of(record, "GET"),
            None => limiter.limits_of_undecorated(),
        };
        let quotas: Vec<String> = limits.iter().map(|limit| limit.quota.to_string()).collect();
        let quotas = if quotas.is_empty() { "exempt".to_owned() } else { quotas.join(", ") };
        lines.push_str(&format!("  GET /{name:<8}{quotas}\n"));
    }
    lines
}
