//! Limits and exemptions of scopes and resources: the blueprints of the reference.

use std::time::Duration;

use actix_web::{App, HttpRequest, dev::Service, guard, test::init_service, web};
use limiter_actix::{Exemption, FakeClock, ScopeLimits, limit};

async fn answer() -> &'static str {
    "answer"
}

/// An undecorated endpoint at the root of a scope.
fn root() -> actix_web::Resource {
    web::resource("/").route(web::get().to(answer))
}

#[actix_web::test]
async fn a_scope_that_does_not_override_adds_to_the_defaults() {
    let clock = FakeClock::new();
    let limits = ScopeLimits::new("api").limits(["1/second"]).override_defaults(false);
    let scope = web::scope("/api").wrap(limits).service(root());
    let app = app!(limiter!(default_limits(["2/minute"]), clock(clock.clone())), scope);
    assert_eq!(statuses!(app, GET "/api/", 2), [200, 429]);
    clock.advance(Duration::from_secs(1));
    assert_eq!(statuses!(app, GET "/api/", 1), [200]);
    clock.advance(Duration::from_secs(1));
    assert_eq!(statuses!(app, GET "/api/", 1), [429], "the default");
}

#[actix_web::test]
async fn shared_limits_of_a_scope_are_one_counter() {
    let limits = ScopeLimits::new("api").limits(["3/minute"]).shared(true);
    let scope = web::scope("/api")
        .wrap(limits)
        .service(root())
        .service(web::resource("/other").route(web::get().to(answer)));
    let app = app!(limiter!(), scope);
    assert_eq!(statuses!(app, GET "/api/", 2), [200, 200]);
    assert_eq!(statuses!(app, GET "/api/other", 2), [200, 429]);
}

#[actix_web::test]
async fn a_resource_is_limited_like_a_scope() {
    let limited = web::resource("/limited")
        .wrap(ScopeLimits::new("limited").limits(["1/minute"]).methods(["post"]))
        .route(web::get().to(answer))
        .route(web::post().to(answer));
    let app = app!(limiter!(default_limits(["2/day"])), limited);
    assert_eq!(statuses!(app, POST "/limited", 2), [200, 429]);
    assert_eq!(statuses!(app, GET "/limited", 3), [200, 200, 429], "the default");
}

#[actix_web::test]
async fn a_dynamic_limit_of_a_scope_is_asked_for() {
    let limits = ScopeLimits::new("api").limits(|request: &actix_web::HttpRequest| {
        if request.query_string() == "vip" { "2/minute" } else { "1/minute" }
    });
    let scope = web::scope("/api").wrap(limits).service(root());
    let app = app!(limiter!(), scope);
    assert_eq!(statuses!(app, GET "/api/", 2), [200, 429]);
    assert_eq!(statuses!(app, GET "/api/?vip", 2), [200, 429]);
}

#[actix_web::test]
async fn meta_limits_of_a_scope_count_its_breaches() {
    let clock = FakeClock::new();
    let limits = ScopeLimits::new("api").limits(["1/second"]).meta(["1/minute"]);
    let scope = web::scope("/api").wrap(limits).service(root());
    let app = app!(limiter!(clock(clock.clone())), scope);
    assert_eq!(statuses!(app, GET "/api/", 2), [200, 429]);
    clock.advance(Duration::from_secs(2));
    assert_eq!(statuses!(app, GET "/api/", 1), [429]);
    clock.advance(Duration::from_secs(60));
    assert_eq!(statuses!(app, GET "/api/", 1), [200]);
}

#[actix_web::test]
async fn a_scope_charges_once_whoever_answers() {
    // A guard tells apart a decorated and an undecorated handler on one path, and an inner
    // middleware answers some requests itself.
    let limits = ScopeLimits::new("api").limits(["4/minute"]);
    let scope = web::scope("/api")
        .wrap_fn(|request, next| {
            let stop = request.query_string() == "stop";
            let answered = next.call(request);
            async move {
                if stop {
                    return Err(actix_web::error::ErrorUnauthorized("stop"));
                }
                answered.await
            }
        })
        .wrap(limits)
        .service(
            web::resource("/x").guard(guard::Header("x-own", "1")).route(web::get().to(decorated)),
        )
        .service(web::resource("/x").route(web::get().to(answer)));
    let app = app!(limiter!(), scope);
    assert_eq!(statuses!(app, GET "/api/x", 1), [200]);
    assert_eq!(statuses!(app, GET "/api/x?stop", 1), [401]);
    assert_eq!(statuses!(app, GET "/api/x", 3), [200, 200, 429]);
}

#[limit("1/minute", override_defaults = false)]
async fn decorated() -> &'static str {
    "decorated"
}

#[actix_web::test]
async fn scopes_that_are_cloned_and_then_changed_are_two() {
    let limits = ScopeLimits::new("api");
    let free = web::scope("/free").wrap(limits.clone().exempt(Exemption::ALL)).service(root());
    let limited = web::scope("/limited").wrap(limits.limits(["1/minute"])).service(root());
    let app = app!(limiter!(default_limits(["3/minute"])), free, limited);
    assert_eq!(statuses!(app, GET "/free/", 4), [200; 4]);
    assert_eq!(statuses!(app, GET "/limited/", 2), [200, 429]);
}

#[actix_web::test]
async fn what_matches_nothing_inside_a_scope_is_limited_by_its_method() {
    let limits = ScopeLimits::new("api").limits(["1/minute"]).methods(["POST"]);
    let scope = web::scope("/api").wrap(limits).default_service(web::to(answer));
    let app = app!(limiter!(), scope);
    assert_eq!(statuses!(app, GET "/api/x", 3), [200; 3]);
    assert_eq!(statuses!(app, POST "/api/x", 2), [200, 429], "whoever came first");
}

#[actix_web::test]
async fn an_inner_scope_overrides_only_what_its_own_limits_stand_in_for() {
    let posts = ScopeLimits::new("posts").limits(["1/minute"]).methods(["POST"]);
    let asked = ScopeLimits::new("asked")
        .limits(|request: &HttpRequest| (request.query_string() == "own").then_some("1/minute"));
    let scope = web::scope("/api")
        .wrap(ScopeLimits::new("api").limits(["2/minute"]))
        .service(web::scope("/posts").wrap(posts).service(web::resource("/").to(answer)))
        .service(web::scope("/asked").wrap(asked).service(root()));
    let app = app!(limiter!(), scope);
    assert_eq!(statuses!(app, POST "/api/posts/", 2), [200, 429], "its own");
    assert_eq!(statuses!(app, GET "/api/posts/", 3), [200, 200, 429], "that around it");
    assert_eq!(statuses!(app, GET "/api/asked/?own", 2), [200, 429], "its own");
    assert_eq!(statuses!(app, GET "/api/asked/", 3), [200, 200, 429], "that around it");
}

#[actix_web::test]
async fn a_scope_without_the_middleware_is_never_unlimited() {
    let scope =
        web::scope("/api").wrap(ScopeLimits::new("api").limits(["1/minute"])).service(root());
    let app = init_service(App::new().service(scope)).await;
    assert_eq!(statuses!(app, GET "/api/", 1), [500]);
}

#[actix_web::test]
#[should_panic(expected = "init")]
async fn a_malformed_limit_of_a_scope_stops_the_app_from_starting() {
    let scope = web::scope("/api").wrap(ScopeLimits::new("api").limits(["many"])).service(root());
    let _ = init_service(App::new().service(scope)).await;
}
