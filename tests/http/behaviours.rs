//! Behaviours of the reference, by their numbers in its study, as far as this library's arguments
//! cover them.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, get, post, route, web};
use limiter_actix::{FakeClock, SharedLimit, exempt, limit, shared_limit};

#[get("/plain")]
async fn plain() -> &'static str {
    "plain"
}

#[get("/other")]
async fn other() -> &'static str {
    "other"
}

#[get("/ten")]
#[limit("100/hour;10/minute")]
async fn ten() -> &'static str {
    "ten"
}

#[get("/adds")]
#[limit("1/second", override_defaults = false)]
async fn adds() -> &'static str {
    "adds"
}

#[actix_web::test]
async fn b28_a_default_applies_to_each_undecorated_route() {
    let app = app!(limiter!(default_limits(["1/hour"])), plain, other);
    assert_eq!(statuses!(app, GET "/plain", 2), [200, 429]);
    assert_eq!(statuses!(app, GET "/other", 2), [200, 429]);
}

#[actix_web::test]
async fn b29_a_decorated_route_overrides_the_default() {
    let app = app!(limiter!(default_limits(["1/hour"])), ten);
    let mut expected = vec![200; 10];
    expected.push(429);
    assert_eq!(statuses!(app, GET "/ten", 11), expected);
}

#[actix_web::test]
async fn b30_override_defaults_false_adds_to_the_default() {
    let clock = FakeClock::new();
    let app = app!(limiter!(default_limits(["2/minute"]), clock(clock.clone())), adds);
    assert_eq!(statuses!(app, GET "/adds", 2), [200, 429]);
    clock.advance(Duration::from_secs(1));
    assert_eq!(statuses!(app, GET "/adds", 1), [200]);
    clock.advance(Duration::from_secs(1));
    assert_eq!(statuses!(app, GET "/adds", 1), [429], "the default of two a minute is used up");
}

#[actix_web::test]
async fn b31_an_application_limit_is_shared_by_all_routes() {
    let app = app!(limiter!(application_limits(["2/minute"])), plain, other, ten);
    assert_eq!(statuses!(app, GET "/plain", 1), [200]);
    assert_eq!(statuses!(app, GET "/ten", 1), [200]);
    assert_eq!(statuses!(app, GET "/other", 1), [429]);
}

#[actix_web::test]
async fn b32_an_application_limit_counts_once_with_a_decorated_route() {
    let app = app!(limiter!(application_limits(["3/minute"])), ten);
    assert_eq!(statuses!(app, GET "/ten", 4), [200, 200, 200, 429]);
}

#[get("/one")]
#[limit("1/minute")]
async fn one() -> &'static str {
    "one"
}

/// The reference keeps charging the application limit; here a denied request charges nothing (D1).
#[actix_web::test]
async fn b33_a_denied_request_leaves_the_application_limit_alone() {
    let app = app!(limiter!(application_limits(["3/minute"])), one, plain);
    assert_eq!(statuses!(app, GET "/one", 4), [200, 429, 429, 429]);
    assert_eq!(statuses!(app, GET "/plain", 3), [200, 200, 429]);
}

#[post("/plain")]
async fn plain_post() -> &'static str {
    "plain"
}

#[actix_web::test]
async fn b34_an_application_limit_per_method_has_a_counter_for_each() {
    let limiter = limiter!(application_limits(["1/minute"]), application_limits_per_method(true));
    let app = app!(limiter, plain, plain_post, other);
    assert_eq!(statuses!(app, GET "/plain", 1), [200]);
    assert_eq!(statuses!(app, POST "/plain", 2), [200, 429]);
    assert_eq!(statuses!(app, GET "/other", 1), [429]);
}

#[actix_web::test]
async fn b35_a_default_leaves_the_other_method_alone() {
    let app = app!(limiter!(default_limits(["1/hour"])), plain, plain_post);
    assert_eq!(statuses!(app, GET "/plain", 2), [200, 429]);
    assert_eq!(statuses!(app, POST "/plain", 2), [200, 429]);
}

#[route("/both", method = "GET", method = "POST", method = "HEAD")]
#[limit("1/minute", per_method = true)]
async fn both() -> &'static str {
    "both"
}

#[route("/together", method = "GET", method = "POST")]
#[limit("1/minute", override_defaults = false)]
async fn together() -> &'static str {
    "together"
}

#[actix_web::test]
async fn b36_a_decorated_limit_per_method_has_a_counter_for_each() {
    let app = app!(limiter!(), both, together);
    assert_eq!(statuses!(app, GET "/both", 2), [200, 429]);
    assert_eq!(statuses!(app, POST "/both", 2), [200, 429]);
    assert_eq!(statuses!(app, HEAD "/both", 1), [429], "HEAD is no second budget");
    assert_eq!(statuses!(app, GET "/together", 1), [200]);
    assert_eq!(statuses!(app, POST "/together", 1), [429]);
}

#[route("/get-only", method = "GET", method = "POST")]
#[limit("1/minute", methods = ["get"])]
async fn get_only() -> &'static str {
    "get only"
}

#[actix_web::test]
async fn b37_b38_a_method_outside_the_list_falls_back_to_the_defaults() {
    let app = app!(limiter!(default_limits(["2/second"])), get_only);
    assert_eq!(statuses!(app, GET "/get-only", 2), [200, 429]);
    assert_eq!(statuses!(app, POST "/get-only", 3), [200, 200, 429]);
}

static DATABASE: SharedLimit = SharedLimit::new("2/hour", "mysql");

#[get("/orders")]
#[shared_limit(DATABASE)]
async fn orders() -> &'static str {
    "orders"
}

#[get("/report")]
#[shared_limit("2/hour", scope = "mysql")]
async fn report() -> &'static str {
    "report"
}

#[get("/files")]
#[shared_limit("2/hour", scope = "disk")]
async fn files() -> &'static str {
    "files"
}

#[actix_web::test]
async fn b39_a_shared_limit_is_one_counter_per_name() {
    let app = app!(limiter!(), orders, report, files);
    assert_eq!(statuses!(app, GET "/orders", 1), [200]);
    assert_eq!(statuses!(app, GET "/report", 2), [200, 429]);
    assert_eq!(statuses!(app, GET "/orders", 1), [429]);
    assert_eq!(statuses!(app, GET "/files", 2), [200, 200]);
}

#[get("/scoped/a")]
#[limit("1/hour", scope = "part")]
async fn scoped_a() -> &'static str {
    "a"
}

#[get("/scoped/b")]
#[limit("1/hour", scope = "part")]
async fn scoped_b() -> &'static str {
    "b"
}

#[actix_web::test]
async fn b41_a_scope_on_limit_divides_the_handlers_own() {
    let app = app!(limiter!(), scoped_a, scoped_b);
    assert_eq!(statuses!(app, GET "/scoped/a", 2), [200, 429]);
    assert_eq!(statuses!(app, GET "/scoped/b", 2), [200, 429]);
}

fn everybody(_: &HttpRequest) -> &'static str {
    "everybody"
}

#[get("/two-keys")]
#[limit("3/minute", key = everybody)]
#[limit("2/minute")]
async fn two_keys() -> &'static str {
    "two keys"
}

#[actix_web::test]
async fn b42_stacked_limits_with_different_keys_are_both_enforced() {
    let app = app!(limiter!(), two_keys);
    assert_eq!(statuses!(app, GET "/two-keys", 3, "192.0.2.1"), [200, 200, 429]);
    assert_eq!(statuses!(app, GET "/two-keys", 2, "192.0.2.2"), [200, 429]);
}

#[get("/stacked")]
#[limit("4/minute")]
#[limit("4/minute")]
async fn stacked() -> &'static str {
    "stacked"
}

#[get("/repeated")]
#[limit("4/minute;4/minute")]
async fn repeated() -> &'static str {
    "repeated"
}

#[actix_web::test]
async fn b43_stacked_twins_count_once_and_repeated_ones_twice() {
    let app = app!(limiter!(), stacked, repeated);
    assert_eq!(statuses!(app, GET "/stacked", 5), [200, 200, 200, 200, 429]);
    assert_eq!(statuses!(app, GET "/repeated", 3), [200, 200, 429]);
}

#[get("/exempt")]
#[exempt]
async fn exempted() -> &'static str {
    "exempt"
}

#[get("/exempt-application")]
#[exempt(application)]
async fn exempt_from_application() -> &'static str {
    "exempt"
}

#[get("/exempt-own")]
#[exempt(application)]
#[limit("2/minute")]
async fn exempt_with_limit() -> &'static str {
    "exempt"
}

#[actix_web::test]
async fn b44_an_exempt_route_is_limited_by_nothing() {
    let limiter = limiter!(default_limits(["1/hour"]), application_limits(["1/hour"]));
    let app = app!(limiter, exempted, plain);
    assert_eq!(statuses!(app, GET "/exempt", 5), [200; 5]);
    assert_eq!(statuses!(app, GET "/plain", 1), [200], "nothing was charged");
}

#[actix_web::test]
async fn b45_exempt_from_the_application_limit_only() {
    let limiter = limiter!(default_limits(["2/hour"]), application_limits(["1/hour"]));
    let app = app!(limiter, exempt_from_application, plain);
    assert_eq!(statuses!(app, GET "/exempt-application", 3), [200, 200, 429]);
    assert_eq!(statuses!(app, GET "/plain", 2), [200, 429]);
}

/// In the reference any exemption deletes the route's own limits (D8).
#[actix_web::test]
async fn b46_an_exemption_does_what_its_flags_say() {
    let app = app!(limiter!(application_limits(["1/hour"])), exempt_with_limit);
    assert_eq!(statuses!(app, GET "/exempt-own", 3), [200, 200, 429]);
}

#[actix_web::test]
async fn b48_a_path_can_be_exempt_without_a_handler_saying_so() {
    let limiter = limiter!(default_limits(["1/hour"]), exempt_path("/plain"));
    let app = app!(limiter, plain, other);
    assert_eq!(statuses!(app, GET "/plain", 5), [200; 5]);
    assert_eq!(statuses!(app, GET "/other", 2), [200, 429]);
}

#[actix_web::test]
async fn b64_the_first_breach_stops_and_leaves_the_longer_window_alone() {
    #[get("/windows")]
    #[limit("1/second;2/minute")]
    async fn windows() -> &'static str {
        "windows"
    }
    let clock = FakeClock::new();
    let app = app!(limiter!(clock(clock.clone())), windows);
    assert_eq!(statuses!(app, GET "/windows", 3), [200, 429, 429]);
    clock.advance(Duration::from_secs(1));
    assert_eq!(statuses!(app, GET "/windows", 1), [200], "the two denials were not counted");
    clock.advance(Duration::from_secs(1));
    assert_eq!(statuses!(app, GET "/windows", 1), [429]);
}

#[actix_web::test]
async fn b65_without_fail_fast_every_breached_limit_is_named() {
    #[get("/named")]
    #[limit("1/minute", name = "short")]
    #[limit("1/hour", name = "long")]
    async fn named() -> &'static str {
        "named"
    }
    let violated = async |first| {
        let app = app!(limiter!(fail_on_first_breach(first)), named);
        answer!(app, GET "/named");
        let denied = answer!(app, GET "/named");
        let wait = denied.headers().get("retry-after").unwrap().to_str().unwrap().to_owned();
        let body = actix_web::test::read_body(denied).await;
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        (body["violated-policies"].clone(), wait)
    };
    assert_eq!(violated(true).await, (serde_json::json!(["short"]), "3600".to_owned()));
    assert_eq!(violated(false).await, (serde_json::json!(["short", "long"]), "3600".to_owned()));
}

fn twice(_: &HttpRequest) -> u64 {
    2
}

async fn twice_later(_: &HttpRequest) -> u64 {
    2
}

async fn tenant(request: &HttpRequest) -> Option<String> {
    Some(request.headers().get("x-tenant")?.to_str().ok()?.to_owned())
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

#[get("/cost/async")]
#[limit("4/second", cost = async twice_later, key = async tenant)]
async fn costly_by_async_function() -> &'static str {
    "costly"
}

#[get("/cost/shared")]
#[shared_limit("4/second", scope = "costs", cost = 2)]
async fn costly_shared() -> &'static str {
    "costly"
}

#[actix_web::test]
async fn b67_a_cost_counts_as_so_many_requests() {
    let limiter = limiter!(clock(FakeClock::new()));
    let app = app!(limiter, costly, costly_by_function, costly_shared);
    for path in ["/cost/literal", "/cost/function", "/cost/shared"] {
        assert_eq!(statuses!(app, GET path, 3), [200, 200, 429], "{path}");
    }
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

#[actix_web::test]
async fn a_handler_that_fails_has_been_counted() {
    #[get("/fails")]
    #[limit("2/minute")]
    async fn fails() -> Result<HttpResponse, actix_web::Error> {
        Err(actix_web::error::ErrorImATeapot("short and stout"))
    }
    let app = app!(limiter!(), fails);
    assert_eq!(statuses!(app, GET "/fails", 3), [418, 418, 429]);
}

#[actix_web::test]
async fn handlers_registered_by_hand_are_limited_alike() {
    #[limit("1/minute")]
    async fn by_hand(id: web::Path<u32>) -> String {
        id.to_string()
    }
    let app = app!(
        limiter!(),
        web::resource("/hand/{id}").route(web::get().to(by_hand)),
        web::scope("/inner").route("/{id}", web::post().to(by_hand)),
    );
    assert_eq!(statuses!(app, GET "/hand/1", 1), [200]);
    // One handler, one counter, wherever it is registered and whatever the id.
    assert_eq!(statuses!(app, POST "/inner/2", 1), [429]);
}

#[actix_web::test]
async fn associated_functions_of_one_name_have_counters_of_their_own() {
    struct Users;
    impl Users {
        #[limit("1/minute")]
        async fn list() -> &'static str {
            "users"
        }
    }
    struct Orders;
    impl Orders {
        #[limit("1/minute")]
        async fn list() -> &'static str {
            "orders"
        }
    }
    let app = app!(
        limiter!(),
        web::resource("/users").to(Users::list),
        web::resource("/orders").to(Orders::list),
    );
    assert_eq!(statuses!(app, GET "/users", 2), [200, 429]);
    assert_eq!(statuses!(app, GET "/orders", 2), [200, 429]);
}
