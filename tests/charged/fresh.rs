//! The first requests of a process are answered like all others.

use actix_web::{
    App, HttpRequest, HttpResponse,
    dev::{Service, ServiceRequest},
    get, guard,
    middleware::from_fn,
    test::init_service,
    web,
};
use limiter_actix::{Exemption, Key, Limiter, MissingIdentity, ScopeLimits, exempt, limit};

use crate::{
    asking::{at_once, count, in_turn, request, request_from, status},
    layers::{WRONG, pause, refuse},
};

#[get("/plain")]
async fn plain() -> &'static str {
    "plain"
}

#[get("/named")]
async fn named() -> &'static str {
    "named"
}

#[exempt]
async fn health() -> &'static str {
    "ok"
}

#[get("/own")]
#[limit("100/minute")]
async fn own() -> &'static str {
    "own"
}

#[limit("100/minute")]
async fn own_by_hand() -> &'static str {
    "own"
}

#[limit("1000/minute")]
async fn thousand() -> &'static str {
    "thousand"
}

async fn undecorated() -> &'static str {
    "undecorated"
}

/// An exempt scope, for internal use.
fn internal() -> ScopeLimits {
    ScopeLimits::new("internal").exempt(Exemption::ALL)
}

/// A limiter that nobody passes twice in an hour.
async fn once_an_hour() -> Limiter {
    limiter!(application_limits(["1/hour"]))
}

/// Asserts that a path is served from the first request on, for a client that has nothing left.
macro_rules! assert_exempt {
    ($app:expr, $path:expr) => {
        assert_eq!(statuses!($app, GET "/plain", 2), [200, 429], "before {}", $path);
        assert_eq!(statuses!($app, GET $path, 5), [200; 5], "{}", $path);
        assert_eq!(statuses!($app, GET "/plain", 1), [429], "after {}", $path);
    };
}

#[actix_web::test]
async fn a_health_check_that_is_mounted_by_hand_is_exempt_at_once() {
    let by_resource = web::resource("/health").route(web::get().to(health));
    let app = app!(once_an_hour().await, plain, by_resource);
    assert_exempt!(app, "/health");

    let limiter = once_an_hour().await;
    let app = App::new().wrap(limiter.middleware()).service(plain);
    let app = init_service(app.route("/health", web::get().to(health))).await;
    assert_exempt!(app, "/health");

    let scoped = web::scope("/v1").route("/health", web::get().to(health));
    let app = app!(once_an_hour().await, plain, scoped);
    assert_exempt!(app, "/v1/health");
}

#[get("/status")]
#[exempt(defaults)]
async fn without_defaults() -> &'static str {
    "status"
}

#[get("/internal")]
#[limit("1/minute", exempt_when = |_: &HttpRequest| true)]
async fn never_limited() -> &'static str {
    "internal"
}

#[actix_web::test]
async fn who_is_locked_out_is_not_at_a_handler_without_limits_that_nobody_has_reached() {
    for path in ["/status", "/internal", "/scope/plain"] {
        let exempt = Exemption { defaults: true, ..Exemption::NONE };
        let scope = web::scope("/scope").wrap(ScopeLimits::new("open").exempt(exempt));
        let scope = scope.service(plain);
        let limiter = limiter!(default_limits(["1/minute"]), meta_limits(["1/day"]));
        let app = app!(limiter, plain, without_defaults, never_limited, own, scope);
        assert_eq!(statuses!(app, GET "/plain", 3), [200, 429, 429], "before {path}");
        assert_eq!(statuses!(app, GET "/own", 2), [429, 429], "it has a limit");
        assert_eq!(statuses!(app, GET path, 5), [200; 5], "{path}");
        assert_eq!(statuses!(app, GET "/plain", 1), [429], "after {path}");
    }
}

#[get("/keyed")]
#[limit("100/minute", key = |_: &HttpRequest| None::<Key>)]
async fn keyed() -> &'static str {
    "keyed"
}

#[actix_web::test]
async fn who_is_locked_out_is_not_where_all_limits_are_skipped_for_want_of_a_key() {
    let limiter = limiter!(
        default_limits(["1/minute"]),
        meta_limits(["1/day"]),
        missing_identity(MissingIdentity::Skip)
    );
    let app = app!(limiter, plain, keyed, own);
    assert_eq!(statuses!(app, GET "/plain", 3), [200, 429, 429]);
    assert_eq!(statuses!(app, GET "/own", 2), [429, 429], "its limit has the limiter's key");
    assert_eq!(statuses!(app, GET "/keyed", 5), [200; 5]);
}

#[actix_web::test]
async fn a_handler_that_is_exempt_together_with_its_scope_is_exempt_at_once() {
    let of_application = Exemption { application: true, ..Exemption::NONE };
    let scope = web::scope("/scope").wrap(ScopeLimits::new("api").exempt(of_application));
    let limiter = limiter!(default_limits(["1/hour"]), application_limits(["1/hour"]));
    let app = App::new().wrap(from_fn(refuse)).wrap(limiter.middleware());
    let app = init_service(app.service(scope.service(without_defaults))).await;
    // In front of the handler the application's limit counts, and the default one.
    assert_eq!(status(&app, request("GET /scope/status").insert_header(WRONG)).await, 401);
    assert_eq!(statuses!(app, GET "/scope/status", 3), [200; 3]);
}

#[actix_web::test]
async fn an_undecorated_route_in_an_exempt_scope_is_exempt_at_once() {
    let by_hand = web::scope("/internal")
        .wrap(internal())
        .route("/health", web::get().to(undecorated))
        .service(named);
    let app = app!(once_an_hour().await, plain, by_hand);
    assert_exempt!(app, "/internal/health");

    let limited = web::resource("/health").wrap(internal()).route(web::get().to(undecorated));
    let app = app!(once_an_hour().await, plain, limited);
    assert_exempt!(app, "/health");
}

#[actix_web::test]
async fn an_exempt_scope_around_a_named_undecorated_route_is_exempt_at_once() {
    for other_met in [false, true] {
        let scope = web::scope("/internal")
            .wrap(internal())
            .route("/other", web::get().to(undecorated))
            .service(named);
        let app = app!(once_an_hour().await, plain, scope);
        if other_met {
            assert_eq!(statuses!(app, GET "/internal/other", 1, "192.0.2.2"), [200]);
        }
        assert_exempt!(app, "/internal/named");
    }
}

#[actix_web::test]
async fn the_root_of_an_exempt_scope_is_exempt_although_its_layer_turned_a_stranger_away() {
    for stranger in [false, true] {
        let undecorated = ("/s", internal(), web::get().to(undecorated));
        let decorated = ("/d", ScopeLimits::new("d"), web::get().to(health));
        for (path, limits, route) in [undecorated, decorated] {
            let root = web::resource("").route(route);
            let scope = web::scope(path).wrap(from_fn(refuse)).wrap(limits).service(root);
            let limiter = once_an_hour().await;
            let app = App::new().wrap(limiter.middleware()).service(plain).service(scope);
            let app = init_service(app).await;
            if stranger {
                let wrong = request_from("192.0.2.2", &format!("GET {path}")).insert_header(WRONG);
                assert_eq!(status(&app, wrong).await, 401);
            }
            assert_exempt!(app, path);
        }
    }
}

#[actix_web::test]
async fn one_handler_at_two_paths_is_exempt_at_both() {
    for first in ["", "/health", "/healthz"] {
        let app = app!(
            once_an_hour().await,
            plain,
            web::resource("/health").route(web::get().to(health)),
            web::resource("/healthz").route(web::get().to(health)),
        );
        if !first.is_empty() {
            assert_eq!(statuses!(app, GET first, 1, "192.0.2.2"), [200]);
        }
        assert_eq!(statuses!(app, GET "/plain", 2), [200, 429]);
        assert_eq!(statuses!(app, GET "/healthz", 5), [200; 5], "first {first}");
        assert_eq!(statuses!(app, GET "/health", 5), [200; 5], "first {first}");
    }
}

#[actix_web::test]
async fn a_handler_behind_a_header_is_exempt_although_a_stranger_came_without_it() {
    let on_resource = || {
        let resource = web::resource("/health").guard(guard::Header("x-probe", "1"));
        resource.route(web::get().to(health))
    };
    let on_route = || {
        let route = web::get().guard(guard::Header("x-probe", "1"));
        web::resource("/health").route(route.to(health))
    };
    for (guarded, refused) in [(on_resource as fn() -> _, 404), (on_route, 405)] {
        for stranger in [false, true] {
            let app = app!(once_an_hour().await, plain, guarded());
            if stranger {
                let without = status(&app, request_from("192.0.2.2", "GET /health")).await;
                assert_eq!(without, refused);
            }
            assert_eq!(statuses!(app, GET "/plain", 2), [200, 429]);
            let probe = || request("GET /health").insert_header(("x-probe", "1"));
            assert_eq!(in_turn(&app, 5, probe).await, [200; 5], "{refused}, stranger: {stranger}");
        }
    }
}

#[actix_web::test]
async fn a_layer_that_hides_a_health_check_from_strangers_leaves_it_exempt() {
    fn hide(request: &ServiceRequest) -> bool {
        request.headers().contains_key(WRONG.0)
    }
    let limiter = once_an_hour().await;
    let app = App::new()
        .wrap_fn(|request, service| {
            let answer = if hide(&request) {
                Err(request.into_response(HttpResponse::NotFound().finish()))
            } else {
                Ok(service.call(request))
            };
            async {
                match answer {
                    Ok(answer) => answer.await,
                    Err(hidden) => Ok(hidden),
                }
            }
        })
        .wrap(limiter.middleware())
        .service(plain)
        .service(web::resource("/health").route(web::get().to(health)));
    let app = init_service(app).await;
    let stranger = request_from("192.0.2.2", "GET /health").insert_header(WRONG);
    assert_eq!(status(&app, stranger).await, 404);
    assert_exempt!(app, "/health");
}

#[actix_web::test]
async fn an_exempt_default_service_is_exempt_at_once() {
    let limiter = once_an_hour().await;
    let app = App::new().wrap(limiter.middleware()).service(plain).default_service(web::to(health));
    let app = init_service(app).await;
    assert_exempt!(app, "/index.html");

    let scope = web::scope("/spa").default_service(web::to(health));
    let app = app!(once_an_hour().await, plain, scope);
    assert_exempt!(app, "/spa/index.html");

    let scope = web::scope("/spa").wrap(internal()).default_service(web::to(undecorated));
    let app = app!(once_an_hour().await, plain, scope);
    assert_exempt!(app, "/spa/index.html");
}

#[actix_web::test]
async fn what_is_not_there_is_denied_to_who_has_nothing_left() {
    let by_hand = web::resource("/health").route(web::get().to(health));
    let app = app!(once_an_hour().await, plain, by_hand);
    assert_eq!(statuses!(app, GET "/plain", 2), [200, 429]);
    assert_eq!(statuses!(app, GET "/nowhere", 3), [429; 3]);
    assert_eq!(statuses!(app, DELETE "/plain", 3), [429; 3]);
    assert_eq!(statuses!(app, GET "/health", 5), [200; 5]);
}

#[actix_web::test]
async fn an_exempt_handler_needs_no_identity() {
    let nobody = |_: &HttpRequest| -> Option<String> { None };
    let by_hand = web::resource("/health").route(web::get().to(health));
    let app = app!(limiter!(default_limits(["1/hour"]), key(nobody)), plain, by_hand);
    assert_eq!(statuses!(app, GET "/health", 5), [200; 5]);
    assert_eq!(statuses!(app, GET "/plain", 2), [403; 2]);
}

#[actix_web::test]
async fn ten_at_once_are_served_what_their_handler_allows() {
    let limiter = limiter!(default_limits(["1/minute"]));
    let app = App::new()
        .wrap(from_fn(pause))
        .wrap(limiter.middleware())
        .service(own)
        .service(web::resource("/hand").route(web::get().to(own_by_hand)))
        .service(web::resource("/health").route(web::get().to(health)));
    let app = init_service(app).await;
    for line in ["GET /own", "GET /hand", "GET /health"] {
        let statuses = at_once(&app, (0..10).map(|_| request(line))).await;
        assert_eq!(statuses, [200; 10], "{line}");
    }
}

/// A handler of a thousand a minute, where the default is five, behind a layer that takes its time.
macro_rules! thousand {
    () => {{
        let limiter = limiter!(default_limits(["5/minute"]));
        let app = App::new()
            .wrap(from_fn(pause))
            .wrap(limiter.middleware())
            .service(web::resource("/thousand").route(web::get().to(thousand)));
        init_service(app).await
    }};
}

#[actix_web::test]
async fn sixty_four_at_once_are_served_what_a_known_handler_allows() {
    let app = thousand!();
    assert_eq!(statuses!(app, GET "/thousand", 1, "192.0.2.2"), [200]);
    let statuses = at_once(&app, (0..64).map(|_| request("GET /thousand"))).await;
    assert_eq!(count(&statuses, 200), 64);
}

#[actix_web::test]
async fn sixty_four_at_once_are_served_what_a_handler_allows_that_nobody_has_reached_yet() {
    let app = thousand!();
    let statuses = at_once(&app, (0..64).map(|_| request("GET /thousand"))).await;
    assert_eq!(count(&statuses, 200), 64);
}

#[actix_web::test]
async fn a_limit_that_a_function_gets_wrong_does_not_stand_before_an_exempt_handler() {
    fn wrong(_: &HttpRequest) -> &'static str {
        "many"
    }
    let by_hand = web::resource("/health").route(web::get().to(health));
    let policy = limiter_actix::InvalidLimit::Deny;
    let limiter = limiter!(default_limits(wrong), invalid_dynamic_limit(policy));
    let app = app!(limiter, plain, by_hand);
    assert_eq!(statuses!(app, GET "/plain", 1), [500]);
    assert_eq!(statuses!(app, GET "/health", 5), [200; 5]);
}
