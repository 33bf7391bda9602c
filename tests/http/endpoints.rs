//! Which endpoint a request counts for, and who enforces what: the table of the crate docs.

use std::{
    pin::Pin,
    task::{Context, Poll, Waker},
};

use actix_web::{
    App, Error, HttpResponse,
    body::MessageBody,
    dev::{Service, ServiceRequest, ServiceResponse},
    error, get, guard,
    middleware::{Next, from_fn},
    post, test, web,
};
use limiter_actix::{Headers, exempt, limit};

#[get("/a/{id}")]
#[limit("2/minute")]
async fn decorated() -> &'static str {
    "decorated"
}

#[post("/a/{id}")]
async fn sibling() -> &'static str {
    "sibling"
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

#[get("/w/{id}")]
async fn wild() -> &'static str {
    "wild"
}

async fn later(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    actix_web::rt::time::sleep(std::time::Duration::from_millis(1)).await;
    next.call(request).await
}

#[actix_web::test]
async fn a_scope_with_async_middleware_around_decorated_and_undecorated_siblings() {
    let app = app!(
        limiter!(default_limits(["3/minute"])),
        web::scope("/s").wrap(from_fn(later)).service(sibling).service(decorated).service(plain),
        health,
    );
    assert_eq!(statuses!(app, GET "/s/a/1", 4), [200, 200, 429, 429]);
    assert_eq!(statuses!(app, POST "/s/a/1", 5), [200, 200, 200, 429, 429]);
    assert_eq!(statuses!(app, GET "/health", 8), [200; 8]);
    assert_eq!(statuses!(app, GET "/s/plain", 4), [200, 200, 200, 429]);
}

#[actix_web::test]
async fn a_percent_encoded_path_is_the_path_it_stands_for() {
    let app = app!(limiter!(default_limits(["2/minute"])), wild, plain);
    assert_eq!(statuses!(app, GET "/w/7", 1), [200]);
    assert_eq!(statuses!(app, GET "/%77/7", 1), [200], "the router serves it");
    assert_eq!(statuses!(app, GET "/%77/7", 1), [429]);
    assert_eq!(statuses!(app, GET "/w/8", 1), [429], "another id is no other endpoint");
    assert_eq!(statuses!(app, GET "/plain?x=1", 2), [200, 200]);
    assert_eq!(statuses!(app, GET "/plain?x=2", 1), [429]);
    assert_eq!(statuses!(app, GET "/pl%61in", 1), [429]);
}

#[actix_web::test]
async fn requests_that_match_nothing_count_as_one_endpoint() {
    let app = app!(limiter!(default_limits(["2/minute"])), plain);
    assert_eq!(statuses!(app, GET "/nope", 1), [404]);
    assert_eq!(statuses!(app, GET "/neither", 1), [404]);
    assert_eq!(statuses!(app, GET "/nor-this", 1), [429]);
    assert_eq!(statuses!(app, DELETE "/nope", 1), [429], "whatever the method");
    assert_eq!(statuses!(app, GET "/plain", 1), [200]);

    let app = app!(limiter!(default_limits(["2/minute"]), limit_unmatched(false)), plain);
    assert_eq!(statuses!(app, GET "/nope", 4), [404; 4]);
    let app = app!(limiter!(application_limits(["2/minute"])), plain);
    assert_eq!(statuses!(app, GET "/nope", 3), [404, 404, 429]);
}

#[actix_web::test]
async fn a_resource_that_the_map_does_not_show_is_not_exempt_as_unmatched() {
    let host = |name| {
        guard::fn_guard(move |context| {
            context.head().headers().get("x-host").is_some_and(|host| host == name)
        })
    };
    let app = app!(
        limiter!(application_limits(["2/minute"]), limit_unmatched(false)),
        web::scope("/v").guard(host("one")).service(plain),
        web::scope("/v").guard(host("two")).service(wild),
    );
    assert_eq!(statuses!(app, GET "/nope", 4), [404; 4]);
    let mut statuses = Vec::new();
    for _ in 0..4 {
        let request = test::TestRequest::get()
            .uri("/v/w/1")
            .peer_addr("192.0.2.1:40000".parse().unwrap())
            .insert_header(("x-host", "two"));
        statuses.push(test::call_service(&app, request.to_request()).await.status().as_u16());
    }
    assert_eq!(statuses, [200, 200, 429, 429]);
}

#[actix_web::test]
async fn a_method_that_a_resource_does_not_serve_is_counted_too() {
    let app = app!(limiter!(default_limits(["2/minute"])), plain, decorated);
    assert_eq!(statuses!(app, DELETE "/plain", 3), [404, 404, 429]);
    assert_eq!(statuses!(app, PUT "/a/1", 3), [404, 404, 429]);
    assert_eq!(statuses!(app, GET "/a/1", 3), [200, 200, 429], "the decorated one by itself");
}

#[actix_web::test]
async fn head_counts_as_get_and_options_by_itself() {
    let app =
        app!(limiter!(default_limits(["2/minute"])), web::resource("/any").to(HttpResponse::Ok),);
    assert_eq!(statuses!(app, GET "/any", 1), [200]);
    assert_eq!(statuses!(app, HEAD "/any", 2), [200, 429]);
    assert_eq!(statuses!(app, OPTIONS "/any", 3), [200, 200, 429]);
}

#[actix_web::test]
async fn invented_methods_are_one_budget() {
    let app =
        app!(limiter!(default_limits(["2/minute"])), web::resource("/any").to(HttpResponse::Ok),);
    assert_eq!(statuses!(app, FROB "/any", 1), [200]);
    assert_eq!(statuses!(app, NICATE "/any", 2), [200, 429]);
}

#[actix_web::test]
async fn an_exempt_handler_is_served_although_its_endpoint_is_not_known_yet() {
    // The client has no quota left at all, as right after a restart with a shared storage.
    let app = app!(limiter!(application_limits(["1/hour"])), plain, health, decorated);
    assert_eq!(statuses!(app, GET "/plain", 2), [200, 429]);
    assert_eq!(statuses!(app, GET "/health", 5), [200; 5]);
    assert_eq!(statuses!(app, GET "/a/1", 2), [429, 429], "the gate denies, not the middleware");
}

#[actix_web::test]
async fn a_request_that_an_inner_middleware_answers_is_counted() {
    async fn authenticate(
        request: ServiceRequest,
        next: Next<impl MessageBody>,
    ) -> Result<ServiceResponse<impl MessageBody>, Error> {
        if request.headers().contains_key("authorization") {
            next.call(request).await
        } else {
            Err(error::ErrorUnauthorized("who are you?"))
        }
    }
    let limiter = limiter!(default_limits(["3/minute"]), application_limits(["100/minute"]));
    let app = test::init_service(
        App::new().wrap(from_fn(authenticate)).wrap(limiter.middleware()).service(decorated),
    )
    .await;
    let authorized = || {
        test::TestRequest::get()
            .uri("/a/1")
            .peer_addr("192.0.2.1:40000".parse().unwrap())
            .insert_header(("authorization", "yes"))
            .to_request()
    };
    // The endpoint is learnt as decorated; then guesses without a password come in. The first of
    // them uses up the two of the handler; four more are answered before anybody knows that they
    // are guesses.
    assert_eq!(test::call_service(&app, authorized()).await.status(), 200);
    assert_eq!(statuses!(app, GET "/a/1", 7), [401, 401, 401, 401, 401, 429, 429]);
    assert_eq!(test::call_service(&app, authorized()).await.status(), 429);
    assert_eq!(statuses!(app, GET "/a/1", 1, "192.0.2.2"), [401], "another client");
}

/// What a future says at the first time of asking.
fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[actix_web::test]
async fn a_refused_request_that_may_be_for_a_gate_is_let_through_once_and_others_wait_for_it() {
    async fn slow() -> &'static str {
        std::future::pending().await
    }
    let namesake = web::resource("/slow").name("health").route(web::get().to(slow));
    let app = app!(limiter!(application_limits(["1/hour"])), namesake, plain);
    assert_eq!(statuses!(app, GET "/plain", 2), [200, 429]);
    let request =
        || test::TestRequest::get().uri("/slow").peer_addr("192.0.2.1:40000".parse().unwrap());
    let mut explorer = Box::pin(app.call(request().to_request()));
    assert!(poll_once(explorer.as_mut()).is_pending(), "it is inside");
    let mut other = Box::pin(app.call(request().to_request()));
    assert!(poll_once(other.as_mut()).is_pending(), "it waits for what the first one finds");
    // Nothing was found. That one is unpaid, and nobody else goes.
    drop(explorer);
    assert_eq!(other.await.unwrap().status(), 429);
    assert_eq!(statuses!(app, GET "/slow", 2), [429, 429]);
}

#[actix_web::test]
async fn handlers_that_share_a_path_and_a_method_are_charged_each_by_itself() {
    let app = app!(
        limiter!(default_limits(["3/minute"])),
        web::resource("/mixed")
            .route(web::get().guard(guard::Header("x-version", "2")).to(undecorated_fn))
            .route(web::get().to(decorated_fn)),
    );
    #[limit("2/minute")]
    async fn decorated_fn() -> &'static str {
        "1"
    }
    async fn undecorated_fn() -> &'static str {
        "2"
    }
    let second = || {
        test::TestRequest::get()
            .uri("/mixed")
            .peer_addr("192.0.2.1:40000".parse().unwrap())
            .insert_header(("x-version", "2"))
            .to_request()
    };
    assert_eq!(statuses!(app, GET "/mixed", 1), [200]);
    assert_eq!(test::call_service(&app, second()).await.status(), 200);
    assert_eq!(statuses!(app, GET "/mixed", 2), [200, 429], "its own two");
    // Nothing but its first poll tells the undecorated handler from the other. It is charged when it
    // has answered: two more of its default of three, and four that cannot be paid.
    let mut undecorated = Vec::new();
    for _ in 0..8 {
        undecorated.push(test::call_service(&app, second()).await.status().as_u16());
    }
    assert_eq!(undecorated, [200, 200, 200, 200, 200, 200, 429, 429]);
}

#[actix_web::test]
async fn a_denied_request_has_not_had_its_body_read() {
    #[post("/body")]
    #[limit("1/minute")]
    async fn double(number: web::Json<u32>) -> String {
        number.to_string()
    }
    let app = app!(limiter!(), double);
    let post = |body: &'static str| {
        test::TestRequest::post()
            .uri("/body")
            .peer_addr("192.0.2.1:40000".parse().unwrap())
            .insert_header(("content-type", "application/json"))
            .set_payload(body)
            .to_request()
    };
    assert_eq!(test::call_service(&app, post("not json")).await.status(), 400, "and counted");
    assert_eq!(test::call_service(&app, post("not json")).await.status(), 429);
    assert_eq!(test::call_service(&app, post("7")).await.status(), 429);
}

#[actix_web::test]
async fn an_endpoint_with_limits_of_its_own_shows_them_from_the_first_request_on() {
    let limiter = limiter!(default_limits(["9/minute"]), headers(Headers::x_rate_limit()));
    let app = app!(limiter, decorated);
    for remaining in ["1", "0"] {
        let answer = answer!(app, GET "/a/1");
        assert_eq!(answer.headers().get("x-ratelimit-limit").unwrap(), "2");
        assert_eq!(answer.headers().get("x-ratelimit-remaining").unwrap(), remaining);
    }
}

#[actix_web::test]
async fn a_limiter_around_a_scope_limits_that_scope_only() {
    let limiter = limiter!(default_limits(["1/minute"]));
    let app = test::init_service(
        App::new()
            .service(web::scope("/in").wrap(limiter.middleware()).service(plain).service(wild))
            .service(plain),
    )
    .await;
    assert_eq!(statuses!(app, GET "/in/plain", 2), [200, 429]);
    assert_eq!(statuses!(app, GET "/in/w/1", 1), [200]);
    assert_eq!(statuses!(app, GET "/in/w/2", 1), [429]);
    assert_eq!(statuses!(app, GET "/plain", 3), [200; 3]);
}
