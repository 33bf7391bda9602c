//! Tests of your own limits, without waiting: a clock that stands until it is told to move.
//!
//! ```sh
//! cargo run --bin testing
//! ```

use std::time::Duration;

use actix_web::{App, get, test};
use limiter_actix::{FakeClock, Gate, Limiter, limit};

#[get("/search")]
#[limit("2/minute")]
async fn search() -> &'static str {
    "found"
}

/// As a test it would have the attribute `#[actix_web::test]` in place of this one.
#[actix_web::main]
async fn main() -> Result<(), limiter_actix::BuildError> {
    let clock = FakeClock::new();
    let limiter = Limiter::builder().clock(clock.clone()).build().await?;
    let app = test::init_service(App::new().wrap(limiter.middleware()).service(search)).await;
    let status = async || {
        let peer = std::net::SocketAddr::from(([192, 0, 2, 1], 40_000));
        let request = test::TestRequest::with_uri("/search").peer_addr(peer).to_request();
        test::call_service(&app, request).await.status().as_u16()
    };

    assert_eq!([status().await, status().await, status().await], [200, 200, 429]);
    clock.advance(Duration::from_secs(59));
    assert_eq!(status().await, 429);
    clock.advance(Duration::from_secs(1));
    assert_eq!(status().await, 200, "admitted exactly when it was announced");

    // The handler alone, without its limits.
    let answer = found(Gate::for_test(())).await;
    assert!(matches!(answer, actix_web::Either::Left("found")));
    println!("the limits are as they should be");
    Ok(())
}

/// A handler that is registered by hand: `web::get().to(found)`.
#[limit("2/minute")]
async fn found() -> &'static str {
    "found"
}
