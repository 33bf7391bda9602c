//! Limits and exemptions of scopes and resources: the blueprints of the reference.

use std::time::Duration;

use actix_web::{App, dev::Service, get, guard, test::init_service, web};
use limiter_actix::{Exemption, FakeClock, Limiter, ScopeLimits, limit};

async fn answer() -> &'static str {
    "answer"
}

/// An undecorated endpoint at the root of a scope.
fn root() -> actix_web::Resource {
    web::resource("/").route(web::get().to(answer))
}

#[get("/own")]
#[limit("3/minute")]
async fn own() -> &'static str {
    "own"
}

#[get("/both")]
#[limit("3/second", override_defaults = false)]
async fn both() -> &'static str {
    "both"
}

#[actix_web::test]
async fn a_scope_limits_each_endpoint_inside() {
    let limits = ScopeLimits::new("api").limits(["2/minute"]);
    let scope = web::scope("/api").wrap(limits).service(root()).service(
        web::resource("/other").route(web::get().to(answer)).route(web::post().to(answer)),
    );
    let app = app!(limiter!(default_limits(["1/day"])), scope, root());
    for _ in 0..2 {
        // The limits are the same whether or not the endpoint has been seen.
        assert_eq!(statuses!(app, GET "/api/", 1), [200]);
        assert_eq!(statuses!(app, GET "/api/other", 1), [200]);
        assert_eq!(statuses!(app, POST "/api/other", 1), [200]);
    }
    assert_eq!(statuses!(app, GET "/api/", 1), [429]);
    assert_eq!(statuses!(app, GET "/api/other", 1), [429]);
    assert_eq!(statuses!(app, POST "/api/other", 1), [429]);
    assert_eq!(statuses!(app, GET "/", 2), [200, 429]);
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
async fn b54_a_handler_overrides_its_scope_or_adds_to_it() {
    let clock = FakeClock::new();
    let limits = ScopeLimits::new("api").limits(["1/minute"]);
    let scope = web::scope("/api").wrap(limits).service(own).service(both);
    let app = app!(limiter!(default_limits(["1/day"]), clock(clock.clone())), scope);
    assert_eq!(statuses!(app, GET "/api/own", 4), [200, 200, 200, 429]);
    assert_eq!(statuses!(app, GET "/api/both", 2), [200, 429], "the scope's limit");
    clock.advance(Duration::from_secs(60));
    assert_eq!(statuses!(app, GET "/api/both", 1), [200], "and not the default");
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

#[actix_web::test]
async fn b56_exempting_a_parent_does_not_exempt_a_child() {
    for (parent, child_statuses) in [
        (ScopeLimits::new("parent").exempt(Exemption::ALL), [200, 429]),
        (ScopeLimits::new("parent").exempt(Exemption::ALL).exempt_descendants(), [200, 200]),
    ] {
        let child = web::scope("/child").wrap(ScopeLimits::new("child")).service(root());
        let parent = web::scope("/parent").wrap(parent).service(child).service(root());
        let app = app!(limiter!(default_limits(["1/minute"])), parent, root());
        assert_eq!(statuses!(app, GET "/", 2), [200, 429]);
        assert_eq!(statuses!(app, GET "/parent/", 2), [200, 200]);
        assert_eq!(statuses!(app, GET "/parent/child/", 2), child_statuses);
    }
}

/// `b55` of the reference: seven nested scopes, their exemptions and their limits.
#[actix_web::test]
async fn b55_seven_scopes_inherit_override_and_opt_out() {
    let clock = FakeClock::new();
    let limiter: Limiter =
        limiter!(default_limits(["1/minute"]), application_limits(["5/day"]), clock(clock.clone()));
    let unlimited = Exemption { defaults: true, application: true, meta: false };
    let n1 = ScopeLimits::new("n1").exempt(unlimited).exempt_descendants();
    let n1_1 = ScopeLimits::new("n1_1").limits(["2/minute"]);
    let n1_1_1 = ScopeLimits::new("n1_1_1").without_ancestors();
    let n1_1_2 = ScopeLimits::new("n1_1_2").limits(["3/minute"]);
    let n2 = ScopeLimits::new("n2").limits(["2/minute"]);
    let n2_1 = ScopeLimits::new("n2_1").limits(["3/minute"]).exempt(unlimited);
    let n2_1_1 = ScopeLimits::new("n2_1_1").without_ancestors();
    let tree = web::scope("/n1").wrap(n1).service(
        web::scope("/n1_1")
            .wrap(n1_1)
            .service(web::scope("/n1_1_1").wrap(n1_1_1).service(root()))
            .service(web::scope("/n1_1_2").wrap(n1_1_2).service(root()))
            .service(root()),
    );
    let other = web::scope("/n2").wrap(n2).service(
        web::scope("/n2_1")
            .wrap(n2_1)
            .service(web::scope("/n2_1_1").wrap(n2_1_1).service(root()))
            .service(root()),
    );
    let app = app!(limiter, tree.service(root()), other.service(root()), root());

    assert_eq!(statuses!(app, GET "/", 2), [200, 429]);
    assert_eq!(statuses!(app, GET "/n1/", 2), [200, 200]);
    assert_eq!(statuses!(app, GET "/n1/n1_1/", 3), [200, 200, 429]);
    assert_eq!(statuses!(app, GET "/n1/n1_1/n1_1_1/", 3), [200, 200, 200]);
    assert_eq!(statuses!(app, GET "/n1/n1_1/n1_1_2/", 4), [200, 200, 200, 429]);
    assert_eq!(statuses!(app, GET "/n2/", 3), [200, 200, 429]);
    assert_eq!(statuses!(app, GET "/n2/n2_1/", 4), [200, 200, 200, 429]);
    assert_eq!(statuses!(app, GET "/n2/n2_1/n2_1_1/", 2), [200, 429]);
    clock.advance(Duration::from_secs(60));
    assert_eq!(statuses!(app, GET "/n2/n2_1/n2_1_1/", 2), [200, 429]);
    clock.advance(Duration::from_secs(60));
    assert_eq!(statuses!(app, GET "/n2/n2_1/n2_1_1/", 1), [429], "five a day are used");
    for exempt in ["/n1/", "/n1/n1_1/", "/n1/n1_1/n1_1_1/", "/n1/n1_1/n1_1_2/"] {
        assert_eq!(statuses!(app, GET exempt, 1), [200], "{exempt}");
    }
    assert_eq!(statuses!(app, GET "/", 1), [429]);
    assert_eq!(statuses!(app, GET "/n2/", 1), [429]);
}

#[actix_web::test]
async fn b55_explicit_limits_of_nested_scopes_add_up_unless_they_override() {
    let clock = FakeClock::new();
    let limiter = limiter!(default_limits(["1/minute"]), clock(clock.clone()));
    let parent = ScopeLimits::new("parent").limits(["3/hour"]);
    let child = ScopeLimits::new("child").limits(["2/minute"]);
    let grand_child = ScopeLimits::new("grand").limits(["5/day"]).override_defaults(false);
    let grand_child = web::scope("/grand_child").wrap(grand_child).service(root());
    let child = web::scope("/child").wrap(child).service(grand_child).service(root());
    let parent = web::scope("/parent").wrap(parent).service(child).service(root());
    let app = app!(limiter, parent, root());

    let grand_child = "/parent/child/grand_child/";
    assert_eq!(statuses!(app, GET "/", 2), [200, 429]);
    assert_eq!(statuses!(app, GET "/parent/", 4), [200, 200, 200, 429]);
    assert_eq!(statuses!(app, GET "/parent/child/", 3), [200, 200, 429]);
    clock.advance(Duration::from_secs(60));
    assert_eq!(statuses!(app, GET "/parent/child/", 2), [200, 200], "the parent's is overridden");
    assert_eq!(statuses!(app, GET grand_child, 3), [200, 200, 429], "the child's is not");
    clock.advance(Duration::from_secs(60));
    assert_eq!(statuses!(app, GET grand_child, 2), [200, 429], "three an hour, of the parent");
    for _ in 0..2 {
        clock.advance(Duration::from_secs(3600));
        assert_eq!(statuses!(app, GET grand_child, 1), [200]);
    }
    clock.advance(Duration::from_secs(3600));
    assert_eq!(statuses!(app, GET grand_child, 1), [429], "five a day, of its own");
}
