//! Behaviours 59 to 61: several limiters, several apps, no limiter.

use actix_web::{App, get};
use limiter_actix::{FakeClock, MemoryStorage, limit};

use crate::site::Place;

in_process_and_over_sockets!(
    b59_two_limiters_on_one_app_count_by_themselves,
    b59_limiters_on_one_storage_share_counters_unless_their_prefixes_differ,
    b60_one_limiter_serves_two_apps,
    b61_a_disabled_limiter_limits_nothing_and_checks_nothing,
    b61_a_handler_without_its_limiter_is_an_error_not_unlimited,
);

#[get("/plain")]
async fn plain() -> &'static str {
    "plain"
}

#[get("/limited")]
#[limit("2/minute")]
async fn limited() -> &'static str {
    "limited"
}

async fn b59_two_limiters_on_one_app_count_by_themselves(place: Place) {
    let inner = limiter!(default_limits(["3/minute"]));
    let outer = limiter!(application_limits(["4/minute"]), key_prefix("outer"));
    let app = move || {
        App::new().wrap(inner.middleware()).wrap(outer.middleware()).service(plain).service(limited)
    };
    let site = place.serve_app(app).await;
    // The inner limiter enforces the handler's own limit; what it denies, the outer one counted.
    assert_eq!(site.get("/limited").times(3).await, [200, 200, 429]);
    assert_eq!(site.get("/plain").times(2).await, [200, 429]);
}

async fn b59_limiters_on_one_storage_share_counters_unless_their_prefixes_differ(place: Place) {
    let storage = MemoryStorage::builder().clock(FakeClock::new()).build();
    let one = limiter!(application_limits(["2/minute"]), storage(storage.clone()));
    let same = limiter!(application_limits(["2/minute"]), storage(storage.clone()));
    let other = limiter!(application_limits(["2/minute"]), storage(storage), key_prefix("other"));
    let one = site!(place, one, plain);
    let same = site!(place, same, plain);
    let other = site!(place, other, plain);
    assert_eq!(one.get("/plain").times(1).await, [200]);
    assert_eq!(same.get("/plain").times(2).await, [200, 429]);
    assert_eq!(other.get("/plain").times(2).await, [200, 200]);
}

async fn b60_one_limiter_serves_two_apps(place: Place) {
    let limiter = limiter!(application_limits(["2/minute"]));
    let first = site!(place, limiter, plain);
    let second = site!(place, limiter, plain);
    assert_eq!(first.get("/plain").times(1).await, [200]);
    assert_eq!(second.get("/plain").times(2).await, [200, 429]);
}

async fn b61_a_disabled_limiter_limits_nothing_and_checks_nothing(place: Place) {
    let limiter = limiter!(
        enabled(false),
        default_limits(["not a limit"]),
        application_limits(["1/hour"]),
        storage_uri("nowhere://")
    );
    let site = site!(place, limiter, plain, limited);
    assert_eq!(site.get("/plain").times(4).await, [200; 4]);
    assert_eq!(site.get("/limited").times(4).await, [200; 4]);
}

/// In the reference a decorated view of an app without limiter is unlimited, and nobody notices.
async fn b61_a_handler_without_its_limiter_is_an_error_not_unlimited(place: Place) {
    let site = place.serve_app(|| App::new().service(plain).service(limited)).await;
    assert_eq!(site.get("/limited").times(2).await, [500, 500]);
    assert_eq!(site.get("/plain").times(2).await, [200, 200]);
}
