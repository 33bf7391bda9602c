//! Behaviours 49 to 52: limits that functions say.

use actix_web::{HttpMessage, HttpRequest, dev::Service, get, web};
use limiter_actix::{Limiter, limit};
use limiter_tests::Log;

use crate::site::Place;

in_process_and_over_sockets!(
    b49_a_dynamic_limit_is_asked_for_with_every_request,
    b50_a_dynamic_limit_sees_what_an_outer_middleware_found_out,
    b51_an_empty_dynamic_limit_leaves_the_defaults,
    b52_an_invalid_limit_leaves_the_defaults,
);

fn tier_of(request: &HttpRequest) -> Option<String> {
    Some(request.headers().get("x-tier")?.to_str().ok()?.to_owned())
}

#[get("/dynamic")]
#[limit(tier_of)]
async fn dynamic() -> &'static str {
    "dynamic"
}

/// A client who changes its tier keeps what it used: the amount is not in the key (D4).
async fn b49_a_dynamic_limit_is_asked_for_with_every_request(place: Place) {
    let site = site!(place, limiter!(), dynamic);
    let small = site.get("/dynamic").header("x-tier", "1/minute");
    let large = site.get("/dynamic").header("x-tier", "3/minute");
    assert_eq!(small.clone().client(1).times(2).await, [200, 429]);
    assert_eq!(large.clone().client(2).times(4).await, [200, 200, 200, 429]);
    assert_eq!(large.client(1).times(3).await, [200, 200, 429]);
    assert_eq!(small.client(3).times(2).await, [200, 429]);
}

struct Plan(String);

#[limit(|request: &HttpRequest| request.extensions().get::<Plan>().map(|plan| plan.0.clone()))]
async fn planned() -> &'static str {
    "planned"
}

async fn b50_a_dynamic_limit_sees_what_an_outer_middleware_found_out(place: Place) {
    let resource = || {
        web::resource("/planned")
            .wrap_fn(|request, next| {
                let user = request.query_string();
                let plan = Plan(if user == "paid" { "2/minute" } else { "1/minute" }.to_owned());
                request.extensions_mut().insert(plan);
                next.call(request)
            })
            .route(web::get().to(planned))
    };
    let site = site!(place, limiter!(), resource());
    assert_eq!(site.get("/planned?paid").client(1).times(3).await, [200, 200, 429]);
    assert_eq!(site.get("/planned").client(2).times(2).await, [200, 429]);
}

async fn b51_an_empty_dynamic_limit_leaves_the_defaults(place: Place) {
    let site = site!(place, limiter!(default_limits(["1/day"])), dynamic);
    assert_eq!(site.get("/dynamic").times(2).await, [200, 429]);
    assert_eq!(site.get("/dynamic").header("x-tier", "").client(2).times(2).await, [200, 429]);
    assert_eq!(site.get("/dynamic").header("x-tier", "1/minute").times(1).await, [200]);
}

#[actix_web::test]
async fn b51_an_empty_dynamic_limit_is_no_error() {
    let site = site!(Place::InProcess, limiter!(default_limits(["9/day"])), dynamic);
    let (log, guard) = Log::listen();
    assert_eq!(site.get("/dynamic").header("x-tier", "").times(2).await, [200, 200]);
    drop(guard);
    assert_eq!(log.text(), "");
}

/// In an attribute, an invalid text does not compile, and in the builder it stops the app from
/// starting (D5); what is left is what functions say.
async fn b52_an_invalid_limit_leaves_the_defaults(place: Place) {
    let site = site!(place, limiter!(default_limits(["1/day"])), dynamic);
    let many = site.get("/dynamic").header("x-tier", "many");
    assert_eq!(many.times(2).await, [200, 429]);
    assert!(Limiter::builder().default_limits(["many"]).build().await.is_err());
}

#[actix_web::test]
async fn b52_an_invalid_limit_is_logged_once_with_its_handler() {
    let site = site!(Place::InProcess, limiter!(default_limits(["9/day"])), dynamic);
    let (log, guard) = Log::listen();
    assert_eq!(site.get("/dynamic").header("x-tier", "many").times(3).await, [200; 3]);
    drop(guard);
    let log = log.text();
    assert_eq!(log.matches("ERROR").count(), 1, "{log}");
    assert!(log.contains("dynamic::dynamic") && log.contains("many"), "{log}");
}
