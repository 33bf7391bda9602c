//! Only failed logins count, and a successful one forgets them.
//!
//! ```sh
//! cargo run --bin failed_logins
//! for i in 1 2 3 4; do curl -i -d 'user=ada&password=guess' http://127.0.0.1:8080/login; done
//! ```

use std::env;

use actix_web::{App, HttpResponse, HttpServer, dev::ResponseHead, post, web};
use limiter_actix::{CurrentLimit, Limiter, limit};

fn has_failed(head: &ResponseHead) -> bool {
    head.status.is_client_error()
}

/// Each request reserves its place before the password is looked at, and gets it back unless it
/// fails: a hundred guesses at the same moment are no way around the limit.
#[post("/login")]
#[limit("3/hour", deduct_when = has_failed, error_message = "too many failed logins")]
async fn login(form: web::Form<Vec<(String, String)>>, limit: CurrentLimit) -> HttpResponse {
    let field = |name| form.iter().find(|(field, _)| field == name).map(|(_, value)| &**value);
    if field("password") != Some("secret") {
        return HttpResponse::Unauthorized().body("wrong\n");
    }
    match limit.reset().await {
        Ok(()) => HttpResponse::Ok().body("welcome\n"),
        Err(error) => HttpResponse::ServiceUnavailable().body(error.to_string()),
    }
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let limiter = Limiter::builder().build().await.map_err(std::io::Error::other)?;
    let address = env::var("BIND").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    println!("Listening on http://{address}");
    HttpServer::new(move || App::new().wrap(limiter.middleware()).service(login))
        .bind(address)?
        .run()
        .await
}
