//! Behaviours 75 to 85: headers and errors.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use actix_web::{
    HttpResponse,
    dev::ResponseHead,
    get,
    http::header::{HttpDate, RETRY_AFTER},
    web,
};
use limiter_actix::{
    Breach, FakeClock, Headers, Limiter, MemoryStorage, OnStoreError, Quota, RetryAfter, Strategy,
    core::storage::guarded::{Circuit, GuardedStorage},
    exempt, limit,
};
use limiter_tests::Answer;

use crate::{
    site::{Place, Site},
    storage::Remote,
};

in_process_and_over_sockets!(
    b75_the_values_with_and_without_a_breach,
    b75_retry_after_is_rounded_up_and_the_retry_is_admitted,
    b76_of_two_moments_to_come_back_the_later_is_told,
    b76_retry_after_as_a_date,
    b77_names_of_ones_own,
    b78_after_a_slow_handler_remaining_is_that_of_the_new_window,
    b79_a_storage_that_is_down_denies_with_a_reason_and_never_admits,
    b79_a_storage_that_breaks_down_during_a_request_leaves_its_answer_alone,
    b79_a_policy_admits_while_the_storage_is_down,
    b80_fallback_limits_replace_the_others_while_the_storage_is_down,
    b81_a_fallback_without_limits_of_its_own_starts_afresh_and_ends,
    b82_one_probe_after_each_pause_and_each_pause_twice_as_long,
    b84_a_reset_forgets_everything,
);

#[get("/plain")]
async fn plain() -> &'static str {
    "plain"
}

#[get("/limited")]
#[limit("1/minute")]
async fn limited() -> &'static str {
    "limited"
}

#[get("/health")]
#[exempt]
async fn health() -> &'static str {
    "ok"
}

fn seconds(answer: &Answer, name: &str) -> u64 {
    answer.header(name).unwrap().parse().unwrap()
}

fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// `Retry-After` stands on denials alone (D11).
async fn b75_the_values_with_and_without_a_breach(place: Place) {
    let limiter = limiter!(default_limits(["2/minute"]), headers(Headers::x_rate_limit()));
    let site = site!(place, limiter, plain);
    for (status, remaining) in [(200, "1"), (200, "0"), (429, "0")] {
        let before = unix_now();
        let answer = site.get("/plain").answer().await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("x-ratelimit-limit"), Some("2"));
        assert_eq!(answer.header("x-ratelimit-remaining"), Some(remaining));
        let reset = seconds(&answer, "x-ratelimit-reset");
        // The whole second after the window's end, which began at most a moment ago.
        assert!((before + 60..=unix_now() + 61).contains(&reset), "{reset}");
        assert_eq!(answer.header("retry-after").is_some(), status == 429);
    }
}

async fn b75_retry_after_is_rounded_up_and_the_retry_is_admitted(place: Place) {
    let clock = FakeClock::new();
    let site = site!(place, limiter!(clock(clock.clone())), limited);
    assert_eq!(site.get("/limited").times(1).await, [200]);
    clock.advance(Duration::from_millis(59_999));
    let denied = site.get("/limited").answer().await;
    assert_eq!(seconds(&denied, "retry-after"), 1, "one millisecond is not zero seconds");
    clock.advance(Duration::from_secs(1));
    assert_eq!(site.get("/limited").times(1).await, [200]);
}

/// A 429 of a callback that tells itself when to come back.
fn come_back(wait: &str) -> HttpResponse {
    HttpResponse::TooManyRequests().insert_header((RETRY_AFTER, wait)).finish()
}

const FAR_DATE: &str = "Fri, 31 Dec 9999 23:59:59 GMT";
const PAST_DATE: &str = "Thu, 01 Jan 1970 00:00:00 GMT";

#[get("/later")]
#[limit("1/minute", on_breach = |_: &Breach<'_>| come_back("300"))]
async fn later() -> &'static str {
    "later"
}

#[get("/earlier")]
#[limit("1/minute", on_breach = |_: &Breach<'_>| come_back("5"))]
async fn earlier() -> &'static str {
    "earlier"
}

#[get("/later-date")]
#[limit("1/minute", on_breach = |_: &Breach<'_>| come_back(FAR_DATE))]
async fn later_date() -> &'static str {
    "later"
}

#[get("/earlier-date")]
#[limit("1/minute", on_breach = |_: &Breach<'_>| come_back(PAST_DATE))]
async fn earlier_date() -> &'static str {
    "earlier"
}

#[get("/garbage")]
#[limit("1/minute", on_breach = |_: &Breach<'_>| come_back("soon"))]
async fn garbage() -> &'static str {
    "garbage"
}

#[get("/busy")]
#[limit("2/minute")]
async fn busy() -> HttpResponse {
    HttpResponse::ServiceUnavailable().insert_header((RETRY_AFTER, "5")).finish()
}

/// What an admitted handler says stays as it is, since nothing is added to its response (D11); and
/// a value that cannot be read is replaced, where the reference answers 500.
async fn b76_of_two_moments_to_come_back_the_later_is_told(place: Place) {
    let limiter = limiter!(clock(FakeClock::new()));
    let site = site!(place, limiter, later, earlier, later_date, earlier_date, garbage, busy);
    for (target, told) in [
        ("/later", "300"),
        ("/earlier", "60"),
        ("/later-date", FAR_DATE),
        ("/earlier-date", "60"),
        ("/garbage", "60"),
    ] {
        assert_eq!(site.get(target).times(1).await, [200]);
        let denied = site.get(target).answer().await;
        assert_eq!((denied.status, denied.header("retry-after")), (429, Some(told)), "{target}");
    }
    let answer = site.get("/busy").answer().await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("5")));
}

async fn b76_retry_after_as_a_date(place: Place) {
    let headers = Headers::off().retry_after(RetryAfter::HttpDate);
    let site = site!(place, limiter!(headers(headers)), limited);
    assert_eq!(site.get("/limited").times(1).await, [200]);
    let denied = site.get("/limited").answer().await;
    let date: HttpDate = denied.header("retry-after").unwrap().parse().unwrap();
    let wait = SystemTime::from(date).duration_since(SystemTime::now()).unwrap();
    assert!((58..=61).contains(&wait.as_secs()), "{wait:?}");
}

async fn b77_names_of_ones_own(place: Place) {
    let headers = Headers::x_rate_limit()
        .limit_name("X-Quota")
        .remaining_name("X-Left")
        .reset_name("X-Again")
        .retry_after_name("X-Wait");
    let limiter = limiter!(headers(headers), clock(FakeClock::new()));
    let site = site!(place, limiter, limited);
    let admitted = site.get("/limited").answer().await;
    assert_eq!(admitted.header("x-quota"), Some("1"));
    assert_eq!(admitted.header("x-left"), Some("0"));
    assert!(admitted.header("x-again").is_some());
    assert_eq!(admitted.header("x-ratelimit-limit"), None);
    let denied = site.get("/limited").answer().await;
    assert_eq!(denied.header("x-wait"), Some("60"));
    assert_eq!(denied.header("retry-after"), None);
}

async fn b78_after_a_slow_handler_remaining_is_that_of_the_new_window(place: Place) {
    let clock = FakeClock::new();
    let inside = clock.clone();
    let limiter =
        limiter!(default_limits(["5/second"]), headers(Headers::x_rate_limit()), clock(clock));
    let slow = move || {
        inside.advance(Duration::from_secs(2));
        async { "slow" }
    };
    let site = site!(place, limiter, web::resource("/slow").to(slow.clone()));
    let answer = site.get("/slow").answer().await;
    assert_eq!(answer.header("x-ratelimit-remaining"), Some("5"));
}

/// 503 where the reference answers 500; only a storage's errors have a policy at all (D9).
async fn b79_a_storage_that_is_down_denies_with_a_reason_and_never_admits(place: Place) {
    let storage = Remote::new(MemoryStorage::new());
    let limiter = limiter!(default_limits(["9/minute"]), storage(storage.clone()));
    let site = site!(place, limiter, plain, limited, health);
    assert_eq!(site.get("/plain").times(1).await, [200]);
    storage.break_down();
    for target in ["/plain", "/limited"] {
        let denied = site.get(target).answer().await;
        assert_eq!(denied.status, 503, "{target}");
        let body: serde_json::Value = serde_json::from_str(&denied.body).unwrap();
        assert_eq!(
            body["type"],
            "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity"
        );
        assert!(!denied.body.contains("refused"), "the cause goes to the log: {}", denied.body);
    }
    assert_eq!(site.get("/health").times(3).await, [200; 3], "nothing to ask the storage");
}

/// What the reference calls `swallow_errors`.
async fn b79_a_policy_admits_while_the_storage_is_down(place: Place) {
    let storage = Remote::new(MemoryStorage::new());
    let guard = GuardedStorage::builder(Arc::new(storage.clone()));
    let guard = guard.on_store_error(OnStoreError::Allow).build().unwrap();
    let site = site!(place, limiter!(default_limits(["1/minute"]), storage(guard)), plain, limited);
    storage.break_down();
    assert_eq!(site.get("/plain").times(3).await, [200; 3]);
    assert_eq!(site.get("/limited").times(3).await, [200; 3]);
}

/// Exempt handlers stay exempt, which they do not in the reference (D10).
async fn b80_fallback_limits_replace_the_others_while_the_storage_is_down(place: Place) {
    let storage = Remote::new(MemoryStorage::new());
    let guard = GuardedStorage::builder(Arc::new(storage.clone()))
        .fallback_limits(Strategy::FixedWindow, [Quota::per_minute(2)])
        .build()
        .unwrap();
    let limiter = limiter!(default_limits(["9/minute"]), storage(guard.clone()));
    let site = site!(place, limiter, plain, limited, health);
    assert_eq!(site.get("/limited").times(2).await, [200, 429]);
    storage.break_down();
    assert_eq!(site.get("/plain").times(3).await, [200, 200, 429]);
    assert_eq!(site.get("/limited").times(3).await, [200, 200, 429]);
    assert_eq!(site.get("/health").times(3).await, [200; 3]);
    storage.mend();
    recovered(&guard, &site).await;
    assert_eq!(site.get("/limited").times(1).await, [429], "what the storage has counted");
}

async fn b81_a_fallback_without_limits_of_its_own_starts_afresh_and_ends(place: Place) {
    let storage = Remote::new(MemoryStorage::new());
    let guard = GuardedStorage::builder(Arc::new(storage.clone())).build().unwrap();
    let site = site!(place, limiter!(storage(guard.clone())), limited, plain);
    assert_eq!(site.get("/limited").times(2).await, [200, 429]);
    storage.break_down();
    assert_eq!(site.get("/limited").times(2).await, [200, 429], "a quota of this process");
    assert_eq!(site.get("/limited").client(2).times(2).await, [200, 429]);
    storage.mend();
    recovered(&guard, &site).await;
    assert_eq!(site.get("/limited").times(1).await, [429]);
    assert_eq!(site.get("/limited").client(3).times(2).await, [200, 429]);
}

/// The pauses end with ten seconds, where those of the reference begin anew after 32; each probe
/// goes out in the second half of its pause, and no request waits for it.
async fn b82_one_probe_after_each_pause_and_each_pause_twice_as_long(place: Place) {
    let (storage, clock) = (Remote::new(MemoryStorage::new()), FakeClock::new());
    let guard = GuardedStorage::builder(Arc::new(storage.clone())).clock(clock.clone());
    let guard = guard.build().unwrap();
    let limiter = limiter!(default_limits(["1000/minute"]), storage(guard.clone()));
    let site = site!(place, limiter, plain);
    let millis = Duration::from_millis;
    for outage in 1..=2 {
        storage.break_down();
        assert_eq!(site.get("/plain").times(5).await, [200; 5]);
        assert_eq!(guard.health().opened, outage);
        for pause in [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000] {
            let (asked, probes) = (storage.asked(), guard.health().probes);
            clock.advance(millis(pause / 2 - 1));
            assert_eq!(site.get("/plain").times(10).await, [200; 10]);
            assert_eq!(guard.health().probes, probes, "left alone in the first half of {pause} ms");
            assert_eq!(storage.asked(), asked);
            clock.advance(millis(pause / 2 + 1));
            assert_eq!(site.get("/plain").times(10).await, [200; 10]);
            until(&guard, Circuit::Open).await;
            assert_eq!(site.get("/plain").times(10).await, [200; 10]);
            assert_eq!(storage.asked(), asked + 1, "one probe after {pause} ms");
            assert_eq!(guard.health().probes, probes + 1);
        }
        storage.mend();
        clock.advance(millis(10_000));
        assert_eq!(site.get("/plain").times(1).await, [200]);
        until(&guard, Circuit::Closed).await;
        // Well for so long, it has its patience back.
        clock.advance(millis(10_001));
    }
}

/// Waits for the probe that is on its way.
async fn until(guard: &GuardedStorage, circuit: Circuit) {
    let began = Instant::now();
    while guard.health().circuit != circuit {
        assert!(began.elapsed().as_secs() < 20, "{:?}", guard.health());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Asks until the storage decides again: requests make it be probed.
async fn recovered(guard: &GuardedStorage, site: &Site) {
    let began = Instant::now();
    while guard.health().circuit == Circuit::Open {
        assert!(began.elapsed().as_secs() < 20, "{:?}", guard.health());
        site.get("/limited").client(9).times(1).await;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn never(_: &ResponseHead) -> bool {
    false
}

#[get("/breaks")]
#[limit("5/minute", deduct_when = never)]
async fn breaks(storage: web::Data<Remote>) -> &'static str {
    storage.break_down();
    "answered"
}

async fn b79_a_storage_that_breaks_down_during_a_request_leaves_its_answer_alone(place: Place) {
    let storage = Remote::new(MemoryStorage::new());
    let limiter = limiter!(storage(storage.clone()), headers(Headers::x_rate_limit()));
    let routes = move |app: &mut web::ServiceConfig| {
        app.app_data(web::Data::new(storage.clone())).service(breaks);
    };
    let site = place.serve(&limiter, routes).await;
    let answer = site.get("/breaks").answer().await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "answered"));
    assert_eq!(answer.header("x-ratelimit-limit"), Some("5"));
    assert_eq!(site.get("/breaks").times(1).await, [503]);
}

/// Every request fails in the reference; here the app does not start (D5).
#[actix_web::test]
async fn b83_an_unparsable_default_stops_the_app_from_starting() {
    for (option, builder) in [
        ("default_limits", Limiter::builder().default_limits(["10/fortnight"])),
        ("application_limits", Limiter::builder().application_limits(["10/fortnight"])),
        ("meta_limits", Limiter::builder().meta_limits(["10/fortnight"])),
    ] {
        let error = builder.build().await.unwrap_err().to_string();
        assert!(error.starts_with(option) && error.contains("`fortnight`"), "{error}");
    }
}

async fn b84_a_reset_forgets_everything(place: Place) {
    let limiter = limiter!(default_limits(["1/hour"]));
    let site = site!(place, limiter, plain, limited);
    for client in [1, 2] {
        assert_eq!(site.get("/plain").client(client).times(2).await, [200, 429]);
        assert_eq!(site.get("/limited").client(client).times(2).await, [200, 429]);
    }
    limiter.reset_all().await.unwrap();
    for client in [1, 2] {
        assert_eq!(site.get("/plain").client(client).times(2).await, [200, 429]);
        assert_eq!(site.get("/limited").client(client).times(2).await, [200, 429]);
    }
}
