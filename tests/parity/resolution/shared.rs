//! Behaviours 39 to 43: shared limits, scopes, keys and duplicates.

use std::sync::atomic::{AtomicUsize, Ordering};

use actix_web::{HttpRequest, get, web};
use limiter_actix::{SharedLimit, limit, shared_limit};

use crate::site::Place;

in_process_and_over_sockets!(
    b39_a_shared_limit_is_one_counter_per_name,
    b40_a_scope_function_is_told_the_endpoint_and_asked_once,
    b41_a_scope_on_limit_divides_the_handlers_own,
    b42_stacked_limits_with_different_keys_are_both_enforced,
    b43_stacked_twins_count_once_and_repeated_ones_twice,
);

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

async fn b39_a_shared_limit_is_one_counter_per_name(place: Place) {
    let site = site!(place, limiter!(), orders, report, files);
    assert_eq!(site.get("/orders").times(1).await, [200]);
    assert_eq!(site.get("/report").times(2).await, [200, 429]);
    assert_eq!(site.get("/orders").times(1).await, [429]);
    assert_eq!(site.get("/files").times(2).await, [200, 200]);
}

/// The first part of the endpoint's pattern; counts how often it is asked.
fn area(request: &HttpRequest) -> String {
    request.app_data::<web::Data<AtomicUsize>>().unwrap().fetch_add(1, Ordering::SeqCst);
    let pattern = request.match_pattern().unwrap();
    pattern.split('/').nth(1).unwrap().to_owned()
}

#[get("/shop/{item}")]
#[shared_limit("2/hour", scope = area)]
async fn item() -> &'static str {
    "item"
}

#[get("/shop/{item}/price")]
#[shared_limit("2/hour", scope = area)]
async fn price() -> &'static str {
    "price"
}

#[get("/stock/{item}")]
#[shared_limit("2/hour", scope = area)]
async fn stock() -> &'static str {
    "stock"
}

async fn b40_a_scope_function_is_told_the_endpoint_and_asked_once(place: Place) {
    let asked = web::Data::new(AtomicUsize::new(0));
    let data = asked.clone();
    let routes = move |app: &mut web::ServiceConfig| {
        app.app_data(data.clone()).service(item).service(price).service(stock);
    };
    let site = place.serve(&limiter!(), routes).await;
    assert_eq!(site.get("/shop/1").times(1).await, [200]);
    assert_eq!(site.get("/shop/2/price").times(2).await, [200, 429]);
    assert_eq!(site.get("/stock/1").times(2).await, [200, 200]);
    assert_eq!(asked.load(Ordering::SeqCst), 5);
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

async fn b41_a_scope_on_limit_divides_the_handlers_own(place: Place) {
    let site = site!(place, limiter!(), scoped_a, scoped_b);
    assert_eq!(site.get("/scoped/a").times(2).await, [200, 429]);
    assert_eq!(site.get("/scoped/b").times(2).await, [200, 429]);
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

async fn b42_stacked_limits_with_different_keys_are_both_enforced(place: Place) {
    let site = site!(place, limiter!(), two_keys);
    assert_eq!(site.get("/two-keys").client(1).times(3).await, [200, 200, 429]);
    assert_eq!(site.get("/two-keys").client(2).times(2).await, [200, 429]);
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

async fn b43_stacked_twins_count_once_and_repeated_ones_twice(place: Place) {
    let site = site!(place, limiter!(), stacked, repeated);
    assert_eq!(site.get("/stacked").times(5).await, [200, 200, 200, 200, 429]);
    assert_eq!(site.get("/repeated").times(3).await, [200, 200, 429]);
}
