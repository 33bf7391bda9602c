//! A denial in the app's own words: for one limit, for all, and by an error handler.
//!
//! ```sh
//! cargo run --bin custom_response
//! for i in 1 2; do curl -i http://127.0.0.1:8080/tea; curl -i http://127.0.0.1:8080/coffee; done
//! ```

use std::env;

use actix_web::{
    App, HttpResponse, HttpServer, ResponseError,
    dev::ServiceResponse,
    get,
    http::StatusCode,
    middleware::{ErrorHandlerResponse, ErrorHandlers},
};
use limiter_actix::{Breach, Denial, Limiter, limit};

/// The error type of the app.
#[derive(Debug)]
struct AppError {
    code: &'static str,
    detail: String,
}

impl std::fmt::Display for AppError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)
    }
}

impl ResponseError for AppError {
    fn status_code(&self) -> StatusCode {
        StatusCode::TOO_MANY_REQUESTS
    }
}

/// For every limit of the app.
fn too_busy(breach: &Breach<'_>) -> HttpResponse {
    let detail = format!("at most {}", breach.limit().quota());
    AppError { code: "too-busy", detail }.error_response()
}

#[get("/coffee")]
#[limit("1/minute")]
async fn coffee() -> &'static str {
    "coffee\n"
}

/// For this one.
#[get("/tea")]
#[limit("1/minute", on_breach = |_: &Breach<'_>| HttpResponse::ImATeapot().body("short and stout\n"))]
async fn tea() -> &'static str {
    "tea\n"
}

/// Actix's own error handlers see what was breached.
fn log<B>(response: ServiceResponse<B>) -> actix_web::Result<ErrorHandlerResponse<B>> {
    if let Some(denial) = response.response().extensions().get::<Denial>() {
        for limit in denial.breached() {
            println!("{} was breached", limit.name());
        }
    }
    Ok(ErrorHandlerResponse::Response(response.map_into_left_body()))
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let limiter =
        Limiter::builder().on_breach(too_busy).build().await.map_err(std::io::Error::other)?;
    let address = env::var("BIND").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    println!("Listening on http://{address}");
    HttpServer::new(move || {
        App::new()
            .wrap(limiter.middleware())
            .wrap(ErrorHandlers::new().handler(StatusCode::TOO_MANY_REQUESTS, log))
            .service(coffee)
            .service(tea)
    })
    .bind(address)?
    .run()
    .await
}
