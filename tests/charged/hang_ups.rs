//! Who hangs up while an inner layer works has been charged all the same.
//!
//! A future is dropped in process, which is what a server does; `resets` does it over sockets.

use std::{cell::Cell, panic::AssertUnwindSafe, time::Duration};

use actix_http::Request;
use actix_web::{
    App, Error,
    body::MessageBody,
    dev::{Service, ServiceResponse},
    get, guard,
    middleware::from_fn,
    test::{TestRequest, init_service},
    web,
};
use futures_util::FutureExt;
use limiter_actix::{FakeClock, Limiter, exempt, limit};

use crate::{
    asking::{
        at_once, count, hang_up, in_turn, let_others_run, one_by_one, overlapping, poll_once,
        request, status,
    },
    layers::{Begun, WRONG, refuse_later, work},
};

#[get("/own")]
#[limit("1000/minute")]
async fn own() -> &'static str {
    "own"
}

#[get("/free")]
#[exempt]
async fn free() -> &'static str {
    "free"
}

#[get("/plain")]
async fn plain() -> &'static str {
    "plain"
}

#[get("/five")]
#[limit("5/minute")]
async fn five() -> &'static str {
    turns(3).await;
    "five"
}

async fn turns(number: usize) {
    for _ in 0..number {
        tokio::task::yield_now().await;
    }
}

/// Handlers of all kinds behind a layer that counts for whom it works.
async fn served(
    limiter: &Limiter,
    begun: &Begun,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody + use<>>, Error = Error> + use<>
{
    let app = App::new()
        .app_data(begun.clone())
        .wrap(from_fn(refuse_later))
        .wrap(from_fn(work))
        .wrap(limiter.middleware())
        .service(own)
        .service(free)
        .service(plain)
        .service(five);
    init_service(app).await
}

/// Lets a stranger meet a handler.
async fn meet<S, B>(app: &S, path: &str)
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
{
    let stranger = request(&format!("GET {path}")).peer_addr("192.0.2.9:1".parse().unwrap());
    assert_eq!(status(app, stranger).await, 200);
}

#[actix_web::test]
async fn one_after_another_they_begin_as_often_as_the_limit_and_a_few_times_more() {
    for application in [false, true] {
        for path in ["/own", "/free"] {
            for known in [false, true] {
                let limiter = match application {
                    true => limiter!(application_limits(["5/minute"])),
                    false => limiter!(default_limits(["5/minute"])),
                };
                let begun = Begun::default();
                let app = served(&limiter, &begun).await;
                if known {
                    meet(&app, path).await;
                }
                let before = begun.count();
                for _ in 0..400 {
                    hang_up(&app, request(&format!("GET {path}")), 1).await;
                }
                let begun = begun.count() - before;
                let bound = one_by_one(5);
                assert!(bound.contains(&begun), "{begun} of {path}, {application}, {known}");
            }
        }
    }
}

#[actix_web::test]
async fn at_every_poll_a_hang_up_is_charged() {
    for polls in 0..6 {
        let (limiter, begun) = (limiter!(default_limits(["5/minute"])), Begun::default());
        let app = served(&limiter, &begun).await;
        meet(&app, "/own").await;
        for _ in 0..5 {
            let wrong = request("GET /own").insert_header(WRONG);
            hang_up(&app, wrong, polls).await;
        }
        // The default is used up: what a layer answers now is among the few.
        let wrong = || request("GET /own").insert_header(WRONG);
        let statuses = in_turn(&app, 20, wrong).await;
        assert!(one_by_one(0).contains(&count(&statuses, 401)), "{polls} polls: {statuses:?}");
        assert_eq!(count(&statuses, 401) + count(&statuses, 429), 20, "{statuses:?}");
    }
}

#[actix_web::test]
async fn before_the_limit_is_used_up_every_hang_up_is_charged_exactly() {
    let (limiter, begun) = (limiter!(default_limits(["10/minute"])), Begun::default());
    let app = served(&limiter, &begun).await;
    meet(&app, "/own").await;
    for _ in 0..7 {
        hang_up(&app, request("GET /own"), 1).await;
    }
    // Three are left, and what comes on top is bounded.
    let wrong = || request("GET /own").insert_header(WRONG);
    let statuses = in_turn(&app, 20, wrong).await;
    assert!(one_by_one(3).contains(&count(&statuses, 401)), "{statuses:?}");
}

#[actix_web::test]
async fn who_hangs_up_behind_a_gate_is_charged_by_the_handler_and_exactly() {
    let (limiter, begun) = (limiter!(default_limits(["1000/minute"])), Begun::default());
    let app = served(&limiter, &begun).await;
    meet(&app, "/five").await;
    // Six polls: through both layers and the gate, and not through the handler.
    for _ in 0..5 {
        hang_up(&app, request("GET /five"), 7).await;
    }
    assert_eq!(statuses!(app, GET "/five", 2), [429, 429]);
}

#[actix_web::test]
async fn an_undecorated_handler_is_begun_as_often_as_the_limit() {
    let (limiter, begun) = (limiter!(default_limits(["5/minute"])), Begun::default());
    let app = served(&limiter, &begun).await;
    meet(&app, "/plain").await;
    let before = begun.count();
    for _ in 0..400 {
        hang_up(&app, request("GET /plain"), 1).await;
    }
    assert_eq!(begun.count() - before, 5);
}

#[actix_web::test]
async fn at_once_they_begin_as_often_as_the_limit_and_those_under_way() {
    for known in [false, true] {
        let (limiter, begun) = (limiter!(default_limits(["5/minute"])), Begun::default());
        let app = served(&limiter, &begun).await;
        if known {
            meet(&app, "/own").await;
        }
        let before = begun.count();
        let mut waiting = Vec::new();
        for _ in 0..400 {
            let mut answer = Box::pin(status(&app, request("GET /own")));
            if poll_once(answer.as_mut()).is_pending() {
                waiting.push(answer);
            }
        }
        drop(waiting);
        let_others_run().await;
        for _ in 0..400 {
            hang_up(&app, request("GET /own"), 1).await;
        }
        let begun = begun.count() - before;
        assert!(overlapping(5).contains(&begun), "{begun}, known: {known}");
    }
}

#[actix_web::test]
async fn the_next_window_begins_with_the_whole_limit_and_the_same_bound() {
    let clock = FakeClock::new();
    let limiter = limiter!(default_limits(["5/minute"]), clock(clock.clone()));
    let begun = Begun::default();
    let app = served(&limiter, &begun).await;
    meet(&app, "/own").await;
    for window in 0..10 {
        let before = begun.count();
        for _ in 0..40 {
            hang_up(&app, request("GET /own"), 1).await;
        }
        let begun = begun.count() - before;
        assert!(one_by_one(5).contains(&begun), "{begun} in window {window}");
        clock.advance(Duration::from_secs(60));
    }
    assert_eq!(statuses!(app, GET "/own", 20), [200; 20], "nothing is held against them");
}

#[actix_web::test]
async fn hang_ups_of_one_client_change_nothing_for_another() {
    let limiter = limiter!(default_limits(["5/minute"]), meta_limits(["1/day"]));
    let begun = Begun::default();
    let app = served(&limiter, &begun).await;
    for path in ["/own", "/free"] {
        for _ in 0..40 {
            hang_up(&app, request(&format!("GET {path}")), 1).await;
        }
        assert_eq!(statuses!(app, GET path, 40, "192.0.2.2"), [200; 40], "{path}");
    }
    assert_eq!(statuses!(app, GET "/plain", 6, "192.0.2.2")[4..], [200, 429]);
}

#[actix_web::test]
async fn a_thousand_early_answers_at_once_are_bounded() {
    for known in [false, true] {
        let (limiter, begun) = (limiter!(default_limits(["5/minute"])), Begun::default());
        let app = served(&limiter, &begun).await;
        if known {
            meet(&app, "/own").await;
        }
        let wrong = || request("GET /own").insert_header(WRONG);
        let statuses = at_once(&app, (0..1_000).map(|_| wrong())).await;
        assert!(overlapping(5).contains(&count(&statuses, 401)), "{}", count(&statuses, 401));
        assert_eq!(count(&statuses, 401) + count(&statuses, 429), 1_000);
    }
}

/// An undecorated handler that differs from a decorated one by a header only, both of them behind a
/// layer that takes its time.
macro_rules! twins {
    ($limiter:expr) => {{
        #[limit("1000/minute")]
        async fn decorated() -> &'static str {
            "decorated"
        }
        async fn undecorated() -> &'static str {
            turns(3).await;
            "undecorated"
        }
        let twins = web::resource("/twins")
            .route(web::get().guard(guard::Header("x-twin", "yes")).to(undecorated))
            .route(web::get().to(decorated));
        let app = App::new()
            .app_data(Begun::default())
            .wrap(from_fn(work))
            .wrap($limiter.middleware())
            .service(twins);
        init_service(app).await
    }};
}

fn twin() -> TestRequest {
    request("GET /twins").insert_header(("x-twin", "yes"))
}

#[actix_web::test]
async fn a_thousand_requests_at_once_for_an_undecorated_twin_are_bounded() {
    let app = twins!(limiter!(default_limits(["5/minute"])));
    meet(&app, "/twins").await;
    let statuses = at_once(&app, (0..1_000).map(|_| twin())).await;
    assert!(overlapping(5).contains(&count(&statuses, 200)), "{}", count(&statuses, 200));
    assert_eq!(count(&statuses, 200) + count(&statuses, 429), 1_000);
}

#[actix_web::test]
async fn an_undecorated_twin_is_served_the_default_and_a_few_times_more() {
    let app = twins!(limiter!(default_limits(["5/minute"])));
    meet(&app, "/twins").await;
    let statuses = in_turn(&app, 100, twin).await;
    assert!(one_by_one(5).contains(&count(&statuses, 200)), "{statuses:?}");
    let other = || request("GET /twins").peer_addr("192.0.2.2:1".parse().unwrap());
    assert_eq!(in_turn(&app, 50, other).await, [200; 50], "the decorated one, by another client");
}

#[actix_web::test]
async fn a_panic_of_an_inner_layer_is_charged() {
    thread_local! {
        static PANICS: Cell<bool> = const { Cell::new(false) };
    }
    let (limiter, begun) = (limiter!(default_limits(["5/minute"])), Begun::default());
    let app = App::new()
        .app_data(begun.clone())
        .wrap_fn(|request, service| {
            let answer = service.call(request);
            async move {
                assert!(!PANICS.get(), "a panic that is wanted");
                answer.await
            }
        })
        .wrap(from_fn(work))
        .wrap(limiter.middleware())
        .service(own);
    let app = init_service(app).await;
    meet(&app, "/own").await;
    let before = begun.count();
    PANICS.set(true);
    for _ in 0..40 {
        let answer = AssertUnwindSafe(status(&app, request("GET /own"))).catch_unwind().await;
        assert!(answer.is_err() || answer.is_ok_and(|status| status == 429));
        let_others_run().await;
    }
    let begun = begun.count() - before;
    assert!(one_by_one(5).contains(&begun), "{begun}");
}
