//! What a request costs.

use actix_web::{HttpRequest, get};
use limiter_actix::{FakeClock, limit};

#[get("/plain")]
async fn plain() -> &'static str {
    "plain"
}

#[get("/other")]
async fn other() -> &'static str {
    "other"
}

async fn twice_later(_: &HttpRequest) -> u64 {
    2
}

async fn tenant(request: &HttpRequest) -> Option<String> {
    Some(request.headers().get("x-tenant")?.to_str().ok()?.to_owned())
}

#[get("/cost/async")]
#[limit("4/second", cost = async twice_later, key = async tenant)]
async fn costly_by_async_function() -> &'static str {
    "costly"
}

#[actix_web::test]
async fn async_keys_and_costs_are_waited_for() {
    let app = app!(limiter!(clock(FakeClock::new())), costly_by_async_function);
    for tenant in ["a", "b"] {
        for expected in [200, 200, 429] {
            let request = actix_web::test::TestRequest::get()
                .uri("/cost/async")
                .insert_header(("x-tenant", tenant))
                .to_request();
            assert_eq!(actix_web::test::call_service(&app, request).await.status(), expected);
        }
    }
    assert_eq!(statuses!(app, GET "/cost/async", 1), [403], "no tenant, no identity");
}

#[actix_web::test]
async fn the_cost_of_default_and_application_limits() {
    let limiter = limiter!(
        default_limits(["4/hour"]),
        default_limits_cost(2),
        application_limits(["9/hour"]),
        application_limits_cost(3)
    );
    let app = app!(limiter, plain, other);
    assert_eq!(statuses!(app, GET "/plain", 3), [200, 200, 429]);
    assert_eq!(statuses!(app, GET "/other", 2), [200, 429]);
}
