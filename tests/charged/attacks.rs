//! What somebody tried who wanted to get past, to shut others out, or to keep them waiting.

use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    time::{Duration, Instant},
};

use actix_web::{
    App, Error, HttpRequest,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    get, guard,
    middleware::{Next, from_fn},
    post, rt,
    test::{TestRequest, init_service},
    web,
};
use limiter_actix::{FakeClock, Strategy, client_ip, exempt, limit};

use crate::{
    asking::{at_once, count, hang_up, in_turn, poll_once, request, request_from, status},
    layers::{Begun, WRONG, answer, refuse, refuse_later, work},
};

#[get("/h-own")]
#[limit("1000/second")]
async fn h_own() -> &'static str {
    "own"
}

#[get("/h-plain")]
async fn h_plain() -> &'static str {
    "plain"
}

#[get("/h-ping")]
#[exempt]
async fn h_ping() -> &'static str {
    "pong"
}

#[exempt]
async fn h_health() -> &'static str {
    "ok"
}

#[post("/h-login")]
#[limit("5/day")]
async fn h_login() -> &'static str {
    "in"
}

#[post("/h-login-ip")]
#[limit("5/day", key = client_ip)]
async fn h_login_ip() -> &'static str {
    "in"
}

#[limit("5/day")]
async fn h_v1() -> &'static str {
    "1"
}

#[limit("500/day")]
async fn h_v2() -> &'static str {
    "2"
}

fn wrong(line: &str) -> TestRequest {
    request(line).insert_header(WRONG)
}

const STRANGER: &str = "198.51.100.1";

/// An app with layers inside the limiter.
macro_rules! guarded {
    ($limiter:expr, [$($layer:expr),*], $($service:expr),*) => {
        init_service(
            App::new()$(.wrap($layer))*.wrap($limiter.middleware())$(.service($service))*
        ).await
    };
}

/// Somebody else has reached it.
macro_rules! met {
    ($app:expr, $line:expr) => {
        assert_eq!(status(&$app, request_from("192.0.2.9", $line)).await, 200)
    };
}

#[actix_web::test]
async fn a_short_limit_that_is_used_up_does_not_shield_a_long_one() {
    let clock = FakeClock::new();
    let limiter = limiter!(application_limits(["1/second"]), clock(clock.clone()));
    let app = guarded!(limiter, [from_fn(refuse_later)], h_login, h_own);
    met!(app, "POST /h-login");
    let mut got = 0;
    for _ in 0..100 {
        clock.advance(Duration::from_millis(1001));
        in_turn(&app, 1, || request("GET /h-own")).await;
        got += count(&at_once(&app, (0..30).map(|_| wrong("POST /h-login"))).await, 401);
    }
    assert!(got <= 5 + 20, "{got} wrong logins in 100 s under 5/day");
}

#[actix_web::test]
async fn the_shorter_of_two_windows_does_not_shield_the_longer() {
    let clock = FakeClock::new();
    let limiter = limiter!(default_limits(["100/day;1/second"]), clock(clock.clone()));
    let app = guarded!(limiter, [from_fn(refuse_later)], h_own);
    met!(app, "GET /h-own");
    let mut got = 0;
    for _ in 0..200 {
        got += count(&in_turn(&app, 8, || wrong("GET /h-own")).await, 401);
        clock.advance(Duration::from_millis(1001));
    }
    assert!(got <= 104, "{got} under 100/day");
}

#[actix_web::test]
async fn strategies_that_give_back_little_by_little_are_not_forgotten_with_the_first_unit() {
    for strategy in [Strategy::TokenBucket, Strategy::MovingWindow, Strategy::SlidingWindowCounter]
    {
        let clock = FakeClock::new();
        let limiter =
            limiter!(default_limits(["60/hour"]), strategy(strategy), clock(clock.clone()));
        let app = guarded!(limiter, [from_fn(refuse_later)], h_own);
        met!(app, "GET /h-own");
        // Spread evenly over an hour, and then an hour of attack.
        for _ in 0..60 {
            in_turn(&app, 1, || wrong("GET /h-own")).await;
            clock.advance(Duration::from_secs(60));
        }
        let mut got = 0;
        for _ in 0..60 {
            got += count(&at_once(&app, (0..30).map(|_| wrong("GET /h-own"))).await, 401);
            clock.advance(Duration::from_secs(60));
        }
        assert!(got <= 120 + 20, "{strategy}: {got} in an hour under 60/hour");
    }
}

#[actix_web::test]
async fn errors_of_a_layer_are_charged_what_a_function_says() {
    let limiter = limiter!(default_limits(["10/day"]), default_limits_cost(|_: &HttpRequest| 1u64));
    let app = guarded!(limiter, [from_fn(refuse_later)], h_own);
    met!(app, "GET /h-own");
    let s = in_turn(&app, 300, || wrong("GET /h-own")).await;
    assert!(count(&s, 401) <= 14, "{} of 300 under 10/day", count(&s, 401));
}

#[actix_web::test]
async fn hang_ups_are_charged_what_a_function_says() {
    let limiter = limiter!(default_limits(["10/day"]), default_limits_cost(|_: &HttpRequest| 1u64));
    let begun = Begun::default();
    let app = init_service(
        App::new()
            .app_data(begun.clone())
            .wrap(from_fn(work))
            .wrap(limiter.middleware())
            .service(h_own),
    )
    .await;
    met!(app, "GET /h-own");
    for _ in 0..300 {
        hang_up(&app, request("GET /h-own"), 2).await;
    }
    assert!(begun.count() <= 15, "{} of 300 begun under 10/day", begun.count());
}

#[actix_web::test]
async fn errors_of_a_layer_are_charged_to_limits_of_a_function() {
    let clock = FakeClock::new();
    let limiter = limiter!(default_limits(|_: &HttpRequest| "10/day"), clock(clock.clone()));
    let app = guarded!(limiter, [from_fn(refuse_later)], h_own);
    met!(app, "GET /h-own");
    let mut got = 0;
    for _ in 0..60 {
        got += count(&at_once(&app, (0..30).map(|_| wrong("GET /h-own"))).await, 401);
        clock.advance(Duration::from_secs(61));
    }
    assert!(got <= 30, "{got} in an hour under 10/day");
}

#[actix_web::test]
async fn errors_of_a_layer_are_exempt_when_the_request_is() {
    let limiter = limiter!(
        application_limits(["10/day"]),
        application_limits_exempt_when(|r: &HttpRequest| r.headers().contains_key("x-internal"))
    );
    let app = guarded!(limiter, [from_fn(refuse_later)], h_own, h_plain);
    met!(app, "GET /h-own");
    in_turn(&app, 30, || wrong("GET /h-own").insert_header(("x-internal", "1"))).await;
    assert_eq!(
        in_turn(&app, 1, || request("GET /h-plain")).await,
        [200],
        "nothing was to be charged"
    );
}

#[actix_web::test]
async fn a_guard_that_panics_leaks_nothing() {
    let clock = FakeClock::new();
    let limiter = limiter!(default_limits(["1/day"]), clock(clock.clone()));
    let panics = guard::fn_guard(|c| {
        if c.head().headers().contains_key("x-panic") { panic!("a guard") } else { true }
    });
    let app = guarded!(
        limiter,
        [],
        web::scope("/g").guard(panics).service(web::resource("/h").route(web::get().to(h_health)))
    );
    met!(app, "GET /g/h");
    for _ in 0..40 {
        let ask = || {
            let mut f = Box::pin(status(&app, request("GET /g/h").insert_header(("x-panic", "1"))));
            let _ = poll_once(f.as_mut());
        };
        let _ = catch_unwind(AssertUnwindSafe(ask));
    }
    // Days later.
    clock.advance(Duration::from_secs(1_000_000));
    let began = Instant::now();
    let s = at_once(&app, (0..10).map(|_| request("GET /g/h").insert_header(("x-ms", "10")))).await;
    assert_eq!(count(&s, 200), 10, "an exempt handler, {s:?} after {:?}", began.elapsed());
}

#[actix_web::test]
async fn strangers_keep_nobody_waiting_for_more_than_a_second() {
    async fn db(
        request: ServiceRequest,
        next: Next<impl MessageBody + 'static>,
    ) -> Result<ServiceResponse<impl MessageBody>, Error> {
        let more =
            request.headers().get("x-more").map_or(0, |v| v.to_str().unwrap().parse().unwrap());
        rt::time::sleep(Duration::from_millis(30 + more)).await;
        refuse(request, next).await
    }
    let limiter = limiter!(application_limits(["1000/hour"]));
    let app = Rc::new(guarded!(limiter, [from_fn(db)], h_plain, h_ping));
    at_once(&*app, (0..1001).map(|_| request("GET /h-plain"))).await;
    let stop = Rc::new(Cell::new(false));
    for a in 0..12u64 {
        let (app, stop) = (app.clone(), stop.clone());
        rt::spawn(async move {
            rt::time::sleep(Duration::from_millis(4 * a)).await;
            for i in 0.. {
                if stop.get() {
                    break;
                }
                status(
                    &*app,
                    request_from(&format!("198.51.{a}.{}", 1 + i / 900), "GET /h-ping")
                        .insert_header(WRONG)
                        .insert_header(("x-more", 7 * a)),
                )
                .await;
                rt::task::yield_now().await;
            }
        });
    }
    rt::time::sleep(Duration::from_millis(100)).await;
    let answer =
        rt::time::timeout(Duration::from_secs(10), status(&*app, request("GET /h-ping"))).await;
    stop.set(true);
    assert!(matches!(answer, Ok(200)), "an exempt handler, after 10 s: {answer:?}");
}

#[actix_web::test]
async fn wrong_logins_use_up_a_limit_with_a_key_of_its_own() {
    let app = guarded!(limiter!(), [from_fn(refuse_later)], h_login_ip);
    met!(app, "POST /h-login-ip");
    let s = in_turn(&app, 300, || wrong("POST /h-login-ip")).await;
    assert!(count(&s, 401) <= 9, "{} of 300 under 5/day", count(&s, 401));
}

#[actix_web::test]
async fn a_stranger_at_a_second_handler_of_the_resource_changes_nothing() {
    let app = guarded!(
        limiter!(),
        [from_fn(refuse_later)],
        web::resource("/login")
            .route(web::post().guard(guard::Header("v", "2")).to(h_v2))
            .route(web::post().to(h_v1))
    );
    met!(app, "POST /login");
    status(&app, request_from(STRANGER, "POST /login").insert_header(("v", "2"))).await;
    let s = in_turn(&app, 300, || wrong("POST /login")).await;
    assert!(count(&s, 401) <= 9, "{} of 300 under 5/day", count(&s, 401));
}

#[actix_web::test]
async fn a_layer_that_hides_a_handler_by_404_is_counted() {
    let app = guarded!(
        limiter!(default_limits(["5/day"]), limit_unmatched(false)),
        [from_fn(answer)],
        h_own
    );
    met!(app, "GET /h-own");
    let s = in_turn(&app, 100, || wrong("GET /h-own").insert_header(("x-status", "404"))).await;
    assert!(count(&s, 404) <= 9, "{} of 100 under 5/day", count(&s, 404));
}
