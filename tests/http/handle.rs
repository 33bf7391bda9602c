//! The limiter in the hands of the app: blocks of code, lists and filters, the handle and what
//! error handlers see.

use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::{
    App, FromRequest, HttpRequest, HttpResponse,
    body::{MessageBody, to_bytes},
    dev::ServiceResponse,
    get,
    http::{
        StatusCode,
        header::{HeaderName, HeaderValue},
    },
    middleware::{ErrorHandlerResponse, ErrorHandlers},
    test::init_service,
};
use limiter_actix::{CurrentLimits, Denial, IntoKey, Key, Limiter, MissingIdentity, limit};

async fn body<B: MessageBody>(answer: ServiceResponse<B>) -> String {
    let bytes = to_bytes(answer.into_body()).await.map_err(|_| "a body").unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[get("/block")]
async fn block(request: HttpRequest, limiter: Limiter) -> actix_web::Result<String> {
    limiter.limit("2/minute").enter(&request).await?;
    Ok("entered".to_owned())
}

#[actix_web::test]
async fn a_denied_block_leaves_its_breach_in_the_response() {
    let app = app!(limiter!(), block);
    assert_eq!(statuses!(app, GET "/block", 2), [200, 200]);
    let denied = answer!(app, GET "/block");
    assert_eq!(denied.status(), 429);
    assert_eq!(denied.response().extensions().get::<Denial>().unwrap().breached().len(), 1);
}

#[get("/malformed-block")]
async fn malformed_block(request: HttpRequest, limiter: Limiter) -> actix_web::Result<String> {
    limiter.limit("many").enter(&request).await?;
    Ok("entered".to_owned())
}

#[get("/empty-block")]
async fn empty_block(request: HttpRequest, limiter: Limiter) -> actix_web::Result<String> {
    // A setting that is not there, say.
    limiter.limit("").enter(&request).await?;
    Ok("entered".to_owned())
}

#[get("/listless-block")]
async fn listless_block(request: HttpRequest, limiter: Limiter) -> actix_web::Result<String> {
    limiter.limit(Vec::<String>::new()).enter(&request).await?;
    Ok("entered".to_owned())
}

#[actix_web::test]
async fn a_malformed_block_is_never_entered() {
    let app = app!(limiter!(), malformed_block, empty_block, listless_block);
    assert_eq!(statuses!(app, GET "/listless-block", 1), [500]);
    assert_eq!(statuses!(app, GET "/malformed-block", 1), [500]);
    assert_eq!(statuses!(app, GET "/empty-block", 1), [500]);
}

#[actix_web::test]
async fn a_block_calls_each_of_its_functions_once_however_many_limits_it_has() {
    static KEYS: AtomicU64 = AtomicU64::new(0);
    static COSTS: AtomicU64 = AtomicU64::new(0);
    #[get("/counted-block")]
    async fn counted(request: HttpRequest, limiter: Limiter) -> actix_web::Result<String> {
        let key = |_: &HttpRequest| {
            KEYS.fetch_add(1, Ordering::Relaxed);
            Key::text("all")
        };
        let cost = |_: &HttpRequest| {
            COSTS.fetch_add(1, Ordering::Relaxed);
            2
        };
        limiter.limit("4/minute; 100/hour").key(key).cost(cost).enter(&request).await?;
        Ok("entered".to_owned())
    }
    let app = app!(limiter!(), counted);
    assert_eq!(statuses!(app, GET "/counted-block", 3), [200, 200, 429]);
    assert_eq!((KEYS.load(Ordering::Relaxed), COSTS.load(Ordering::Relaxed)), (3, 3));
}

#[actix_web::test]
async fn a_block_without_a_limit_needs_no_identity() {
    #[get("/open-block")]
    async fn open(request: HttpRequest, limiter: Limiter) -> actix_web::Result<String> {
        let nothing = |_: &HttpRequest| "";
        let nobody = |_: &HttpRequest| None::<Key>;
        limiter.limit(nothing).key(nobody).enter(&request).await?;
        Ok("entered".to_owned())
    }
    let app = app!(limiter!(), open);
    assert_eq!(statuses!(app, GET "/open-block", 1), [200]);
}

#[get("/plain")]
#[limit("1/hour")]
async fn hourly() -> &'static str {
    "plain"
}

#[actix_web::test]
async fn lists_decide_before_anything_is_counted() {
    let app = app!(
        limiter!(
            application_limits(["1/hour"]),
            allow_networks(["192.0.2.0/24"]),
            deny_networks(["192.0.2.128/25", "2001:db8::/32"]),
            deny_keys([Key::ip("198.51.100.9".parse().unwrap())]),
            allow_keys([Key::ip("198.51.100.10".parse().unwrap())]),
        ),
        hourly
    );
    assert_eq!(statuses!(app, GET "/plain", 3), [200, 200, 200]);
    assert_eq!(statuses!(app, GET "/plain", 1, "192.0.2.200"), [403]);
    assert_eq!(statuses!(app, GET "/plain", 1, "2001:db8::1"), [403]);
    assert_eq!(statuses!(app, GET "/plain", 1, "198.51.100.9"), [403]);
    assert_eq!(statuses!(app, GET "/plain", 2, "198.51.100.10"), [200, 200]);
    assert_eq!(statuses!(app, GET "/plain", 2, "198.51.100.11"), [200, 429]);
}

#[actix_web::test]
async fn a_malformed_list_is_refused_when_the_limiter_is_built() {
    let error = Limiter::builder().deny_networks(["192.0.2.0/33"]).build().await.unwrap_err();
    assert!(error.to_string().starts_with("deny_networks: "), "{error}");
    assert!(error.to_string().contains("192.0.2.0/33"), "{error}");
}

#[actix_web::test]
async fn a_limiter_is_switched_off_and_on_at_run_time() {
    let limiter = limiter!();
    let app = app!(limiter, hourly);
    assert_eq!(statuses!(app, GET "/plain", 2), [200, 429]);
    limiter.disable();
    assert_eq!(statuses!(app, GET "/plain", 2), [200, 200]);
    limiter.enable();
    assert_eq!(statuses!(app, GET "/plain", 1), [429]);
    let never = limiter!(enabled(false));
    never.enable();
    assert!(!never.is_enabled());
}

#[actix_web::test]
async fn one_key_or_all_are_reset() {
    let limiter = limiter!();
    let app = app!(limiter, hourly);
    for client in ["192.0.2.1", "192.0.2.2"] {
        assert_eq!(statuses!(app, GET "/plain", 2, client), [200, 429]);
    }
    let record = limiter_actix::handlers()
        .into_iter()
        .find(|record| record.handler().ends_with("handle::hourly"))
        .unwrap();
    let limits = limiter.limits_of(record, "GET");
    let first = Key::ip("192.0.2.1".parse().unwrap());
    assert_eq!(limiter.peek(&limits[0].limit, &first).await.unwrap().remaining(), 0);
    limiter.reset(&limits[0].limit, &first).await.unwrap();
    assert!(limiter.test(&limits[0].limit, &first, 1).await.unwrap().admitted());
    assert_eq!(statuses!(app, GET "/plain", 1), [200]);
    assert_eq!(statuses!(app, GET "/plain", 1, "192.0.2.2"), [429]);
    limiter.reset_all().await.unwrap();
    assert_eq!(statuses!(app, GET "/plain", 1, "192.0.2.2"), [200]);
    assert!(limiter.hit(&limits[0].limit, &first, 1).await.unwrap().admitted());
    assert_eq!(statuses!(app, GET "/plain", 1), [429]);
}

#[get("/live")]
#[limit("5/minute; 10/hour", key = |_: &HttpRequest| "me", cost = 2)]
async fn live(mut limits: CurrentLimits) -> String {
    let before: Vec<u64> = limits.iter().map(|limit| limit.remaining()).collect();
    limits[0].reset().await.unwrap();
    limits.refresh().await.unwrap();
    let after: Vec<u64> = limits.iter().map(|limit| limit.remaining()).collect();
    assert_eq!(Some(limits[0].key()), "me".into_key().as_ref());
    assert_eq!(limits[0].cost(), 2);
    format!("{before:?} {after:?}")
}

#[get("/undecorated")]
async fn undecorated(limits: CurrentLimits) -> String {
    limits.iter().map(|limit| format!("{} {};", limit.name(), limit.remaining())).collect()
}

#[actix_web::test]
async fn a_handler_sees_every_limit_of_its_request() {
    let app = app!(
        limiter!(default_limits(["7/minute"]), application_limits(["9/hour"])),
        live,
        undecorated
    );
    assert_eq!(body(answer!(app, GET "/live")).await, "[3, 8, 8] [5, 8, 8]");
    let expected = "default-per-minute 6;application-per-hour 7;";
    assert_eq!(body(answer!(app, GET "/undecorated")).await, expected);
}

fn told<B>(mut response: ServiceResponse<B>) -> actix_web::Result<ErrorHandlerResponse<B>> {
    let name = match response.response().extensions().get::<Denial>() {
        Some(denial) => denial.breached()[0].name().to_owned(),
        None => "nothing".to_owned(),
    };
    let value = HeaderValue::from_str(&name).unwrap();
    response.headers_mut().insert(HeaderName::from_static("x-breached"), value);
    Ok(ErrorHandlerResponse::Response(response.map_into_left_body()))
}

#[actix_web::test]
async fn an_error_handler_sees_the_breach() {
    let limiter = limiter!(default_limits(["1/minute"]));
    let handlers = ErrorHandlers::new().handler(StatusCode::TOO_MANY_REQUESTS, told);
    let app = init_service(
        App::new().wrap(limiter.middleware()).wrap(handlers).service(hourly).service(undecorated),
    )
    .await;
    for (path, policy) in [("/plain", "hourly-per-hour"), ("/undecorated", "default-per-minute")] {
        assert_eq!(statuses!(app, GET path, 1), [200]);
        let answer = answer!(app, GET path);
        assert_eq!(answer.headers().get("x-breached").unwrap(), policy);
    }
}

#[actix_web::test]
async fn global_callbacks_answer_before_the_limits_own() {
    let app = app!(
        limiter!(
            default_limits(["1/minute"]),
            meta_limits(["1/hour"]),
            on_breach(|_| HttpResponse::PaymentRequired().finish()),
            on_meta_breach(|_| HttpResponse::UnavailableForLegalReasons().finish()),
        ),
        undecorated
    );
    assert_eq!(statuses!(app, GET "/undecorated", 3), [200, 402, 451]);
}

#[actix_web::test]
async fn a_block_without_identity_follows_the_policy() {
    let key = |_: &HttpRequest| None::<Key>;
    let app = app!(limiter!(key(key)), block);
    assert_eq!(statuses!(app, GET "/block", 1), [403]);
    let app = app!(limiter!(key(key), missing_identity(MissingIdentity::Skip)), block);
    assert_eq!(statuses!(app, GET "/block", 3), [200, 200, 200]);
}

#[actix_web::test]
async fn functions_of_the_request_see_no_limits_before_they_are_decided() {
    fn by_what_is_left(request: &HttpRequest) -> u64 {
        let limits = CurrentLimits::extract(request).into_inner().unwrap();
        u64::from(limits.is_empty())
    }
    let app =
        app!(limiter!(default_limits(["1/hour"]), default_limits_cost(by_what_is_left)), block);
    assert_eq!(statuses!(app, GET "/block", 2), [200, 429]);
}

#[actix_web::test]
async fn a_block_of_another_limiter_is_limited_while_that_of_the_app_is_disabled() {
    let (of_app, of_block) = (limiter!(), limiter!());
    let limiter = of_block.clone();
    let export = move |request: HttpRequest| {
        let limiter = limiter.clone();
        async move {
            limiter.limit("1/minute").enter(&request).await?;
            Ok::<_, actix_web::Error>("exported")
        }
    };
    let app = app!(of_app, actix_web::web::resource("/export").to(export));
    of_app.disable();
    assert_eq!(statuses!(app, GET "/export", 2), [200, 429]);
    of_block.disable();
    assert_eq!(statuses!(app, GET "/export", 1), [200]);
}
