//! 64 requests at once: each kind of limit admits exactly as many as were declared.
//!
//! The reference does not: it tests before and charges after the handler (`deduct_when`, meta
//! limits), and its limits are separate operations.

use std::time::Duration;

use actix_web::{HttpResponse, dev::ResponseHead, get, rt, web};
use limiter_actix::{FakeClock, MemoryStorage, limit, shared_limit};

use crate::{
    site::{Call, Place, Site},
    storage::Remote,
};

in_process_and_over_sockets!(
    deduct_when_admits_exactly_the_number_declared,
    deduct_when_gives_back_what_64_requests_did_not_use,
    meta_limits_count_every_breach_once,
    a_used_up_meta_limit_admits_nobody,
    a_shared_scope_admits_exactly_the_number_declared,
    a_scope_function_admits_exactly_the_number_declared,
    an_application_limit_admits_exactly_the_number_declared,
);

const REQUESTS: usize = 64;

/// So many calls at once, of each in turn: how many had which status.
async fn at_once(calls: &[Call<'_>]) -> impl Fn(u16) -> usize + use<> {
    let calls: Vec<Call<'_>> = calls.iter().cycle().take(REQUESTS).cloned().collect();
    let statuses = Site::at_once(&calls).await;
    assert_eq!(statuses.len(), REQUESTS);
    move |status| statuses.iter().filter(|other| **other == status).count()
}

/// A handler that takes so long that all requests are inside at the same time.
async fn work() {
    rt::time::sleep(Duration::from_millis(20)).await;
}

fn failed(head: &ResponseHead) -> bool {
    head.status.is_client_error()
}

#[get("/login/{status}")]
#[limit("5/hour", deduct_when = failed)]
async fn login(status: web::Path<u16>) -> HttpResponse {
    work().await;
    if *status == 200 { HttpResponse::Ok().finish() } else { HttpResponse::Unauthorized().finish() }
}

/// Ten of ten came through in the reference, where one was allowed.
async fn deduct_when_admits_exactly_the_number_declared(place: Place) {
    for limiter in [limiter!(), limiter!(storage(Remote::new(MemoryStorage::new())))] {
        let site = site!(place, limiter, login);
        let count = at_once(&[site.get("/login/401")]).await;
        assert_eq!((count(401), count(429)), (5, 59));
        assert_eq!(site.get("/login/401").times(1).await, [429]);
    }
}

async fn deduct_when_gives_back_what_64_requests_did_not_use(place: Place) {
    let site = site!(place, limiter!(), login);
    let count = at_once(&[site.get("/login/200")]).await;
    // As many as were reserved at the same time, and more where some had been given back already.
    assert!(count(200) >= 5 && count(200) + count(429) == REQUESTS, "{}", count(200));
    let count = at_once(&[site.get("/login/401")]).await;
    assert_eq!((count(401), count(429)), (5, 59));
}

#[get("/per-second")]
#[limit("5/second")]
async fn per_second() -> &'static str {
    work().await;
    "per second"
}

async fn meta_limits_count_every_breach_once(place: Place) {
    let clock = FakeClock::new();
    let limiter = limiter!(meta_limits(["60/day"]), clock(clock.clone()));
    let site = site!(place, limiter, per_second);
    let count = at_once(&[site.get("/per-second")]).await;
    assert_eq!((count(200), count(429)), (5, 59));
    // 59 breaches were counted: the client may breach once more, and not twice.
    clock.advance(Duration::from_secs(1));
    assert_eq!(site.get("/per-second").times(6).await, [200, 200, 200, 200, 200, 429]);
    clock.advance(Duration::from_secs(1));
    assert_eq!(site.get("/per-second").times(1).await, [429]);
    clock.advance(Duration::from_secs(86_400));
    assert_eq!(site.get("/per-second").times(1).await, [200]);
}

async fn a_used_up_meta_limit_admits_nobody(place: Place) {
    let clock = FakeClock::new();
    let limiter = limiter!(meta_limits(["10/minute"]), clock(clock.clone()));
    let site = site!(place, limiter, per_second);
    let count = at_once(&[site.get("/per-second")]).await;
    assert_eq!((count(200), count(429)), (5, 59));
    clock.advance(Duration::from_secs(1));
    let count = at_once(&[site.get("/per-second")]).await;
    assert_eq!(count(429), REQUESTS);
    clock.advance(Duration::from_secs(60));
    let count = at_once(&[site.get("/per-second")]).await;
    assert_eq!((count(200), count(429)), (5, 59));
}

#[get("/orders")]
#[shared_limit("10/hour", scope = "database")]
async fn orders() -> &'static str {
    work().await;
    "orders"
}

#[get("/report")]
#[limit("50/hour")]
#[shared_limit("10/hour", scope = "database")]
async fn report() -> &'static str {
    work().await;
    "report"
}

async fn a_shared_scope_admits_exactly_the_number_declared(place: Place) {
    for limiter in [limiter!(), limiter!(storage(Remote::new(MemoryStorage::new())))] {
        let site = site!(place, limiter, orders, report);
        let count = at_once(&[site.get("/orders"), site.get("/report")]).await;
        assert_eq!((count(200), count(429)), (10, 54));
    }
}

#[get("/tenants/{name}/a")]
#[shared_limit("10/hour", scope = tenant)]
async fn tenant_a() -> &'static str {
    work().await;
    "a"
}

#[get("/tenants/{name}/b")]
#[shared_limit("10/hour", scope = tenant)]
async fn tenant_b() -> &'static str {
    work().await;
    "b"
}

fn tenant(request: &actix_web::HttpRequest) -> String {
    request.match_info().query("name").to_owned()
}

async fn a_scope_function_admits_exactly_the_number_declared(place: Place) {
    let site = site!(place, limiter!(), tenant_a, tenant_b);
    let count = at_once(&[site.get("/tenants/red/a"), site.get("/tenants/red/b")]).await;
    assert_eq!((count(200), count(429)), (10, 54));
    let count = at_once(&[site.get("/tenants/blue/b"), site.get("/tenants/blue/a")]).await;
    assert_eq!((count(200), count(429)), (10, 54));
}

async fn an_application_limit_admits_exactly_the_number_declared(place: Place) {
    for limiter in [
        limiter!(application_limits(["10/hour"])),
        limiter!(application_limits(["10/hour"]), storage(Remote::new(MemoryStorage::new()))),
    ] {
        let site = site!(place, limiter, report, per_minute, web::resource("/plain").to(plain));
        let calls = [site.get("/plain"), site.get("/report"), site.get("/per-minute")];
        let count = at_once(&calls).await;
        assert_eq!((count(200), count(429)), (10, 54));
    }
}

#[get("/per-minute")]
#[limit("40/minute")]
async fn per_minute() -> &'static str {
    work().await;
    "per minute"
}

async fn plain() -> &'static str {
    work().await;
    "plain"
}
