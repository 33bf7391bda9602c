//! A cost that depends on the request: uploads pay by the kilobyte that they announce, and
//! downloads by what was sent in the end.
//!
//! ```sh
//! cargo run --bin upload
//! head -c 40000 /dev/zero | curl -i --data-binary @- http://127.0.0.1:8080/upload
//! ```

use std::env;

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, dev::ResponseHead, get, post, web};
use limiter_actix::{Headers, Limiter, limit};

/// One unit per kilobyte, and at least one. A body that does not tell its length pays for all.
fn kilobytes(request: &HttpRequest) -> u64 {
    let length = request.headers().get("content-length").and_then(|value| value.to_str().ok());
    length.and_then(|length| length.parse::<u64>().ok()).map_or(100, |bytes| bytes / 1000 + 1)
}

#[post("/upload")]
#[limit("100/hour", cost = kilobytes)]
async fn upload(body: web::Bytes) -> String {
    format!("{} bytes\n", body.len())
}

/// What a query came to is known afterwards: the handler writes it down, and it is charged then.
fn rows_read(head: &ResponseHead) -> u64 {
    let rows = head.headers().get("x-rows").and_then(|value| value.to_str().ok());
    rows.and_then(|rows| rows.parse().ok()).unwrap_or(0)
}

#[get("/query/{rows}")]
#[limit("1000/hour", cost_after = rows_read)]
async fn query(rows: web::Path<u64>) -> HttpResponse {
    HttpResponse::Ok().insert_header(("x-rows", rows.to_string())).body("rows\n")
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let limiter = Limiter::builder()
        .headers(Headers::x_rate_limit())
        .build()
        .await
        .map_err(std::io::Error::other)?;
    let address = env::var("BIND").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    println!("Listening on http://{address}");
    HttpServer::new(move || App::new().wrap(limiter.middleware()).service(upload).service(query))
        .bind(address)?
        .run()
        .await
}
