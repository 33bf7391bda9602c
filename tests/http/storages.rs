//! Storages that have to be waited for.

use std::time::Duration;

use actix_web::{App, HttpResponse, get, test, web};
use limiter_actix::{
    FakeClock, Headers, MemoryStorage, Strategy,
    core::{Charge, Outcome, Storage, StorageError, Verb, storage::BoxFuture},
    exempt, limit,
};

/// The memory storage as if it were far away: it never answers at once.
#[derive(Debug)]
struct Later(MemoryStorage);

impl Later {
    fn new() -> Self {
        Self(MemoryStorage::builder().clock(FakeClock::new()).build())
    }
}

impl Storage for Later {
    fn name(&self) -> &str {
        "later"
    }

    fn supports(&self, strategy: Strategy) -> bool {
        self.0.supports(strategy)
    }

    fn apply_now(&self, _verb: Verb, _charges: &mut [Charge<'_>]) -> Option<Outcome> {
        None
    }

    fn apply<'a>(
        &'a self,
        verb: Verb,
        charges: &'a mut [Charge<'_>],
    ) -> BoxFuture<'a, Result<Outcome, StorageError>> {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(1)).await;
            self.0.apply(verb, charges).await
        })
    }

    fn clear(&self) -> BoxFuture<'_, Result<(), StorageError>> {
        Storage::clear(&self.0)
    }
}

#[get("/plain")]
async fn plain() -> &'static str {
    "plain"
}

#[get("/two")]
#[limit("2/minute")]
async fn two() -> &'static str {
    "two"
}

#[get("/health")]
#[exempt]
async fn health() -> &'static str {
    "ok"
}

#[actix_web::test]
async fn a_storage_that_is_waited_for_decides_like_one_that_is_not() {
    let limiter = limiter!(
        default_limits(["3/minute"]),
        application_limits(["6/minute"]),
        storage(Later::new()),
        headers(Headers::x_rate_limit())
    );
    let app = app!(limiter, plain, two, health);
    assert_eq!(statuses!(app, GET "/plain", 4), [200, 200, 200, 429]);
    assert_eq!(statuses!(app, GET "/two", 3), [200, 200, 429]);
    assert_eq!(statuses!(app, GET "/health", 3), [200; 3]);
    let last = answer!(app, GET "/nope");
    assert_eq!(last.status(), 404);
    assert_eq!(last.headers().get("x-ratelimit-remaining").unwrap(), "2");
    assert_eq!(statuses!(app, GET "/nope", 1), [429], "the application limit of six");
}

#[actix_web::test]
async fn requests_that_wait_side_by_side_are_admitted_exactly() {
    let limiter = limiter!(application_limits(["10/minute"]), storage(Later::new()));
    let app = app!(limiter, plain, two);
    let requests = (0..64).map(|_| {
        let request = test::TestRequest::get()
            .uri("/plain")
            .peer_addr("192.0.2.1:4000".parse().unwrap())
            .to_request();
        test::call_service(&app, request)
    });
    let responses = futures_util::future::join_all(requests).await;
    let admitted = responses.iter().filter(|response| response.status() == 200).count();
    assert_eq!(admitted, 10);
}

#[actix_web::test]
async fn an_answer_without_a_gate_is_charged_through_a_slow_storage_too() {
    use actix_web::dev::Service;
    let limiter = limiter!(application_limits(["3/minute"]), storage(Later::new()));
    let app = test::init_service(
        App::new()
            .wrap_fn(|request, service| {
                let known = request.headers().contains_key("authorization");
                let next = known.then(|| service.call(request));
                async {
                    match next {
                        Some(next) => next.await,
                        None => Err(actix_web::error::ErrorUnauthorized("who are you?")),
                    }
                }
            })
            .wrap(limiter.middleware())
            .service(two),
    )
    .await;
    let known = test::TestRequest::get()
        .uri("/two")
        .peer_addr("192.0.2.1:4000".parse().unwrap())
        .insert_header(("authorization", "yes"))
        .to_request();
    assert_eq!(test::call_service(&app, known).await.status(), 200);
    assert_eq!(statuses!(app, GET "/two", 1), [401]);
    // The charge of that answer is on its way; nobody waits for it.
    actix_web::rt::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(statuses!(app, GET "/two", 2), [401, 429]);
}

#[actix_web::test]
async fn a_resource_that_answers_405_is_counted() {
    let app = app!(
        limiter!(default_limits(["2/minute"])),
        web::resource("/get").route(web::get().to(HttpResponse::Ok)),
    );
    assert_eq!(statuses!(app, DELETE "/get", 3), [405, 405, 429]);
    assert_eq!(statuses!(app, GET "/get", 3), [200, 200, 429]);
}
