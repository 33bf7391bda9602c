//! What a client is told: headers, problem bodies, and when to come back.

use actix_web::{App, HttpResponse, dev::Service, error, get, http::header, middleware, test};
use limiter_actix::{FakeClock, Headers, Limiter, RetryAfter, limit, shared_limit};

#[get("/plain")]
async fn plain() -> &'static str {
    "plain"
}

fn text<'a>(answer: &'a actix_web::dev::ServiceResponse, name: &str) -> Option<&'a str> {
    let mut values = answer.headers().get_all(name);
    let value = values.next().map(|value| value.to_str().unwrap());
    assert!(values.next().is_none(), "{name} is there twice");
    value
}

#[actix_web::test]
async fn by_default_no_header_tells_a_limit() {
    let app = app!(limiter!(default_limits(["1/minute"])), plain);
    let admitted = answer!(app, GET "/plain");
    assert!(admitted.headers().keys().all(|name| !name.as_str().contains("rate")));
    assert!(!admitted.headers().contains_key(header::RETRY_AFTER));
    let denied = answer!(app, GET "/plain");
    assert!(denied.headers().keys().all(|name| !name.as_str().contains("rate")));
    assert_eq!(text(&denied, "retry-after"), Some("60"));
    assert_eq!(text(&denied, "cache-control"), Some("no-store"));
}

#[actix_web::test]
async fn windows_are_ordered_by_length_not_by_unit() {
    #[get("/units")]
    #[limit("20 per 90 seconds;10 per minute")]
    async fn units() -> &'static str {
        "units"
    }
    let app = app!(limiter!(headers(Headers::x_rate_limit())), units);
    assert_eq!(text(&answer!(app, GET "/units"), "x-ratelimit-limit"), Some("10"));
}

#[actix_web::test]
async fn a_date_that_has_no_form_is_told_in_seconds() {
    let headers = Headers::off().retry_after(RetryAfter::HttpDate);
    let limiter =
        limiter!(default_limits(["1 per 9000 years"]), headers(headers), clock(FakeClock::new()));
    let app = app!(limiter, plain);
    assert_eq!(answer!(app, GET "/plain").status(), 200);
    let denied = answer!(app, GET "/plain");
    assert_eq!(denied.status(), 429);
    assert_eq!(text(&denied, "retry-after"), Some("283824000000"));
}

#[actix_web::test]
async fn a_header_name_that_is_none_is_refused_at_build() {
    let headers = Headers::x_rate_limit().limit_name("no header");
    let error = Limiter::builder().headers(headers).build().await.unwrap_err().to_string();
    assert!(error.contains("headers") && error.contains("`no header`"), "{error}");
}

#[actix_web::test]
async fn the_ietf_fields_tell_every_limit() {
    #[get("/ietf")]
    #[limit("3/minute", name = "burst")]
    #[shared_limit("100/day", scope = "all \"of\" it")]
    async fn ietf() -> &'static str {
        "ietf"
    }
    let app = app!(limiter!(headers(Headers::ietf()), clock(FakeClock::new())), ietf);
    let admitted = answer!(app, GET "/ietf");
    assert_eq!(
        text(&admitted, "ratelimit-policy"),
        Some(r#""burst";q=3;w=60,"all--of--it-per-day";q=100;w=86400"#)
    );
    assert_eq!(
        text(&admitted, "ratelimit"),
        Some(r#""burst";r=2;t=60,"all--of--it-per-day";r=99;t=86400"#)
    );
    assert!(!admitted.headers().contains_key("x-ratelimit-limit"));
}

#[actix_web::test]
async fn a_window_of_milliseconds_has_no_w_parameter() {
    let limiter = limiter!(default_limits(["20 per 100 ms"]), headers(Headers::ietf()));
    let app = app!(limiter, plain);
    let answer = answer!(app, GET "/plain");
    assert_eq!(text(&answer, "ratelimit-policy"), Some(r#""default-per-100-milliseconds";q=20"#));
}

#[actix_web::test]
async fn the_body_is_a_problem_that_names_the_policy() {
    #[get("/message")]
    #[limit("1/minute", name = "search", error_message = "one search a minute, please")]
    async fn message() -> &'static str {
        "message"
    }
    let app = app!(limiter!(default_limits(["1 per 2 days"])), message, plain);
    for (path, detail, policy) in [
        ("/message", "one search a minute, please", "search"),
        ("/plain", "1 per 2 day", "default-per-2-days"),
    ] {
        answer!(app, GET path);
        let denied = answer!(app, GET path);
        assert_eq!(text(&denied, "content-type"), Some("application/problem+json"));
        let body = test::read_body(denied).await;
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            body,
            serde_json::json!({
                "type": "https://iana.org/assignments/http-problem-types#quota-exceeded",
                "title": "Request cannot be satisfied as assigned quota has been exceeded",
                "status": 429,
                "detail": detail,
                "violated-policies": [policy],
            })
        );
    }
}

#[actix_web::test]
async fn what_can_never_be_admitted_names_no_time_to_come_back() {
    let app = app!(limiter!(default_limits(["0/minute"])), plain);
    let denied = answer!(app, GET "/plain");
    assert_eq!(denied.status(), 429);
    assert_eq!(text(&denied, "retry-after"), None);
}

#[actix_web::test]
async fn errors_of_handlers_and_of_inner_middleware_have_the_headers_too() {
    #[get("/error")]
    async fn failing() -> Result<HttpResponse, actix_web::Error> {
        Err(error::ErrorBadGateway("upstream"))
    }
    let limiter = limiter!(default_limits(["9/minute"]), headers(Headers::all()));
    let app = test::init_service(
        App::new()
            .wrap_fn(|request, service| {
                let refused = request.path() == "/refused";
                let next = (!refused).then(|| service.call(request));
                async move {
                    match next {
                        Some(next) => next.await,
                        None => Err(error::ErrorUnauthorized("who are you?")),
                    }
                }
            })
            .wrap(limiter.middleware())
            .service(failing)
            .service(actix_web::web::resource("/refused").to(HttpResponse::Ok)),
    )
    .await;
    for (path, status) in [("/error", 502), ("/refused", 401)] {
        let answer = answer!(app, GET path);
        assert_eq!(answer.status(), status);
        assert_eq!(text(&answer, "x-ratelimit-limit"), Some("9"), "{path}");
        assert!(text(&answer, "ratelimit").is_some());
    }
}

#[actix_web::test]
async fn a_field_that_is_there_is_not_written_again() {
    #[get("/own")]
    async fn own() -> HttpResponse {
        HttpResponse::Ok().insert_header(("x-ratelimit-limit", "7")).finish()
    }
    let inner = limiter!(default_limits(["5/minute"]), headers(Headers::all()));
    let outer =
        limiter!(application_limits(["50/minute"]), headers(Headers::all()), key_prefix("outer"));
    let app = test::init_service(
        App::new().wrap(inner.middleware()).wrap(outer.middleware()).service(own).service(plain),
    )
    .await;
    assert_eq!(text(&answer!(app, GET "/own"), "x-ratelimit-limit"), Some("7"));
    let answer = answer!(app, GET "/plain");
    assert_eq!(text(&answer, "x-ratelimit-limit"), Some("5"), "the inner limiter knows better");
    assert!(text(&answer, "ratelimit-policy").unwrap().starts_with("\"default-"));
}

#[actix_web::test]
async fn what_stands_outside_the_limiter_runs_for_denied_requests() {
    let limiter = limiter!(default_limits(["1/minute"]));
    let app = test::init_service(
        App::new()
            .wrap(limiter.middleware())
            .wrap(middleware::DefaultHeaders::new().add(("access-control-allow-origin", "*")))
            .service(plain),
    )
    .await;
    answer!(app, GET "/plain");
    let denied = answer!(app, GET "/plain");
    assert_eq!(denied.status(), 429);
    assert_eq!(text(&denied, "access-control-allow-origin"), Some("*"));
}
