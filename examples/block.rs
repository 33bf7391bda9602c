//! A limit around a part of a handler, and in a function that is no handler.
//!
//! ```sh
//! cargo run --bin block
//! for i in 1 2 3; do curl -i 'http://127.0.0.1:8080/search?all'; curl -i http://127.0.0.1:8080/search; done
//! ```

use std::env;

use actix_web::{App, HttpRequest, HttpServer, Result, get};
use limiter_actix::Limiter;

#[get("/search")]
async fn search(request: HttpRequest, limiter: Limiter) -> Result<String> {
    let mut found = vec!["near"];
    if request.query_string() == "all" {
        found.extend(search_everywhere(&request, &limiter).await?);
    }
    Ok(found.join(", ") + "\n")
}

/// Whoever calls it: the expensive part is done twice a minute for each client.
async fn search_everywhere(request: &HttpRequest, limiter: &Limiter) -> Result<Vec<&'static str>> {
    limiter.limit("2/minute").shared("everywhere").enter(request).await?;
    // Where a breach is no reason to give up, it is matched and not handed on.
    let archive = limiter.limit("1/minute").shared("archive").enter(request).await;
    Ok(if archive.is_ok() { vec!["far", "archive"] } else { vec!["far"] })
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let limiter = Limiter::builder().build().await.map_err(std::io::Error::other)?;
    let address = env::var("BIND").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    println!("Listening on http://{address}");
    HttpServer::new(move || App::new().wrap(limiter.middleware()).service(search))
        .bind(address)?
        .run()
        .await
}
