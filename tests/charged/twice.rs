//! One limiter that stands around itself charges once.

use actix_web::{App, get, middleware::from_fn, test::init_service, web};
use limiter_actix::{ScopeLimits, exempt, limit};

use crate::{
    asking::{at_once, count, in_turn, one_by_one, request},
    layers::{WRONG, pause, refuse},
};

#[get("/plain")]
async fn plain() -> &'static str {
    "plain"
}

#[get("/own")]
#[limit("100/minute")]
async fn own() -> &'static str {
    "own"
}

#[get("/kept")]
#[limit("100/minute", override_defaults = false)]
async fn kept() -> &'static str {
    "kept"
}

#[get("/free")]
#[exempt]
async fn free() -> &'static str {
    "free"
}

fn handlers(app: &mut web::ServiceConfig) {
    app.service(plain).service(own).service(kept).service(free);
}

/// An app and a scope in it, both within one limiter.
macro_rules! twice {
    ($limiter:expr) => {{
        let limiter = $limiter;
        let scope = web::scope("/s").wrap(limiter.middleware()).configure(handlers);
        let app = App::new().wrap(limiter.middleware()).configure(handlers).service(scope);
        init_service(app).await
    }};
}

#[actix_web::test]
async fn default_and_application_limits_are_charged_once() {
    let app = twice!(limiter!(default_limits(["4/minute"])));
    assert_eq!(statuses!(app, GET "/s/plain", 6), [200, 200, 200, 200, 429, 429]);
    assert_eq!(statuses!(app, GET "/plain", 6), [200, 200, 200, 200, 429, 429]);
    let app = twice!(limiter!(application_limits(["4/minute"])));
    assert_eq!(statuses!(app, GET "/s/plain", 6), [200, 200, 200, 200, 429, 429]);
}

#[actix_web::test]
async fn a_handlers_own_limit_is_charged_once_and_overrides_the_defaults() {
    for first in [None, Some("192.0.2.2")] {
        let app = twice!(limiter!(default_limits(["4/minute"])));
        if let Some(stranger) = first {
            assert_eq!(statuses!(app, GET "/s/own", 1, stranger), [200]);
        }
        let statuses = statuses!(app, GET "/s/own", 102);
        assert_eq!(statuses, [[200; 100].as_slice(), &[429; 2]].concat());
        assert_eq!(statuses!(app, GET "/s/kept", 5), [200, 200, 200, 200, 429]);
        assert_eq!(statuses!(app, GET "/s/free", 20), [200; 20]);
    }
}

#[actix_web::test]
async fn what_matches_nothing_is_charged_once() {
    let app = twice!(limiter!(default_limits(["4/minute"])));
    assert_eq!(statuses!(app, GET "/s/nowhere", 6), [404, 404, 404, 404, 429, 429]);
    let app = twice!(limiter!(default_limits(["4/minute"])));
    assert_eq!(statuses!(app, DELETE "/s/plain", 6), [404, 404, 404, 404, 429, 429]);
}

#[actix_web::test]
async fn a_scope_with_limits_between_the_two_is_charged_once() {
    let limiter = limiter!(default_limits(["1/minute"]));
    let inner = web::scope("/inner").wrap(limiter.middleware()).configure(handlers);
    let limits = ScopeLimits::new("s").limits(["4/minute"]);
    let scope = web::scope("/s").wrap(limits).service(inner);
    let app = init_service(App::new().wrap(limiter.middleware()).service(scope)).await;
    assert_eq!(statuses!(app, GET "/s/inner/plain", 6), [200, 200, 200, 200, 429, 429]);
    let statuses = statuses!(app, GET "/s/inner/own", 102);
    assert_eq!(statuses, [[200; 100].as_slice(), &[429; 2]].concat());
}

#[actix_web::test]
async fn early_answers_and_bursts_between_the_two_are_charged_once() {
    let limiter = limiter!(default_limits(["4/minute"]));
    let scope = web::scope("/s").wrap(limiter.middleware()).configure(handlers);
    let app = App::new()
        .wrap(from_fn(refuse))
        .wrap(from_fn(pause))
        .wrap(limiter.middleware())
        .service(scope);
    let app = init_service(app).await;
    assert_eq!(statuses!(app, GET "/s/own", 1, "192.0.2.2"), [200]);
    let burst = at_once(&app, (0..10).map(|_| request("GET /s/own"))).await;
    assert_eq!(burst, [200; 10]);
    let wrong = in_turn(&app, 20, || request("GET /s/own").insert_header(WRONG)).await;
    assert!(one_by_one(4).contains(&count(&wrong, 401)), "{wrong:?}");
    assert_eq!(statuses!(app, GET "/s/own", 10, "192.0.2.2"), [200; 10]);
}

#[actix_web::test]
async fn a_limiter_around_another_around_itself_charges_once() {
    for (outer, middle) in [("4/minute", "9/minute"), ("9/minute", "4/minute")] {
        let outer = limiter!(default_limits([outer]), key_prefix("outer"));
        let middle = limiter!(default_limits([middle]), key_prefix("middle"));
        let innermost = web::scope("/inner").wrap(outer.middleware()).configure(handlers);
        let scope = web::scope("/s").wrap(middle.middleware()).service(innermost);
        let app = init_service(App::new().wrap(outer.middleware()).service(scope)).await;
        assert_eq!(statuses!(app, GET "/s/inner/plain", 6), [200, 200, 200, 200, 429, 429]);
        assert_eq!(statuses!(app, GET "/s/inner/nowhere", 5), [404, 404, 404, 404, 429]);
    }
}
