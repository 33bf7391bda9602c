//! Storages that have to be waited for, and what stands around them.

use std::{sync::Arc, time::Duration};

use actix_web::{App, HttpRequest, HttpResponse, dev::ResponseHead, get, test, web};
use limiter_actix::{
    FakeClock, Headers, MemoryStorage, Strategy,
    core::{
        Charge, OnStoreError, Outcome, Storage, StorageError, Verb,
        storage::{
            BoxFuture,
            denied::DeniedCache,
            guarded::{Circuit, GuardedStorage},
        },
    },
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
        // Whoever guards a storage takes its answer for a sign of health.
        assert!(!charges.is_empty(), "expected something to be decided");
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(1)).await;
            self.0.apply(verb, charges).await
        })
    }

    fn clear(&self) -> BoxFuture<'_, Result<(), StorageError>> {
        Storage::clear(&self.0)
    }
}

/// A storage that is down.
#[derive(Debug)]
struct Down;

impl Storage for Down {
    fn name(&self) -> &str {
        "down"
    }

    fn supports(&self, _strategy: Strategy) -> bool {
        true
    }

    fn apply_now(&self, _verb: Verb, _charges: &mut [Charge<'_>]) -> Option<Outcome> {
        None
    }

    fn apply<'a>(
        &'a self,
        _verb: Verb,
        _charges: &'a mut [Charge<'_>],
    ) -> BoxFuture<'a, Result<Outcome, StorageError>> {
        Box::pin(async { Err(StorageError::new("expected an answer, found a closed connection")) })
    }

    fn clear(&self) -> BoxFuture<'_, Result<(), StorageError>> {
        Box::pin(async { Ok(()) })
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
    // An answer waits for its charge: one more is within the handler's own two. Then four are
    // unpaid.
    assert_eq!(statuses!(app, GET "/two", 7), [401, 401, 401, 401, 401, 429, 429]);
}

fn failed(response: &ResponseHead) -> bool {
    !response.status.is_success()
}

#[get("/login")]
#[limit("2/hour", deduct_when = failed)]
async fn login(request: HttpRequest) -> HttpResponse {
    match request.headers().contains_key("authorization") {
        true => HttpResponse::Ok().finish(),
        false => HttpResponse::Unauthorized().finish(),
    }
}

#[actix_web::test]
async fn a_guard_around_a_storage_that_is_down_decides_and_gives_back_by_itself() {
    let guard = GuardedStorage::builder(Arc::new(Down)).build().unwrap();
    let cache = DeniedCache::new(Arc::new(guard.clone()));
    let limiter = limiter!(default_limits(["3/minute"]), storage(cache));
    let app = app!(limiter, plain, two, health, login);
    assert_eq!(statuses!(app, GET "/plain", 4), [200, 200, 200, 429]);
    assert_eq!(statuses!(app, GET "/two", 3), [200, 200, 429]);
    assert_eq!(statuses!(app, GET "/health", 3), [200; 3]);
    for _ in 0..5 {
        let request = test::TestRequest::get()
            .uri("/login")
            .peer_addr("192.0.2.1:4000".parse().unwrap())
            .insert_header(("authorization", "yes"));
        assert_eq!(test::call_service(&app, request.to_request()).await.status(), 200);
    }
    assert_eq!(statuses!(app, GET "/login", 3), [401, 401, 429]);
    let found = guard.health();
    assert_eq!((found.circuit, found.opened), (Circuit::Open, 1));
}

#[actix_web::test]
async fn a_guard_that_allows_admits_and_tells_no_limit_it_does_not_know() {
    let guard = GuardedStorage::builder(Arc::new(Down)).on_store_error(OnStoreError::Allow);
    let limiter = limiter!(
        default_limits(["3/minute"]),
        storage(guard.build().unwrap()),
        headers(Headers::all())
    );
    let app = app!(limiter, plain);
    assert_eq!(statuses!(app, GET "/plain", 10), [200; 10]);
    let answer = answer!(app, GET "/plain");
    assert!(!answer.headers().contains_key("x-ratelimit-remaining"));
    assert!(!answer.headers().contains_key("ratelimit"));
}

#[actix_web::test]
async fn who_is_denied_is_told_so_without_asking_the_storage_again() {
    let cache = DeniedCache::new(Arc::new(Later::new()));
    let limiter = limiter!(
        default_limits(["3/minute;100/hour"]),
        storage(cache.clone()),
        headers(Headers::all())
    );
    let app = app!(limiter, plain);
    assert_eq!(statuses!(app, GET "/plain", 4), [200, 200, 200, 429]);
    let asked = answer!(app, GET "/plain");
    assert_eq!(cache.answered(), 1);
    assert_eq!(asked.status(), 429);
    let header = |name: &str| asked.headers().get(name).unwrap().to_str().unwrap().to_owned();
    assert_eq!(header("x-ratelimit-remaining"), "0");
    assert!((50..=60).contains(&header("retry-after").parse::<u64>().unwrap()));
    assert!(header("ratelimit").contains("r=0"), "{}", header("ratelimit"));
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
