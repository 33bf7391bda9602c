//! Behaviours 57 and 58: limits around code that is no handler.

use actix_web::{HttpRequest, get};
use limiter_actix::{BlockError, Limiter};

use crate::site::Place;

in_process_and_over_sockets!(
    b57_a_helper_that_is_limited_limits_the_handlers_that_call_it,
    b58_a_block_is_limited_by_itself_and_its_breach_can_be_caught,
);

/// Costs a database query, say.
async fn query(limiter: &Limiter, request: &HttpRequest) -> Result<&'static str, BlockError> {
    limiter.limit("2/hour").scope("query").enter(request).await?;
    Ok("found")
}

#[get("/helped/one")]
async fn one(request: HttpRequest, limiter: Limiter) -> actix_web::Result<&'static str> {
    Ok(query(&limiter, &request).await?)
}

#[get("/helped/other")]
async fn other(request: HttpRequest, limiter: Limiter) -> actix_web::Result<&'static str> {
    Ok(query(&limiter, &request).await?)
}

/// The defaults stay in force; in the reference they end with the first call of the helper.
async fn b57_a_helper_that_is_limited_limits_the_handlers_that_call_it(place: Place) {
    let site = site!(place, limiter!(), one, other);
    assert_eq!(site.get("/helped/one").times(3).await, [200, 200, 429]);
    assert_eq!(site.get("/helped/other").times(3).await, [200, 200, 429], "by endpoint");
    assert_eq!(site.get("/helped/one").client(2).times(1).await, [200]);

    let site = site!(place, limiter!(default_limits(["1/hour"])), one);
    assert_eq!(site.get("/helped/one").times(2).await, [200, 429]);
}

#[get("/block")]
async fn block(request: HttpRequest, limiter: Limiter) -> actix_web::Result<String> {
    limiter.limit("2/minute").scope("first").enter(&request).await?;
    let second = limiter.limit("1/minute").scope("second").enter(&request).await;
    Ok(format!("second: {}", second.map_err(|error| error.is_breach()).is_ok()))
}

async fn b58_a_block_is_limited_by_itself_and_its_breach_can_be_caught(place: Place) {
    let site = site!(place, limiter!(), block);
    assert_eq!(site.get("/block").answer().await.body, "second: true");
    assert_eq!(site.get("/block").answer().await.body, "second: false");
    let denied = site.get("/block").answer().await;
    assert_eq!(denied.status, 429);
    assert!(denied.header("retry-after").is_some());
    assert!(denied.body.contains("first-per-minute"));
    assert_eq!(site.get("/block").client(2).times(1).await, [200]);
}
