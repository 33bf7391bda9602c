//! Behind a reverse proxy the peer is the proxy. Say which proxies are yours, and the client's
//! address is taken from what they wrote, from right to left; what others wrote is not believed.
//!
//! ```sh
//! cargo run --bin behind_proxy
//! curl -i -H 'x-forwarded-for: 203.0.113.7' http://127.0.0.1:8080/
//! ```

use std::env;

use actix_web::{App, HttpServer, get};
use limiter_actix::{Limiter, TrustedProxies, limit};

#[get("/")]
#[limit("2/minute")]
async fn index() -> &'static str {
    "index\n"
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let limiter = Limiter::builder()
        .trusted_proxies(
            TrustedProxies::cidrs(["127.0.0.0/8", "10.0.0.0/8"]).map_err(std::io::Error::other)?,
        )
        // The office is never limited, and one network never let in.
        .allow_networks(["198.51.100.0/24"])
        .deny_networks(["192.0.2.0/24"])
        .build()
        .await
        .map_err(std::io::Error::other)?;
    let address = env::var("BIND").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    println!("Listening on http://{address}");
    HttpServer::new(move || App::new().wrap(limiter.middleware()).service(index))
        .bind(address)?
        .run()
        .await
}
