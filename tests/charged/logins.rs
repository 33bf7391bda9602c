//! What an inner layer answers before a decorated handler: wrong logins.

use std::time::Duration;

use actix_http::Request;
use actix_web::{
    App, Error, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{ResponseHead, Service, ServiceRequest, ServiceResponse},
    get,
    middleware::{Next, from_fn},
    post,
    test::{TestRequest, init_service},
    web,
};
use limiter_actix::{
    Exemption, FakeClock, Limiter, LimiterBuilder, ScopeLimits, exempt, header, limit,
};
use limiter_tests::Log;

use crate::{
    asking::{at_once, count, in_turn, one_by_one, overlapping, request, request_from, status},
    layers::{WRONG, answer, pause, refuse},
};

#[post("/login")]
#[limit("5/minute")]
async fn login() -> &'static str {
    "welcome"
}

#[post("/by-key")]
#[limit("5/minute", key = header("x-api-key"))]
async fn by_key() -> &'static str {
    "welcome"
}

#[post("/failures")]
#[limit("5/minute", deduct_when = has_failed)]
async fn failures() -> HttpResponse {
    HttpResponse::Ok().finish()
}

#[post("/successes")]
#[limit("5/minute", override_defaults = false, deduct_when = has_succeeded)]
async fn successes() -> HttpResponse {
    HttpResponse::Ok().finish()
}

#[post("/hundred")]
#[limit("100/minute")]
async fn hundred() -> &'static str {
    "welcome"
}

#[get("/plain")]
async fn plain() -> &'static str {
    "plain"
}

#[get("/health")]
#[exempt]
async fn health() -> &'static str {
    "ok"
}

fn has_failed(head: &ResponseHead) -> bool {
    head.status.is_client_error()
}

fn has_succeeded(head: &ResponseHead) -> bool {
    head.status.is_success()
}

/// Answers wrong requests as the test says: with a response or an error.
async fn check(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    match request.headers().contains_key("x-error") {
        true => refuse(request, next).await.map(ServiceResponse::map_into_boxed_body),
        false => answer(request, next).await,
    }
}

async fn served(
    limiter: &Limiter,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody + use<>>, Error = Error> + use<>
{
    let app = App::new()
        .wrap(from_fn(check))
        .wrap(from_fn(pause))
        .wrap(limiter.middleware())
        .service(login)
        .service(by_key)
        .service(failures)
        .service(successes)
        .service(hundred)
        .service(plain)
        .service(health);
    init_service(app).await
}

/// How a wrong login is answered.
#[derive(Clone, Copy, Debug)]
enum As {
    Response,
    Error,
}

const BOTH: [As; 2] = [As::Response, As::Error];

fn wrong(path: &str, answered: As) -> TestRequest {
    let request = request(&format!("POST {path}")).insert_header(WRONG);
    match answered {
        As::Response => request,
        As::Error => request.insert_header(("x-error", "yes")),
    }
}

/// A stranger logs in, so that the gate is met.
async fn meet<S, B>(app: &S, path: &str)
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
{
    let stranger = request_from("192.0.2.9", &format!("POST {path}"));
    assert_eq!(status(app, stranger.insert_header(("x-api-key", "9"))).await, 200);
}

/// Without other limits, and with such as are no matter.
fn builders() -> [LimiterBuilder; 3] {
    [
        Limiter::builder(),
        Limiter::builder().default_limits(["1000/hour"]),
        Limiter::builder().application_limits(["1000/hour"]),
    ]
}

#[actix_web::test]
async fn wrong_logins_use_up_the_limit_of_the_handler() {
    for answered in BOTH {
        for (number, builder) in builders().into_iter().enumerate() {
            let app = served(&builder.build().await.unwrap()).await;
            meet(&app, "/login").await;
            let statuses = in_turn(&app, 5, || wrong("/login", answered)).await;
            assert_eq!(statuses, [401; 5], "{answered:?}, limiter {number}");
            assert_eq!(statuses!(app, POST "/login", 2), [429; 2], "{answered:?}, {number}");
            assert_eq!(statuses!(app, POST "/login", 5, "192.0.2.2"), [200; 5], "another client");
        }
    }
}

#[actix_web::test]
async fn wrong_logins_use_up_the_limit_of_a_handler_that_nobody_has_reached_yet() {
    for answered in BOTH {
        for (number, builder) in builders().into_iter().enumerate() {
            let app = served(&builder.build().await.unwrap()).await;
            let statuses = in_turn(&app, 5, || wrong("/login", answered)).await;
            assert_eq!(statuses, [401; 5], "{answered:?}, limiter {number}");
            assert_eq!(statuses!(app, POST "/login", 2), [429; 2], "{answered:?}, {number}");
        }
    }
}

#[actix_web::test]
async fn right_and_wrong_logins_are_counted_together() {
    for answered in BOTH {
        let app = served(&limiter!(default_limits(["1000/hour"]))).await;
        assert_eq!(statuses!(app, POST "/login", 2), [200; 2]);
        let statuses = in_turn(&app, 2, || wrong("/login", answered)).await;
        assert_eq!(statuses, [401; 2]);
        assert_eq!(statuses!(app, POST "/login", 2), [200, 429], "{answered:?}");
    }
}

#[actix_web::test]
async fn guessing_goes_on_for_a_few_times_beyond_the_limit_of_the_handler() {
    for answered in BOTH {
        for (number, builder) in builders().into_iter().enumerate() {
            let clock = FakeClock::new();
            let app = served(&builder.clock(clock.clone()).build().await.unwrap()).await;
            meet(&app, "/login").await;
            for window in 0..3 {
                let statuses = in_turn(&app, 200, || wrong("/login", answered)).await;
                let guesses = count(&statuses, 401);
                assert!(one_by_one(5).contains(&guesses), "{guesses}, {answered:?}, {number}");
                assert_eq!(count(&statuses, 429), 200 - guesses, "window {window}");
                clock.advance(Duration::from_secs(60));
            }
        }
    }
}

#[actix_web::test]
async fn guessing_at_once_is_bounded_by_the_limit_of_the_handler() {
    for answered in BOTH {
        for (number, builder) in builders().into_iter().enumerate() {
            let app = served(&builder.build().await.unwrap()).await;
            meet(&app, "/login").await;
            let statuses = at_once(&app, (0..500).map(|_| wrong("/login", answered))).await;
            let guesses = count(&statuses, 401);
            assert!(overlapping(5).contains(&guesses), "{guesses}, {answered:?}, {number}");
            assert_eq!(count(&statuses, 429), 500 - guesses);
        }
    }
}

#[actix_web::test]
async fn wrong_logins_use_up_default_and_application_limits() {
    for answered in BOTH {
        for application in [false, true] {
            let limiter = match application {
                true => limiter!(application_limits(["3/minute"])),
                false => limiter!(default_limits(["3/minute"])),
            };
            let app = served(&limiter).await;
            meet(&app, "/hundred").await;
            let statuses = in_turn(&app, 100, || wrong("/hundred", answered)).await;
            let guesses = count(&statuses, 401);
            assert!(one_by_one(3).contains(&guesses), "{guesses}, {answered:?}, {application}");
            assert_eq!(count(&statuses, 429), 100 - guesses);
        }
    }
}

#[actix_web::test]
async fn a_limit_by_another_key_is_left_to_who_has_that_key() {
    for answered in BOTH {
        let app = served(&limiter!(default_limits(["1000/hour"]))).await;
        meet(&app, "/by-key").await;
        assert_eq!(in_turn(&app, 20, || wrong("/by-key", answered)).await, [401; 20]);
        let right = || request("POST /by-key").insert_header(("x-api-key", "1"));
        assert_eq!(in_turn(&app, 6, right).await, [200, 200, 200, 200, 200, 429]);
    }
}

#[actix_web::test]
async fn a_limit_on_failures_counts_what_the_layer_turns_away() {
    for answered in BOTH {
        let app = served(&limiter!(default_limits(["1000/hour"]))).await;
        meet(&app, "/failures").await;
        assert_eq!(statuses!(app, POST "/failures", 20), [200; 20], "no failures");
        assert_eq!(in_turn(&app, 5, || wrong("/failures", answered)).await, [401; 5]);
        assert_eq!(statuses!(app, POST "/failures", 1), [429], "{answered:?}");
    }
}

#[actix_web::test]
async fn limits_on_successes_are_not_used_up_by_what_the_layer_turns_away() {
    for answered in BOTH {
        let limiter =
            limiter!(default_limits(["7/minute"]), default_limits_deduct_when(has_succeeded));
        let app = served(&limiter).await;
        meet(&app, "/successes").await;
        assert_eq!(in_turn(&app, 40, || wrong("/successes", answered)).await, [401; 40]);
        let statuses = statuses!(app, POST "/successes", 6);
        assert_eq!(statuses, [200, 200, 200, 200, 200, 429], "{answered:?}");
    }
}

#[actix_web::test]
async fn a_meta_limit_counts_refusals_that_come_after_the_fact() {
    for answered in BOTH {
        let clock = FakeClock::new();
        let limiter = limiter!(
            default_limits(["3/minute"]),
            meta_limits([limiter_actix::MetaLimit::new("2/hour").block("1 day")]),
            clock(clock.clone())
        );
        let app = served(&limiter).await;
        meet(&app, "/hundred").await;
        let (log, guard) = Log::listen();
        let statuses = in_turn(&app, 5, || wrong("/hundred", answered)).await;
        drop(guard);
        assert_eq!(statuses, [401; 5], "three within the limit, two refused after the fact");
        assert_eq!(log.text().matches("limit exceeded").count(), 2, "{}", log.text());
        clock.advance(Duration::from_secs(7_200));
        assert_eq!(statuses!(app, GET "/plain", 2), [429; 2], "banned for a day: {answered:?}");
        assert_eq!(statuses!(app, POST "/hundred", 1), [429]);
        assert_eq!(statuses!(app, GET "/plain", 2, "192.0.2.2"), [200; 2]);
        clock.advance(Duration::from_secs(86_400));
        assert_eq!(statuses!(app, GET "/plain", 2), [200; 2]);
    }
}

#[actix_web::test]
async fn who_goes_on_after_refusals_is_banned_and_bounded() {
    for answered in BOTH {
        let limiter = limiter!(default_limits(["3/minute"]), meta_limits(["2/hour"]));
        let app = served(&limiter).await;
        meet(&app, "/hundred").await;
        let statuses = in_turn(&app, 100, || wrong("/hundred", answered)).await;
        let guesses = count(&statuses, 401);
        assert!((5..=7).contains(&guesses), "{guesses}: three, two breaches, and unpaid ones");
        assert_eq!(count(&statuses, 429), 100 - guesses);
    }
}

#[actix_web::test]
async fn a_refusal_on_the_way_to_an_exempt_handler_is_no_breach() {
    let clock = FakeClock::new();
    let limiter =
        limiter!(application_limits(["1/minute"]), meta_limits(["1/hour"]), clock(clock.clone()));
    let app = served(&limiter).await;
    assert_eq!(statuses!(app, GET "/plain", 1), [200]);
    assert_eq!(statuses!(app, GET "/health", 20), [200; 20]);
    clock.advance(Duration::from_secs(60));
    assert_eq!(statuses!(app, GET "/plain", 1), [200], "nobody is banned");
}

/// Wrong requests to a layer inside a scope, around a decorated handler.
macro_rules! scoped {
    ($limits:expr) => {{
        let limiter = limiter!(default_limits(["30/hour"]));
        let scope = web::scope("/api")
            .wrap(from_fn(check))
            .wrap(from_fn(pause))
            .wrap($limits)
            .service(hundred);
        init_service(App::new().wrap(limiter.middleware()).service(scope)).await
    }};
}

#[actix_web::test]
async fn a_layer_inside_a_scope_is_charged_as_the_scope_says() {
    for answered in BOTH {
        for known in [false, true] {
            let app = scoped!(ScopeLimits::new("api").limits(["10/minute"]));
            if known {
                meet(&app, "/api/hundred").await;
            }
            let statuses = in_turn(&app, 100, || wrong("/api/hundred", answered)).await;
            let guesses = count(&statuses, 401);
            assert!(one_by_one(10).contains(&guesses), "{guesses}, {answered:?}, {known}");
            assert_eq!(count(&statuses, 429), 100 - guesses);
        }
    }
}

#[actix_web::test]
async fn a_layer_inside_an_exempt_scope_costs_no_default() {
    for answered in BOTH {
        let app = scoped!(ScopeLimits::new("api").exempt(Exemption::ALL));
        let statuses = in_turn(&app, 60, || wrong("/api/hundred", answered)).await;
        assert_eq!(statuses, [401; 60], "{answered:?}");
    }
}
