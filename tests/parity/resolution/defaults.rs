//! Behaviours 28 to 38: default and application limits, methods.

use std::time::Duration;

use actix_web::{get, post, route};
use limiter_actix::{FakeClock, limit};

use crate::site::Place;

in_process_and_over_sockets!(
    b28_a_default_applies_to_each_undecorated_route,
    b29_a_decorated_route_overrides_the_default,
    b30_override_defaults_false_adds_to_the_default,
    b31_an_application_limit_is_shared_by_all_routes,
    b32_an_application_limit_counts_once_with_a_decorated_route,
    b33_a_denied_request_leaves_the_application_limit_alone,
    b34_an_application_limit_per_method_has_a_counter_for_each,
    b35_a_default_per_method_leaves_the_other_method_alone,
    b36_a_decorated_limit_per_method_has_a_counter_for_each,
    b37_a_method_outside_the_list_falls_back_to_the_defaults,
    b38_the_list_of_methods_may_be_in_lower_case,
);

#[get("/plain")]
async fn plain() -> &'static str {
    "plain"
}

#[post("/plain")]
async fn plain_post() -> &'static str {
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

#[get("/one")]
#[limit("1/minute")]
async fn one() -> &'static str {
    "one"
}

async fn b28_a_default_applies_to_each_undecorated_route(place: Place) {
    let site = site!(place, limiter!(default_limits(["1/hour"])), plain, other);
    assert_eq!(site.get("/plain").times(2).await, [200, 429]);
    assert_eq!(site.get("/other").times(2).await, [200, 429]);
}

async fn b29_a_decorated_route_overrides_the_default(place: Place) {
    let site = site!(place, limiter!(default_limits(["1/hour"])), ten);
    let mut expected = vec![200; 10];
    expected.push(429);
    assert_eq!(site.get("/ten").times(11).await, expected);
}

async fn b30_override_defaults_false_adds_to_the_default(place: Place) {
    let clock = FakeClock::new();
    let limiter = limiter!(default_limits(["2/minute"]), clock(clock.clone()));
    let site = site!(place, limiter, adds);
    assert_eq!(site.get("/adds").times(2).await, [200, 429]);
    clock.advance(Duration::from_secs(1));
    assert_eq!(site.get("/adds").times(1).await, [200]);
    clock.advance(Duration::from_secs(1));
    assert_eq!(site.get("/adds").times(1).await, [429], "the default of two a minute is used up");
}

async fn b31_an_application_limit_is_shared_by_all_routes(place: Place) {
    let site = site!(place, limiter!(application_limits(["2/minute"])), plain, other, ten);
    assert_eq!(site.get("/plain").times(1).await, [200]);
    assert_eq!(site.get("/ten").times(1).await, [200]);
    assert_eq!(site.get("/other").times(1).await, [429]);
}

async fn b32_an_application_limit_counts_once_with_a_decorated_route(place: Place) {
    let site = site!(place, limiter!(application_limits(["3/minute"])), ten);
    assert_eq!(site.get("/ten").times(4).await, [200, 200, 200, 429]);
}

/// The reference keeps charging the application limit; here a denied request charges nothing (D1).
async fn b33_a_denied_request_leaves_the_application_limit_alone(place: Place) {
    let site = site!(place, limiter!(application_limits(["3/minute"])), one, plain);
    assert_eq!(site.get("/one").times(4).await, [200, 429, 429, 429]);
    assert_eq!(site.get("/plain").times(3).await, [200, 200, 429]);
}

async fn b34_an_application_limit_per_method_has_a_counter_for_each(place: Place) {
    let limiter = limiter!(application_limits(["1/minute"]), application_limits_per_method(true));
    let site = site!(place, limiter, plain, plain_post, other);
    assert_eq!(site.get("/plain").times(1).await, [200]);
    assert_eq!(site.post("/plain").times(2).await, [200, 429]);
    assert_eq!(site.get("/other").times(1).await, [429]);
}

#[route("/kept", method = "GET", method = "POST")]
#[limit("9/minute", override_defaults = false)]
async fn kept() -> &'static str {
    "kept"
}

/// Two handlers on one path are two endpoints here, so they need no `default_limits_per_method`; a
/// decorated handler of several methods does.
async fn b35_a_default_per_method_leaves_the_other_method_alone(place: Place) {
    let site = site!(place, limiter!(default_limits(["1/hour"])), plain, plain_post, kept);
    assert_eq!(site.get("/plain").times(2).await, [200, 429]);
    assert_eq!(site.post("/plain").times(2).await, [200, 429]);
    assert_eq!(site.get("/kept").times(1).await, [200]);
    assert_eq!(site.post("/kept").times(1).await, [429]);

    let limiter = limiter!(default_limits(["1/hour"]), default_limits_per_method(true));
    let site = site!(place, limiter, kept);
    assert_eq!(site.get("/kept").times(2).await, [200, 429]);
    assert_eq!(site.post("/kept").times(2).await, [200, 429]);
}

#[route("/both", method = "GET", method = "POST", method = "HEAD")]
#[limit("1/minute", per_method = true)]
async fn both() -> &'static str {
    "both"
}

#[route("/together", method = "GET", method = "POST")]
#[limit("1/minute")]
async fn together() -> &'static str {
    "together"
}

async fn b36_a_decorated_limit_per_method_has_a_counter_for_each(place: Place) {
    let site = site!(place, limiter!(), both, together);
    assert_eq!(site.get("/both").times(2).await, [200, 429]);
    assert_eq!(site.post("/both").times(2).await, [200, 429]);
    assert_eq!(site.call("HEAD", "/both").times(1).await, [429], "HEAD is no second budget");
    assert_eq!(site.get("/together").times(1).await, [200]);
    assert_eq!(site.post("/together").times(1).await, [429]);
}

#[route("/get-only", method = "GET", method = "POST")]
#[limit("1/minute", methods = ["GET"])]
async fn get_only() -> &'static str {
    "get only"
}

#[route("/post-only", method = "GET", method = "POST")]
#[limit("1/minute", methods = ["post"])]
async fn post_only() -> &'static str {
    "post only"
}

async fn b37_a_method_outside_the_list_falls_back_to_the_defaults(place: Place) {
    let limiter = limiter!(default_limits(["2/second"]), clock(FakeClock::new()));
    let site = site!(place, limiter, get_only);
    assert_eq!(site.get("/get-only").times(2).await, [200, 429]);
    assert_eq!(site.post("/get-only").times(3).await, [200, 200, 429]);
}

async fn b38_the_list_of_methods_may_be_in_lower_case(place: Place) {
    let limiter = limiter!(default_limits(["2/second"]), clock(FakeClock::new()));
    let site = site!(place, limiter, post_only);
    assert_eq!(site.post("/post-only").times(2).await, [200, 429]);
    assert_eq!(site.get("/post-only").times(3).await, [200, 200, 429]);
}
