//! What the named arguments do, seen in what the record says and in who is limited.

use actix_web::{HttpRequest, get, web};
use limiter_actix::{Key, limit, shared_limit};

use crate::support::{answers, limits, record};

#[limit(
    "10/second burst 20",
    key = tenant,
    cost = 20,
    override_defaults = false,
    per_method = true,
    methods = ["get", "Post", "PURGE"],
    scope = "part",
    error_message = "slow \"down\"",
    name = "search",
    strategy = "token-bucket",
)]
async fn everything() -> &'static str {
    "everything"
}

#[test]
fn every_argument_is_in_the_record() {
    let record = format!("{:?}", record("options::everything").limits()[0]);
    for part in [
        r#"text: Some("10/second burst 20")"#,
        r#"scope: HandlerPart("part")"#,
        "override_defaults: false",
        "per_method: true",
        r#"methods: ["GET", "POST", "PURGE"]"#,
        r#"error_message: Some("slow \"down\"")"#,
        r#"name: Some("search")"#,
        "strategy: Some(TokenBucket)",
    ] {
        assert!(record.contains(part), "{part} is missing in {record}");
    }
}

#[limit("1/second", strategy = "fixed-window")]
#[limit("2/second", strategy = "moving-window")]
#[limit("3/second", strategy = "sliding-window-counter")]
#[limit("4/second", strategy = "token-bucket")]
async fn strategies() -> &'static str {
    "strategies"
}

#[test]
fn every_strategy_has_its_name() {
    let record = format!("{:?}", record("options::strategies").limits());
    for strategy in ["FixedWindow", "MovingWindow", "SlidingWindowCounter", "TokenBucket"] {
        assert!(record.contains(&format!("strategy: Some({strategy})")), "{strategy}: {record}");
    }
}

#[allow(clippy::needless_raw_string_hashes)]
#[limit(r#"100/day"#)]
#[limit(
    r"10 per
    2 hours"
)]
#[limit("1\x2Fminute;\u{32}\tper\thour")]
#[limit("0/second", cost = 7)]
async fn literals() -> &'static str {
    "literals"
}

#[test]
fn limits_are_what_the_literal_means() {
    assert_eq!(
        limits(record("options::literals")),
        ["100/day", "10 per\n    2 hours", "1/minute;2\tper\thour", "0/second"]
    );
}

fn tenant(request: &HttpRequest) -> String {
    request.query_string().to_owned()
}

async fn tenant_later(request: &HttpRequest) -> Key {
    std::future::ready(()).await;
    Key::text(&tenant(request))
}

#[get("/")]
#[limit("1/day", key = tenant)]
async fn key_path() -> &'static str {
    "key"
}

#[get("/")]
#[limit("1/day", key = |request: &HttpRequest| request.query_string().to_owned())]
async fn key_closure() -> &'static str {
    "key"
}

#[get("/")]
#[limit("1/day", key = async tenant_later)]
async fn key_async_path() -> &'static str {
    "key"
}

#[get("/")]
#[limit("1/day", key = async |request: &HttpRequest| tenant_later(request).await)]
async fn key_async_closure() -> &'static str {
    "key"
}

#[actix_web::test]
async fn key_function_tells_clients_apart() {
    let requests = ["GET /?a", "GET /?a", "GET /?b", "GET /?b"];
    for answers in [
        answers(key_path, &requests).await,
        answers(key_closure, &requests).await,
        answers(key_async_path, &requests).await,
        answers(key_async_closure, &requests).await,
    ] {
        let statuses: Vec<_> = answers.iter().map(|(status, _)| status.as_u16()).collect();
        assert_eq!(statuses, [200, 429, 200, 429]);
    }
}

fn length(request: &HttpRequest) -> u64 {
    request.query_string().len() as u64
}

async fn length_later(request: &HttpRequest) -> u64 {
    std::future::ready(length(request)).await
}

#[get("/")]
#[limit("4/day", cost = length)]
async fn cost_path() -> &'static str {
    "cost"
}

#[get("/")]
#[limit("4/day", cost = |request: &HttpRequest| length(request))]
async fn cost_closure() -> &'static str {
    "cost"
}

#[get("/")]
#[shared_limit("4/day", scope = "cost", cost = async length_later)]
async fn cost_async_path() -> &'static str {
    "cost"
}

#[get("/")]
#[limit("4/day", cost = async |request: &HttpRequest| length_later(request).await)]
async fn cost_async_closure() -> &'static str {
    "cost"
}

#[get("/")]
#[limit("4/day", cost = 3)]
async fn cost_literal() -> &'static str {
    "cost"
}

#[get("/")]
#[limit("1/day", cost = 0)]
async fn cost_nothing() -> &'static str {
    "cost"
}

#[actix_web::test]
async fn cost_is_what_a_request_uses() {
    let requests = ["GET /?aaa", "GET /?aa", "GET /?a", "GET /?a"];
    for answers in [
        answers(cost_path, &requests).await,
        answers(cost_closure, &requests).await,
        answers(cost_async_path, &requests).await,
        answers(cost_async_closure, &requests).await,
    ] {
        let statuses: Vec<_> = answers.iter().map(|(status, _)| status.as_u16()).collect();
        assert_eq!(statuses, [200, 429, 200, 429]);
    }
    assert_eq!(answers(cost_literal, &["GET /", "GET /"]).await[1].0.as_u16(), 429);
    assert_eq!(answers(cost_nothing, &["GET /", "GET /"]).await[1].0.as_u16(), 200);
}

/// The key of an enclosing function's path argument.
#[limit("1/day", key = (tenant, limiter_actix::header("x-device")))]
async fn key_of_parts(_path: web::Path<u32>) -> &'static str {
    "parts"
}

#[test]
fn key_is_composed_of_parts() {
    assert_eq!(limits(record("options::key_of_parts")), ["1/day"]);
}
