//! Limiters that are missing, doubled, switched off or configured wrongly.

use actix_web::{App, get, test};
use limiter_actix::{
    FakeClock, Key, Limiter, MetaLimit, MissingIdentity, Strategy, exempt, header, limit,
};
use limiter_tests::Log;

#[get("/plain")]
async fn plain() -> &'static str {
    "plain"
}

#[get("/limited")]
#[limit("2/minute")]
async fn limited() -> &'static str {
    "limited"
}

#[actix_web::test]
async fn a_decorated_handler_without_the_middleware_is_an_error_not_unlimited() {
    let app = test::init_service(App::new().service(limited)).await;
    let (log, guard) = Log::listen();
    assert_eq!(statuses!(app, GET "/limited", 2), [500, 500]);
    drop(guard);
    let log = log.text();
    assert!(log.contains(".wrap(limiter.middleware())"), "the remedy: {log}");
    assert!(log.contains("http::wiring::limited"), "the handler: {log}");
    assert!(log.contains("wiring.rs"), "where it stands: {log}");
}

#[actix_web::test]
async fn a_denial_is_logged_without_the_client() {
    let app = app!(limiter!(default_limits(["1/minute"])), plain);
    let (log, guard) = Log::listen();
    assert_eq!(statuses!(app, GET "/plain", 2), [200, 429]);
    drop(guard);
    let log = log.text();
    assert_eq!(log.matches("limit exceeded").count(), 1, "{log}");
    assert!(log.contains("default-per-minute") && log.contains("/plain"), "{log}");
    assert!(!log.contains("192.0.2.1"), "{log}");
}

#[actix_web::test]
async fn a_client_without_identity_is_denied_unless_you_choose_otherwise() {
    let nobody = |_: &actix_web::HttpRequest| -> Option<String> { None };
    let app = app!(limiter!(default_limits(["1/minute"]), key(nobody)), plain, limited);
    assert_eq!(statuses!(app, GET "/plain", 2), [403, 403]);
    assert_eq!(statuses!(app, GET "/limited", 2), [403, 403]);

    let empty = |_: &actix_web::HttpRequest| String::new();
    let fallback = MissingIdentity::Fallback(Key::text("unknown"));
    let app =
        app!(limiter!(default_limits(["1/minute"]), key(empty), missing_identity(fallback)), plain);
    assert_eq!(statuses!(app, GET "/plain", 2), [200, 429]);

    let skip = MissingIdentity::Skip;
    let app =
        app!(limiter!(default_limits(["1/minute"]), key(empty), missing_identity(skip)), plain);
    assert_eq!(statuses!(app, GET "/plain", 2), [200, 200]);

    let app = app!(limiter!(key(empty)), plain);
    assert_eq!(statuses!(app, GET "/plain", 1), [200], "no limit, no question");
}

#[actix_web::test]
async fn a_limit_without_key_leaves_nothing_behind_for_the_handler() {
    // The name of its resource says that the handler may be exempt, so it is reached all the same.
    #[get("/exempt")]
    #[exempt]
    async fn exempted() -> &'static str {
        "exempt"
    }
    fn tenant(request: &actix_web::HttpRequest) -> Option<Key> {
        limiter_actix::KeyBy::key(&header("x-tenant"), request)
    }
    let limiter =
        limiter!(default_limits(["9/day"]), meta_limits([MetaLimit::new("9/day").key(tenant)]));
    let app = app!(limiter, exempted);
    assert_eq!(statuses!(app, GET "/exempt", 2), [200, 200]);

    #[get("/twice")]
    #[limit("2/day")]
    #[exempt(meta)]
    async fn twice() -> &'static str {
        "twice"
    }
    let limiter =
        limiter!(default_limits(["9/day"]), meta_limits([MetaLimit::new("9/day").key(tenant)]));
    let app = app!(limiter, twice);
    assert_eq!(statuses!(app, GET "/twice", 3), [200, 200, 429], "charged once each");
}

#[actix_web::test]
async fn a_key_of_ones_own_may_look_at_what_an_inner_middleware_found_out() {
    use actix_web::{HttpMessage, dev::Service};
    #[get("/user")]
    #[limit("1/minute", key = user)]
    async fn mine() -> &'static str {
        "mine"
    }
    struct User(String);
    fn user(request: &actix_web::HttpRequest) -> Option<String> {
        request.extensions().get::<User>().map(|user| user.0.clone())
    }
    let limiter = limiter!();
    let app = test::init_service(
        App::new()
            .wrap_fn(|request, service| {
                let user = request.headers().get("x-user").unwrap().to_str().unwrap().to_owned();
                request.extensions_mut().insert(User(user));
                service.call(request)
            })
            .wrap(limiter.middleware())
            .service(mine),
    )
    .await;
    for user in ["ann", "bob"] {
        for status in [200, 429] {
            let request =
                test::TestRequest::get().uri("/user").insert_header(("x-user", user)).to_request();
            assert_eq!(test::call_service(&app, request).await.status(), status, "{user}");
        }
    }
}

#[actix_web::test]
async fn every_strategy_can_be_chosen_for_all_limits() {
    for strategy in Strategy::ALL {
        let limiter =
            limiter!(default_limits(["2/minute"]), strategy(strategy), clock(FakeClock::new()));
        let app = app!(limiter, plain);
        assert_eq!(statuses!(app, GET "/plain", 3), [200, 200, 429], "{strategy}");
    }
}

#[actix_web::test]
async fn build_names_the_option_and_the_remedy() {
    let errors = [
        (Limiter::builder().default_limits(["10/fortnight"]), ["default_limits", "`fortnight`"]),
        (Limiter::builder().application_limits(["10"]), ["application_limits", "10/minute"]),
        (Limiter::builder().default_limits(["1/s burst 9"]), ["burst", "token-bucket"]),
        (
            Limiter::builder().default_limits(["5/s"]).default_limits_cost(6),
            ["default_limits", "at most 5"],
        ),
        (Limiter::builder().storage_uri("redes://:secret@host"), ["storage_uri", "`redes`"]),
        (Limiter::builder().storage_uri("memory"), ["storage_uri", "`memory://`"]),
        (Limiter::builder().ipv4_prefix(33), ["ipv4_prefix", "1 to 32"]),
        (Limiter::builder().ipv6_prefix(0), ["ipv6_prefix", "`everyone`"]),
        (Limiter::builder().exempt_path("health"), ["exempt_path", "`health`"]),
    ];
    for (builder, expected) in errors {
        let error = builder.build().await.unwrap_err().to_string();
        for part in expected {
            assert!(error.contains(part), "expected {part} in: {error}");
        }
        assert!(!error.contains("secret"), "{error}");
    }
}
