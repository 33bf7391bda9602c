//! What matches no resource, and paths that are exempt.

use actix_web::{
    App, Error, HttpResponse,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    get,
    middleware::{Condition, Next, from_fn},
    test::init_service,
    web,
};
use limiter_actix::{Key, Limiter, ScopeLimits, handlers, limit};
use limiter_tests::Log;

use crate::{
    asking::{at_once, count, in_turn, misguided, misguided_at_once, request},
    layers::pause,
};

#[get("/plain")]
async fn plain() -> &'static str {
    "plain"
}

#[get("/new")]
async fn new() -> &'static str {
    "new"
}

#[limit("9/minute", per_method = true)]
async fn per_method() -> &'static str {
    "per method"
}

#[get("/static/own")]
#[limit("2/minute")]
async fn own_file() -> &'static str {
    "own"
}

/// `/old` is served as `/new`.
async fn rewrite(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    if request.path() == "/old" {
        let uri: actix_web::http::Uri = "/new".parse().unwrap();
        request.match_info_mut().get_mut().update(&uri);
        request.head_mut().uri = uri;
    }
    next.call(request).await
}

/// The app behind a layer that rewrites paths, at once or after a while.
macro_rules! rewriting {
    ($limiter:expr) => {{
        let limiter = $limiter;
        let app = App::new()
            .wrap(from_fn(rewrite))
            .wrap(from_fn(pause))
            .wrap(limiter.middleware())
            .service(plain)
            .service(new);
        init_service(app).await
    }};
}

#[actix_web::test]
async fn rewritten_paths_are_limited_one_after_another() {
    for limit_unmatched in [true, false] {
        let limiter = limiter!(default_limits(["3/minute"]), limit_unmatched(limit_unmatched));
        let app = rewriting!(limiter);
        let statuses = in_turn(&app, 1_000, || request("GET /old")).await;
        let served = count(&statuses, 200);
        assert!(misguided(3).contains(&served), "{served}, {limit_unmatched}");
        assert_eq!(count(&statuses, 429), 1_000 - served);
        assert_eq!(statuses!(app, GET "/new", 4, "192.0.2.2"), [200, 200, 200, 429]);
    }
}

#[actix_web::test]
async fn rewritten_paths_are_limited_at_once() {
    for limit_unmatched in [true, false] {
        let limiter = limiter!(default_limits(["2/minute"]), limit_unmatched(limit_unmatched));
        let app = rewriting!(limiter);
        let statuses = at_once(&app, (0..500).map(|_| request("GET /old"))).await;
        let served = count(&statuses, 200);
        assert!(misguided_at_once(2).contains(&served), "{served}, {limit_unmatched}");
        assert_eq!(count(&statuses, 429), 500 - served);
    }
}

#[actix_web::test]
async fn a_rewritten_path_and_the_one_it_is_served_as_are_one_endpoint() {
    let app = rewriting!(limiter!(default_limits(["4/minute"])));
    assert_eq!(statuses!(app, GET "/old", 2), [200; 2]);
    assert_eq!(statuses!(app, GET "/new", 2), [200; 2]);
    assert_eq!(statuses!(app, GET "/new", 1), [429]);
}

#[actix_web::test]
async fn unmatched_requests_cost_nothing_if_so_configured() {
    let limiter = limiter!(default_limits(["2/minute"]), limit_unmatched(false));
    let by_hand = web::resource("/hand").route(web::get().to(HttpResponse::Ok));
    let app = app!(limiter, plain, by_hand);
    assert_eq!(statuses!(app, GET "/nowhere", 20), [404; 20]);
    assert_eq!(statuses!(app, DELETE "/plain", 20), [404; 20], "no resource for this method");
    assert_eq!(statuses!(app, DELETE "/hand", 20), [405; 20]);
    assert_eq!(statuses!(app, HEAD "/hand", 20), [405; 20]);
    assert_eq!(statuses!(app, GET "/plain", 3), [200, 200, 429]);
    assert_eq!(statuses!(app, GET "/hand", 3), [200, 200, 429]);
    assert_eq!(statuses!(app, DELETE "/hand", 20), [405; 20], "as before");
}

#[actix_web::test]
async fn unmatched_requests_cost_no_application_limit_if_so_configured() {
    let limiter = limiter!(application_limits(["2/minute"]), limit_unmatched(false));
    let by_hand = web::resource("/hand").route(web::get().to(HttpResponse::Ok));
    let app = app!(limiter, plain, by_hand);
    assert_eq!(statuses!(app, GET "/nowhere", 20), [404; 20]);
    assert_eq!(statuses!(app, DELETE "/hand", 20), [405; 20]);
    assert_eq!(statuses!(app, GET "/plain", 1), [200]);
    assert_eq!(statuses!(app, GET "/hand", 2), [200, 429]);
}

#[actix_web::test]
async fn unmatched_requests_at_once_cost_nothing_if_so_configured() {
    let app = rewriting!(limiter!(default_limits(["2/minute"]), limit_unmatched(false)));
    let statuses = at_once(&app, (0..64).map(|_| request("GET /nowhere"))).await;
    assert_eq!(statuses, [404; 64]);
}

#[actix_web::test]
async fn everything_below_an_exempt_path_is_exempt() {
    let limiter = limiter!(default_limits(["50/hour"]), exempt_path("/static/*"));
    let app = app!(
        limiter,
        own_file,
        web::resource("/static/{file:.*}").route(web::get().to(HttpResponse::Ok)),
        web::resource("/staticky").route(web::get().to(HttpResponse::Ok)),
    );
    for number in 0..60 {
        assert_eq!(statuses!(app, GET & format!("/static/{number}.js"), 1), [200]);
        assert_eq!(statuses!(app, GET & format!("/static/deep/er/{number}.js"), 1), [200]);
    }
    assert_eq!(statuses!(app, GET "/st%61tic/same.js", 60), [200; 60], "the path it stands for");
    assert_eq!(statuses!(app, DELETE "/static/same.js", 60), [405; 60]);
    assert_eq!(statuses!(app, GET "/staticky", 51)[49..], [200, 429], "not below it");
    assert_eq!(statuses!(app, GET "/static/own", 3), [200, 200, 429], "its own limit");
}

#[actix_web::test]
async fn no_path_that_leads_out_again_is_below_an_exempt_path() {
    for path in [
        "/static/../search",
        "/static/deep/../../search",
        "/static/%2e%2e/search",
        "/static/..%2fsearch",
        "/static/..%5Csearch",
        "/static/..",
    ] {
        let limiter = limiter!(application_limits(["2/hour"]), exempt_path("/static/*"));
        // A proxy, say, whose upstream reads `..` as the folder above.
        let app = app!(limiter, web::resource("/{path:.*}").route(web::get().to(HttpResponse::Ok)));
        assert_eq!(statuses!(app, GET path, 3), [200, 200, 429], "{path}");
    }
}

#[actix_web::test]
async fn what_is_missing_below_an_exempt_path_is_exempt_too() {
    for layer in [false, true] {
        let limiter = limiter!(application_limits(["2/hour"]), exempt_path("/static/*"));
        let app = App::new()
            .wrap(Condition::new(layer, from_fn(pause)))
            .wrap(limiter.middleware())
            .service(plain);
        let app = init_service(app).await;
        assert_eq!(statuses!(app, GET "/static/missing.js", 20), [404; 20]);
        assert_eq!(statuses!(app, GET "/plain", 3), [200, 200, 429]);
        assert_eq!(statuses!(app, GET "/static/missing.js", 20), [404; 20]);
    }
}

#[actix_web::test]
async fn a_star_elsewhere_in_an_exempt_path_is_a_mistake() {
    for path in ["/static*", "/*/files", "/a*b", "*", "static/*", "/static/**", "/*/*"] {
        let error = Limiter::builder().exempt_path(path).build().await.unwrap_err().to_string();
        assert!(error.contains("exempt_path") && error.contains(path), "{path}: {error}");
    }
    Limiter::builder().exempt_path("/static/*").exempt_path("/health").build().await.unwrap();
}

#[actix_web::test]
async fn methods_are_named_as_people_write_them() {
    let limiter = limiter!(key(|_: &actix_web::HttpRequest| "somebody"));
    let app = app!(limiter, web::resource("/per-method").to(per_method));
    let record = handlers().into_iter().find(|record| record.name() == "per_method").unwrap();
    assert_eq!(statuses!(app, GET "/per-method", 2), [200; 2]);
    assert_eq!(statuses!(app, POST "/per-method", 3), [200; 3]);
    for (method, remaining) in
        [("GET", 7), ("get", 7), ("Get", 7), ("POST", 6), ("post", 6), ("PUT", 9), ("put", 9)]
    {
        let limits = limiter.limits_of(record, method);
        let decision = limiter.peek(&limits[0].limit, &Key::text("somebody")).await.unwrap();
        assert_eq!(decision.remaining(), remaining, "{method}");
    }
}

#[actix_web::test]
async fn a_limiter_under_a_condition_is_an_error_that_names_the_remedy() {
    #[get("/limited")]
    #[limit("2/minute")]
    async fn limited() -> &'static str {
        "limited"
    }
    let limiter = limiter!(default_limits(["2/minute"]));
    let scope = web::scope("/s").wrap(ScopeLimits::new("s").limits(["2/minute"])).service(plain);
    let app = App::new()
        .wrap(Condition::new(false, limiter.middleware()))
        .service(limited)
        .service(plain)
        .service(scope);
    let app = init_service(app).await;
    for path in ["/limited", "/s/plain"] {
        let (log, guard) = Log::listen();
        assert_eq!(statuses!(app, GET path, 1), [500], "{path}");
        drop(guard);
        assert!(log.text().contains("enabled(false)"), "{path}: {}", log.text());
    }
    assert_eq!(statuses!(app, GET "/plain", 3), [200; 3]);
}
