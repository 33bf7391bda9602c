//! Behaviours 62 to 74: how limits are evaluated, and what a breach brings about.

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::Mutex,
    time::Duration,
};

use actix_web::{HttpRequest, HttpResponse, dev::ResponseHead, get, http::StatusCode, web};
use limiter_actix::{
    Breach, FakeClock, Headers, IntoKey, Key, MetaLimit, MissingIdentity, exempt, limit,
    shared_limit,
};
use limiter_tests::{Answer, Log};

use crate::site::{Place, Site};

in_process_and_over_sockets!(
    b62_the_headers_show_the_shortest_window,
    b63_a_limit_of_the_endpoint_is_preferred_to_a_shared_one,
    b64_the_first_breach_stops_and_leaves_the_longer_window_alone,
    b65_without_fail_fast_every_breached_limit_is_named_and_none_is_charged,
    b66_exempt_when_leaves_a_limit_out,
    b67_a_cost_counts_as_so_many_requests,
    b68_deduct_when_charges_only_the_responses_it_names,
    b69_limits_with_opposite_deduct_when_share_the_responses_out,
    b70_deduct_when_charges_the_cost_in_a_moving_window,
    b71_a_client_without_identity_is_denied_unless_you_choose_otherwise,
    b72_a_meta_limit_locks_out_who_was_denied_too_often,
    b73_a_meta_limit_has_a_key_a_callback_and_an_exemption_of_its_own,
    b74_the_last_response_of_the_breach_callbacks_is_sent,
);

#[get("/plain")]
async fn plain() -> &'static str {
    "plain"
}

#[get("/windows")]
#[limit("10/hour;5/minute")]
async fn windows() -> &'static str {
    "windows"
}

#[get("/units")]
#[limit("20 per 90 seconds;10 per minute;5 per 2 minutes")]
async fn units() -> &'static str {
    "units"
}

/// The reference sorts by unit alone, here the length of the window counts (D12).
async fn b62_the_headers_show_the_shortest_window(place: Place) {
    let site = site!(place, limiter!(headers(Headers::x_rate_limit())), windows, units);
    let answer = site.get("/windows").answer().await;
    assert_eq!(answer.header("x-ratelimit-limit"), Some("5"));
    assert_eq!(answer.header("x-ratelimit-remaining"), Some("4"));
    assert_eq!(site.get("/units").answer().await.header("x-ratelimit-limit"), Some("10"));
}

async fn b63_a_limit_of_the_endpoint_is_preferred_to_a_shared_one(place: Place) {
    let both = limiter!(
        application_limits(["60/minute"]),
        default_limits(["10/minute"]),
        headers(Headers::x_rate_limit())
    );
    let site = site!(place, both, plain);
    assert_eq!(site.get("/plain").answer().await.header("x-ratelimit-limit"), Some("10"));

    let one = limiter!(application_limits(["60/minute"]), headers(Headers::x_rate_limit()));
    let site = site!(place, one, plain);
    assert_eq!(site.get("/plain").answer().await.header("x-ratelimit-limit"), Some("60"));
}

#[get("/short-and-long")]
#[limit("1/second", name = "short")]
#[limit("2/minute", name = "long")]
async fn short_and_long() -> &'static str {
    "short and long"
}

async fn b64_the_first_breach_stops_and_leaves_the_longer_window_alone(place: Place) {
    let clock = FakeClock::new();
    let site = site!(place, limiter!(clock(clock.clone())), short_and_long);
    assert_eq!(site.get("/short-and-long").times(3).await, [200, 429, 429]);
    clock.advance(Duration::from_secs(1));
    assert_eq!(site.get("/short-and-long").times(1).await, [200], "the denials were not counted");
    clock.advance(Duration::from_secs(1));
    assert_eq!(site.get("/short-and-long").times(1).await, [429]);
}

/// In the reference every limit is charged then, breached or not; here a denied request charges
/// nothing whatever the option says (D1), and the option decides how many breaches are told.
async fn b65_without_fail_fast_every_breached_limit_is_named_and_none_is_charged(place: Place) {
    for (fail_fast, named) in [(false, &["short", "long"][..]), (true, &["short"])] {
        let clock = FakeClock::new();
        let limiter = limiter!(clock(clock.clone()), fail_on_first_breach(fail_fast));
        let site = site!(place, limiter, short_and_long);
        let call = site.get("/short-and-long");
        assert_eq!(call.times(3).await, [200, 429, 429]);
        clock.advance(Duration::from_secs(1));
        assert_eq!(call.times(1).await, [200], "the denials were not counted");
        let denied = call.answer().await;
        assert_eq!(violated(&denied), named);
        // Both have to admit, so the longer wait is told.
        assert_eq!(denied.header("retry-after"), Some("59"));
    }
}

fn violated(denied: &Answer) -> Vec<String> {
    let body: serde_json::Value = serde_json::from_str(&denied.body).unwrap();
    let policies = body["violated-policies"].as_array().unwrap();
    policies.iter().map(|policy| policy.as_str().unwrap().to_owned()).collect()
}

fn is_internal(request: &HttpRequest) -> bool {
    request.headers().contains_key("x-internal")
}

#[get("/never")]
#[limit("1/hour", exempt_when = |_: &HttpRequest| true)]
async fn never() -> &'static str {
    "never"
}

#[get("/sometimes")]
#[limit("1/hour", exempt_when = is_internal)]
async fn sometimes() -> &'static str {
    "sometimes"
}

#[get("/shared-sometimes")]
#[shared_limit("1/hour", scope = "exempted", exempt_when = is_internal)]
async fn shared_sometimes() -> &'static str {
    "sometimes"
}

/// The defaults do not come back for a limit that is left out.
async fn b66_exempt_when_leaves_a_limit_out(place: Place) {
    let site =
        site!(place, limiter!(default_limits(["1/day"])), never, sometimes, shared_sometimes);
    assert_eq!(site.get("/never").times(3).await, [200; 3]);
    for target in ["/sometimes", "/shared-sometimes"] {
        assert_eq!(site.get(target).header("x-internal", "1").times(3).await, [200; 3]);
        assert_eq!(site.get(target).times(2).await, [200, 429], "{target}");
        assert_eq!(site.get(target).header("x-internal", "1").times(1).await, [200]);
    }
}

fn twice(_: &HttpRequest) -> u64 {
    2
}

#[get("/cost/literal")]
#[limit("4/second", cost = 2)]
async fn costly() -> &'static str {
    "costly"
}

#[get("/cost/function")]
#[limit("4/second", cost = twice)]
async fn costly_by_function() -> &'static str {
    "costly"
}

#[get("/cost/shared")]
#[shared_limit("4/second", scope = "costs", cost = 2)]
async fn costly_shared() -> &'static str {
    "costly"
}

async fn b67_a_cost_counts_as_so_many_requests(place: Place) {
    let limiter = limiter!(clock(FakeClock::new()));
    let site = site!(place, limiter, costly, costly_by_function, costly_shared);
    for target in ["/cost/literal", "/cost/function", "/cost/shared"] {
        assert_eq!(site.get(target).times(3).await, [200, 200, 429], "{target}");
    }
}

fn failed(head: &ResponseHead) -> bool {
    !succeeded(head)
}

fn succeeded(head: &ResponseHead) -> bool {
    head.status.is_success()
}

/// The status that the path says; 500 by an error of the handler.
fn answer_with(status: u16) -> actix_web::Result<HttpResponse> {
    match status {
        500 => Err(actix_web::error::ErrorInternalServerError("broken")),
        status => Ok(HttpResponse::new(StatusCode::from_u16(status).unwrap())),
    }
}

#[get("/login/{status}")]
#[limit("2/hour", deduct_when = failed)]
async fn login(status: web::Path<u16>) -> actix_web::Result<HttpResponse> {
    answer_with(*status)
}

async fn b68_deduct_when_charges_only_the_responses_it_names(place: Place) {
    let site = site!(place, limiter!(headers(Headers::x_rate_limit())), login);
    for (status, remaining) in [(200, "2"), (200, "2"), (200, "2"), (401, "1"), (500, "0")] {
        let target = format!("/login/{status}");
        let answer = site.get(&target).answer().await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("x-ratelimit-remaining"), Some(remaining), "{target}");
    }
    assert_eq!(site.get("/login/200").times(1).await, [429], "a used up limit blocks all");
}

#[get("/opposite/{status}")]
#[limit("3/hour", deduct_when = succeeded)]
#[limit("1 per 2 hours", deduct_when = failed)]
async fn opposite(status: web::Path<u16>) -> actix_web::Result<HttpResponse> {
    answer_with(*status)
}

async fn b69_limits_with_opposite_deduct_when_share_the_responses_out(place: Place) {
    let site = site!(place, limiter!(), opposite);
    let succeeds = site.get("/opposite/200");
    let fails = site.get("/opposite/400");
    assert_eq!(succeeds.clone().client(1).times(4).await, [200, 200, 200, 429]);
    assert_eq!(fails.clone().client(1).times(1).await, [429], "whatever it would have come to");
    assert_eq!(succeeds.clone().client(2).times(2).await, [200, 200]);
    assert_eq!(fails.client(2).times(2).await, [400, 429]);
    assert_eq!(succeeds.client(2).times(1).await, [429], "although one success is left");
}

#[get("/moving")]
#[limit("20/minute", strategy = "moving-window", cost = 15, deduct_when = succeeded)]
async fn moving() -> &'static str {
    "moving"
}

async fn b70_deduct_when_charges_the_cost_in_a_moving_window(place: Place) {
    let clock = FakeClock::new();
    let site = site!(place, limiter!(clock(clock.clone())), moving);
    assert_eq!(site.get("/moving").times(2).await, [200, 429]);
    clock.advance(Duration::from_secs(60));
    assert_eq!(site.get("/moving").times(2).await, [200, 429]);
}

#[get("/limited")]
#[limit("1/minute")]
async fn limited() -> &'static str {
    "limited"
}

/// The reference skips the limit (D2): here that has to be chosen.
async fn b71_a_client_without_identity_is_denied_unless_you_choose_otherwise(place: Place) {
    let nobody = |_: &HttpRequest| -> Option<String> { None };
    let empty = |_: &HttpRequest| String::new();
    let limiter = limiter!(default_limits(["1/minute"]), key(nobody));
    let site = site!(place, limiter, plain, limited);
    assert_eq!(site.get("/plain").times(2).await, [403, 403]);
    assert_eq!(site.get("/limited").times(2).await, [403, 403]);

    let skip = MissingIdentity::Skip;
    let limiter = limiter!(default_limits(["1/minute"]), key(empty), missing_identity(skip));
    let site = site!(place, limiter, plain, limited);
    assert_eq!(site.get("/plain").times(2).await, [200, 200]);
    assert_eq!(site.get("/limited").times(2).await, [200, 200]);
}

#[actix_web::test]
async fn b71_a_client_without_identity_is_logged() {
    let nobody = |_: &HttpRequest| -> Option<String> { None };
    let site = site!(Place::InProcess, limiter!(key(nobody)), limited);
    let (log, guard) = Log::listen();
    assert_eq!(site.get("/limited").times(1).await, [403]);
    drop(guard);
    let log = log.text();
    assert!(log.contains("without identity") && log.contains("limited"), "{log}");
}

#[get("/per-second")]
#[limit("1/second")]
async fn per_second() -> &'static str {
    "per second"
}

#[get("/free")]
#[exempt]
async fn free() -> &'static str {
    "free"
}

/// In the reference a meta limit also denies what has no limit at all, `/plain` here (D6).
async fn b72_a_meta_limit_locks_out_who_was_denied_too_often(place: Place) {
    let clock = FakeClock::new();
    let limiter =
        limiter!(meta_limits(["2/minute"]), clock(clock.clone()), headers(Headers::x_rate_limit()));
    let site = site!(place, limiter, per_second, free, plain);
    assert_eq!(site.get("/per-second").times(3).await, [200, 429, 429]);
    clock.advance(Duration::from_secs(2));
    let denied = site.get("/per-second").answer().await;
    assert_eq!(denied.status, 429, "although the limit itself has reset");
    assert_eq!(denied.header("x-ratelimit-limit"), Some("2"));
    assert_eq!(denied.header("x-ratelimit-remaining"), Some("0"));
    assert_eq!(denied.header("retry-after"), Some("58"));
    assert_eq!(site.get("/free").times(1).await, [200]);
    assert_eq!(site.get("/plain").times(1).await, [200]);
    assert_eq!(site.get("/per-second").client(2).times(1).await, [200]);
    clock.advance(Duration::from_secs(60));
    assert_eq!(site.get("/per-second").times(1).await, [200]);
}

fn user(request: &HttpRequest) -> Option<Key> {
    request.headers().get("x-user")?.to_str().ok()?.into_key()
}

fn teapot(_: &Breach<'_>) -> Option<HttpResponse> {
    Some(HttpResponse::ImATeapot().finish())
}

static BY_USER: MetaLimit =
    MetaLimit::new("1/minute").key(user).exempt_when(is_internal).on_breach(teapot);

#[get("/by-user")]
#[limit("1/second", meta = [BY_USER])]
async fn by_user() -> &'static str {
    "by user"
}

async fn b73_a_meta_limit_has_a_key_a_callback_and_an_exemption_of_its_own(place: Place) {
    let clock = FakeClock::new();
    let site = site!(place, limiter!(clock(clock.clone())), by_user);
    let ann = site.get("/by-user").header("x-user", "ann");
    let bob = site.get("/by-user").header("x-user", "bob");
    assert_eq!(ann.clone().client(1).times(2).await, [200, 429]);
    clock.advance(Duration::from_secs(1));
    assert_eq!(ann.clone().client(2).times(1).await, [418], "the user, wherever she is");
    assert_eq!(bob.client(1).times(1).await, [200], "and not her address");
    assert_eq!(ann.clone().client(2).header("x-internal", "1").times(1).await, [200]);
    clock.advance(Duration::from_secs(60));
    assert_eq!(ann.client(2).times(1).await, [200]);
}

type Calls = web::Data<Mutex<Vec<String>>>;

/// A callback of the route that answers.
fn answers(breach: &Breach<'_>) -> HttpResponse {
    note_route(breach);
    HttpResponse::PaymentRequired().body("route")
}

/// A callback of the route that leaves the answer to others.
fn note_route(breach: &Breach<'_>) {
    note(breach, "route");
}

fn note(breach: &Breach<'_>, callback: &str) {
    let calls = breach.request().app_data::<Calls>().unwrap();
    calls.lock().unwrap().push(format!("{callback} {}", breach.limit().name()));
}

#[get("/answered")]
#[limit("1/minute", name = "answered", on_breach = answers)]
async fn answered() -> &'static str {
    "answered"
}

#[get("/noted")]
#[limit("1/minute", name = "noted", on_breach = note_route)]
async fn noted() -> &'static str {
    "noted"
}

async fn b74_the_last_response_of_the_breach_callbacks_is_sent(place: Place) {
    let limiter = limiter!(on_breach(|breach: &Breach<'_>| {
        note(breach, "global");
        HttpResponse::ImATeapot().body("global")
    }));
    let calls: Calls = web::Data::new(Mutex::default());
    let data = calls.clone();
    let routes = move |app: &mut web::ServiceConfig| {
        app.app_data(data.clone()).service(answered).service(noted);
    };
    let site = place.serve(&limiter, routes).await;
    for (target, status, body) in [("/answered", 402, "route"), ("/noted", 418, "global")] {
        assert_eq!(site.get(target).times(1).await, [200]);
        let denied = site.get(target).answer().await;
        assert_eq!((denied.status, denied.body.as_str()), (status, body));
        assert!(denied.header("retry-after").is_some());
    }
    let calls = calls.lock().unwrap();
    assert_eq!(*calls, ["global answered", "route answered", "global noted", "route noted"]);
}

#[get("/panics")]
#[limit("1/minute", on_breach = |_: &Breach<'_>| -> HttpResponse { panic!("on purpose") })]
async fn panics() -> &'static str {
    "panics"
}

/// A callback that raises is answered with 500 in the reference. A panic is no answer: Actix closes
/// the connection. The request was denied all the same, in the gate as in the middleware, and the
/// worker goes on.
#[actix_web::test]
async fn b74_a_callback_that_panics_admits_nobody() {
    let global = |_: &Breach<'_>| -> HttpResponse { panic!("on purpose") };
    let global = limiter!(default_limits(["1/minute"]), on_breach(global));
    for (limiter, target) in [(limiter!(), "/panics"), (global, "/plain")] {
        let site = site!(Place::OverSockets, limiter, panics, plain, free);
        let Site::OverSockets(server) = &site else { unreachable!() };
        assert_eq!(site.get(target).times(1).await, [200]);
        for _ in 0..4 {
            let mut stream = TcpStream::connect(server.address()).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
            write!(stream, "GET {target} HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).unwrap();
            assert_eq!(answer, b"", "the connection is closed without an answer");
        }
        assert_eq!(site.get(target).client(2).times(1).await, [200], "every other client");
        assert_eq!(site.get("/free").times(4).await, [200; 4]);
    }
}
