//! What attributes declare beyond a fixed limit: dynamic limits, costs after the fact, penalties,
//! shadows and candidates, callbacks and messages.

use std::{sync::Mutex, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse,
    body::to_bytes,
    dev::{ResponseHead, ServiceResponse},
    get, web,
};
use limiter_actix::{
    Breach, CurrentLimit, CurrentLimits, FakeClock, Headers, InvalidLimit, MetaLimit, exempt,
    limit, shared_limit,
};

fn header_of(request: &HttpRequest, name: &str) -> Option<String> {
    Some(request.headers().get(name)?.to_str().ok()?.to_owned())
}

fn field<B>(answer: &ServiceResponse<B>, name: &str) -> String {
    answer.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned()
}

fn tier_of(request: &HttpRequest) -> Option<String> {
    header_of(request, "x-tier")
}

#[get("/dynamic")]
#[limit(tier_of)]
async fn dynamic() -> &'static str {
    "dynamic"
}

#[get("/awaited")]
#[limit(async |_: &HttpRequest| "2/hour")]
async fn awaited() -> &'static str {
    "awaited"
}

/// The statuses of requests with one header.
macro_rules! with_header {
    ($app:expr, $path:expr, $name:expr => $value:expr, $requests:expr) => {{
        let mut statuses = Vec::new();
        for _ in 0..$requests {
            let request = actix_web::test::TestRequest::with_uri($path)
                .peer_addr("192.0.2.1:40000".parse().unwrap())
                .insert_header(($name, $value))
                .to_request();
            statuses.push(actix_web::test::call_service(&$app, request).await.status().as_u16());
        }
        statuses
    }};
}

#[actix_web::test]
async fn a_dynamic_limit_is_asked_for_with_every_request() {
    let app = app!(limiter!(default_limits(["1/day"])), dynamic, awaited);
    assert_eq!(with_header!(app, "/dynamic", "x-tier" => "2/minute", 3), [200, 200, 429]);
    // The amount is not in the counter's name: what was used stays used.
    assert_eq!(with_header!(app, "/dynamic", "x-tier" => "4/minute", 3), [200, 200, 429]);
    assert_eq!(with_header!(app, "/dynamic", "x-tier" => "1/hour", 2), [200, 429]);
    assert_eq!(statuses!(app, GET "/awaited", 3), [200, 200, 429]);
}

#[actix_web::test]
async fn a_malformed_dynamic_limit_leaves_the_defaults_or_denies() {
    let app = app!(limiter!(default_limits(["1/day"])), dynamic);
    assert_eq!(with_header!(app, "/dynamic", "x-tier" => "many", 2), [200, 429]);
    let policy = InvalidLimit::Deny;
    let app = app!(limiter!(invalid_dynamic_limit(policy)), dynamic);
    assert_eq!(with_header!(app, "/dynamic", "x-tier" => "many", 1), [500]);
    assert_eq!(with_header!(app, "/dynamic", "x-tier" => "1/day", 2), [200, 429]);
}

#[get("/dear")]
#[limit(tier_of, cost = 10)]
async fn dear() -> &'static str {
    "dear"
}

#[actix_web::test]
async fn a_dynamic_limit_below_the_cost_admits_nobody() {
    let app = app!(limiter!(), dear);
    assert_eq!(with_header!(app, "/dear", "x-tier" => "5/minute", 2), [429, 429]);
    assert_eq!(with_header!(app, "/dear", "x-tier" => "10/minute", 2), [200, 429]);
}

#[get("/bytes/{size}")]
#[limit("100/hour", cost = 1, cost_after = bytes_sent)]
async fn download(size: web::Path<u64>) -> HttpResponse {
    HttpResponse::Ok().insert_header(("x-bytes", size.to_string())).finish()
}

fn bytes_sent(head: &ResponseHead) -> u64 {
    let bytes = head.headers().get("x-bytes").and_then(|value| value.to_str().ok());
    bytes.and_then(|bytes| bytes.parse().ok()).unwrap_or(0)
}

#[actix_web::test]
async fn cost_after_charges_what_the_response_came_to() {
    let app = app!(limiter!(headers(Headers::x_rate_limit())), download);
    let answer = answer!(app, GET "/bytes/49");
    assert_eq!(field(&answer, "x-ratelimit-remaining"), "50");
    // More than is left: what is left is taken, and the next one is denied.
    let answer = answer!(app, GET "/bytes/1000");
    assert_eq!(field(&answer, "x-ratelimit-remaining"), "0");
    assert_eq!(statuses!(app, GET "/bytes/0", 1), [429]);
}

#[get("/tokens")]
#[limit("10/hour")]
async fn tokens(mut limit: CurrentLimit) -> String {
    limit.charge(4).await.unwrap();
    limit.remaining().to_string()
}

#[actix_web::test]
async fn a_handler_charges_more_itself() {
    let app = app!(limiter!(), tokens);
    let body = to_bytes(answer!(app, GET "/tokens").into_body()).await.unwrap();
    assert_eq!(body, "5");
    assert_eq!(statuses!(app, GET "/tokens", 2), [200, 429]);
}

static BREACHES: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn note(breach: &Breach<'_>) -> HttpResponse {
    let limit = breach.limit();
    BREACHES.lock().unwrap().push(format!("{} {}", limit.name(), breach.so_far().len()));
    HttpResponse::ImATeapot().body(breach.request().path().to_owned())
}

#[get("/noted")]
#[limit("1/minute; 1/hour", on_breach = note, name = "noted")]
async fn noted() -> &'static str {
    "noted"
}

#[actix_web::test]
async fn on_breach_is_told_and_may_answer() {
    let app = app!(limiter!(fail_on_first_breach(false)), noted);
    assert_eq!(statuses!(app, GET "/noted", 1), [200]);
    let answer = answer!(app, GET "/noted");
    assert_eq!(answer.status(), 418);
    assert!(answer.headers().contains_key("retry-after"));
    assert_eq!(to_bytes(answer.into_body()).await.unwrap(), "/noted");
    assert_eq!(*BREACHES.lock().unwrap(), ["noted 1", "noted 2"]);
}

#[get("/excused")]
#[limit("1/hour", error_message = |breach: &Breach<'_>| format!("{} is enough", breach.limit().quota()))]
async fn excused() -> &'static str {
    "excused"
}

#[actix_web::test]
async fn a_message_may_be_a_function_and_the_client_chooses_its_form() {
    let app = app!(limiter!(), excused);
    assert_eq!(statuses!(app, GET "/excused", 1), [200]);
    let body = to_bytes(answer!(app, GET "/excused").into_body()).await.unwrap();
    let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(problem["detail"], "1 per 1 hour is enough");
    for (accept, content_type) in [
        ("text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", "text/html; charset=utf-8"),
        ("text/plain", "text/plain; charset=utf-8"),
        ("text/html;q=0.1, application/json", "application/problem+json"),
        ("image/png", "application/problem+json"),
    ] {
        let request = actix_web::test::TestRequest::with_uri("/excused")
            .peer_addr("192.0.2.1:40000".parse().unwrap())
            .insert_header(("accept", accept))
            .to_request();
        let answer = actix_web::test::call_service(&app, request).await;
        assert_eq!(field(&answer, "content-type"), content_type, "{accept}");
        assert!(answer.headers().contains_key("retry-after"));
    }
}

#[get("/meta")]
#[limit("1/second", meta = "2/minute")]
async fn meta() -> &'static str {
    "meta"
}

#[get("/free")]
#[exempt]
async fn free() -> &'static str {
    "free"
}

#[actix_web::test]
async fn a_meta_limit_locks_out_who_was_denied_too_often() {
    let clock = FakeClock::new();
    let app = app!(limiter!(clock(clock.clone()), headers(Headers::x_rate_limit())), meta, free);
    assert_eq!(statuses!(app, GET "/meta", 3), [200, 429, 429]);
    clock.advance(Duration::from_secs(2));
    let answer = answer!(app, GET "/meta");
    assert_eq!(answer.status(), 429, "although the limit itself has reset");
    assert_eq!(field(&answer, "x-ratelimit-limit"), "2");
    assert_eq!(field(&answer, "x-ratelimit-remaining"), "0");
    assert_eq!(statuses!(app, GET "/free", 1), [200]);
    assert_eq!(statuses!(app, GET "/meta", 1, "192.0.2.2"), [200]);
    clock.advance(Duration::from_secs(60));
    assert_eq!(statuses!(app, GET "/meta", 1), [200]);
}

fn is_internal(request: &HttpRequest) -> bool {
    request.query_string() == "internal"
}

#[get("/left-alone")]
#[limit("1/second", meta = "1/minute", exempt_when = is_internal)]
async fn left_alone() -> &'static str {
    "left alone"
}

#[actix_web::test]
async fn who_is_locked_out_is_not_where_no_limit_applies() {
    let app = app!(limiter!(clock(FakeClock::new()), meta_limits(["1/minute"])), left_alone);
    assert_eq!(statuses!(app, GET "/left-alone", 3), [200, 429, 429]);
    assert_eq!(statuses!(app, GET "/left-alone?internal", 2), [200, 200]);
    assert_eq!(statuses!(app, GET "/left-alone", 1), [429], "locked out all the time");
}

static WEIGHTY: MetaLimit = MetaLimit::new("4/minute").block("10 minutes").cost(2);

#[get("/weighty")]
#[limit("1/second", meta = WEIGHTY)]
async fn weighty() -> &'static str {
    "weighty"
}

#[actix_web::test]
async fn a_breach_that_counts_twice_locks_out_after_half_as_many() {
    let clock = FakeClock::new();
    let app = app!(limiter!(clock(clock.clone())), weighty);
    assert_eq!(statuses!(app, GET "/weighty", 2), [200, 429]);
    clock.advance(Duration::from_secs(2));
    assert_eq!(statuses!(app, GET "/weighty", 2), [200, 429]);
    clock.advance(Duration::from_secs(590));
    assert_eq!(statuses!(app, GET "/weighty", 1), [429]);
    clock.advance(Duration::from_secs(10));
    assert_eq!(statuses!(app, GET "/weighty", 1), [200]);
}

static SHORT: MetaLimit = MetaLimit::new("2/minute").block("10 minutes");
static LONG: MetaLimit = MetaLimit::new("3/day").block("1 day");

#[get("/banned")]
#[limit("1/second", meta = [SHORT, LONG])]
async fn banned() -> &'static str {
    "banned"
}

#[actix_web::test]
async fn a_penalty_has_a_time_of_its_own_and_grows() {
    let clock = FakeClock::new();
    let app = app!(limiter!(clock(clock.clone())), banned);
    assert_eq!(statuses!(app, GET "/banned", 3), [200, 429, 429]);
    clock.advance(Duration::from_secs(599));
    assert_eq!(statuses!(app, GET "/banned", 1), [429]);
    clock.advance(Duration::from_secs(1));
    assert_eq!(statuses!(app, GET "/banned", 2), [200, 429], "the third breach of the day");
    clock.advance(Duration::from_secs(86_399));
    assert_eq!(statuses!(app, GET "/banned", 1), [429]);
    clock.advance(Duration::from_secs(1));
    assert_eq!(statuses!(app, GET "/banned", 1), [200]);
}

#[get("/shadow")]
#[limit("1/hour", shadow = true)]
#[limit("3/hour", candidate = "2/hour")]
async fn shadow(limits: CurrentLimits) -> String {
    let breached = limits.iter().filter(|limit| limit.is_breached());
    breached.map(|limit| limit.name().to_owned() + " ").collect()
}

#[actix_web::test]
async fn shadows_and_candidates_are_counted_and_never_deny() {
    let app = app!(limiter!(headers(Headers::all())), shadow);
    let mut bodies = Vec::new();
    for _ in 0..3 {
        let answer = answer!(app, GET "/shadow");
        assert_eq!(answer.status(), 200);
        assert_eq!(field(&answer, "x-ratelimit-limit"), "3");
        assert_eq!(field(&answer, "ratelimit-policy"), "\"shadow-per-hour\";q=3;w=3600");
        bodies.push(to_bytes(answer.into_body()).await.unwrap());
    }
    let [first, second, third] = &bodies[..] else { unreachable!() };
    assert_eq!(first, "");
    assert_eq!(second, "shadow-per-hour ");
    assert_eq!(third, "shadow-per-hour shadow-per-hour-candidate ");
    assert_eq!(statuses!(app, GET "/shadow", 1), [429]);
}

fn tenant(request: &HttpRequest) -> String {
    header_of(request, "x-tenant").unwrap_or_default()
}

#[get("/tenant-a")]
#[shared_limit("2/hour", scope = tenant)]
async fn tenant_a() -> &'static str {
    "a"
}

#[get("/tenant-b")]
#[shared_limit("2/hour", scope = tenant)]
async fn tenant_b() -> &'static str {
    "b"
}

#[actix_web::test]
async fn a_scope_may_be_a_function_of_the_request() {
    let app = app!(limiter!(), tenant_a, tenant_b);
    assert_eq!(with_header!(app, "/tenant-a", "x-tenant" => "red", 1), [200]);
    assert_eq!(with_header!(app, "/tenant-b", "x-tenant" => "red", 2), [200, 429]);
    assert_eq!(with_header!(app, "/tenant-b", "x-tenant" => "blue", 3), [200, 200, 429]);
}

#[get("/twice")]
#[limit("4/minute;4/minute")]
async fn twice() -> &'static str {
    "twice"
}

#[actix_web::test]
async fn a_limit_that_stands_twice_tells_what_is_left_after_both() {
    let app = app!(limiter!(headers(Headers::x_rate_limit())), twice);
    assert_eq!(field(&answer!(app, GET "/twice"), "x-ratelimit-remaining"), "2");
    assert_eq!(field(&answer!(app, GET "/twice"), "x-ratelimit-remaining"), "0");
    assert_eq!(statuses!(app, GET "/twice", 1), [429]);
}

#[get("/locked")]
#[limit("1/second", meta = "1/minute")]
async fn locked() -> &'static str {
    "locked"
}

#[actix_web::test]
async fn who_waits_as_told_is_admitted_by_all_meta_limits() {
    let clock = FakeClock::new();
    let app = app!(limiter!(clock(clock.clone()), meta_limits(["1 per 5 minutes"])), locked);
    assert_eq!(statuses!(app, GET "/locked", 2), [200, 429]);
    let denied = answer!(app, GET "/locked");
    assert_eq!((denied.status().as_u16(), &*field(&denied, "retry-after")), (429, "300"));
    clock.advance(Duration::from_secs(300));
    assert_eq!(statuses!(app, GET "/locked", 1), [200]);
}
