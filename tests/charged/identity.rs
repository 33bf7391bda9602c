//! Who is charged where an inner layer finds out who it is, or where clients share an address.

use std::time::Duration;

use actix_http::Request;
use actix_web::{
    App, Error, HttpMessage, HttpRequest,
    body::MessageBody,
    dev::{Service, ServiceRequest, ServiceResponse},
    error::ErrorUnauthorized,
    get,
    middleware::{Next, from_fn},
    test::{TestRequest, init_service},
};
use limiter_actix::{FakeClock, Key, Limiter, MissingIdentity, header, limit};
use tokio::task::yield_now;

use crate::{
    asking::{at_once, count, hang_up, in_turn, one_by_one, request_from, status},
    layers::{WRONG, refuse_later},
};

/// Whom the session belongs to.
struct User(String);

fn user(request: &HttpRequest) -> Option<String> {
    request.extensions().get::<User>().map(|user| user.0.clone())
}

/// Finds out who it is, which takes a while, and turns others away.
async fn log_in(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    for _ in 0..3 {
        yield_now().await;
    }
    let Some(user) = request.headers().get("x-user") else {
        return Err(ErrorUnauthorized("who are you?"));
    };
    let user = User(user.to_str().unwrap().to_owned());
    request.extensions_mut().insert(user);
    next.call(request).await
}

#[get("/account")]
#[limit("100/minute")]
async fn account() -> &'static str {
    "account"
}

#[get("/kept")]
#[limit("100/minute", override_defaults = false)]
async fn kept() -> &'static str {
    "kept"
}

#[get("/api")]
#[limit("100/minute", key = header("x-api-key"))]
async fn api() -> &'static str {
    "api"
}

async fn served(
    limiter: &Limiter,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody + use<>>, Error = Error> + use<>
{
    let app = App::new().wrap(from_fn(log_in)).wrap(limiter.middleware());
    init_service(app.service(account).service(kept)).await
}

fn anonymous(client: &str) -> TestRequest {
    request_from(client, "GET /account")
}

fn logged_in(client: &str, user: &str) -> TestRequest {
    anonymous(client).insert_header(("x-user", user))
}

/// Both ways to treat who has no key.
fn policies() -> [MissingIdentity; 2] {
    [MissingIdentity::Deny, MissingIdentity::Fallback(Key::text("anonymous"))]
}

#[actix_web::test]
async fn anonymous_requests_close_nothing_for_who_is_logged_in() {
    for policy in policies() {
        for known in [false, true] {
            let limiter = limiter!(
                default_limits(["50/minute"]),
                key(user),
                missing_identity(policy.clone())
            );
            let app = served(&limiter).await;
            if known {
                assert_eq!(status(&app, logged_in("192.0.2.9", "zoe")).await, 200);
            }
            let strangers = in_turn(&app, 16, || anonymous("192.0.2.1")).await;
            assert_eq!(strangers, [401; 16], "{policy:?}, known: {known}");
            for number in 0..20 {
                let client = format!("192.0.2.{}", 1 + number % 3);
                let user = format!("user {number}");
                let statuses = in_turn(&app, 10, || logged_in(&client, &user)).await;
                assert_eq!(statuses, [200; 10], "{user}, {policy:?}, known: {known}");
            }
        }
    }
}

#[actix_web::test]
async fn a_flood_of_anonymous_requests_closes_nothing_at_other_addresses() {
    for policy in policies() {
        let limiter =
            limiter!(default_limits(["5/minute"]), key(user), missing_identity(policy.clone()));
        let app = served(&limiter).await;
        assert_eq!(status(&app, logged_in("192.0.2.9", "zoe")).await, 200);
        let flood = at_once(&app, (0..200).map(|_| anonymous("192.0.2.1"))).await;
        assert!(count(&flood, 401) >= 5, "{flood:?}");
        assert!(count(&flood, 401) <= 25, "{policy:?}: {}", count(&flood, 401));
        for _ in 0..40 {
            hang_up(&app, anonymous("192.0.2.1"), 1).await;
        }
        for number in 2..20 {
            let client = format!("192.0.2.{number}");
            let statuses = in_turn(&app, 10, || logged_in(&client, &client)).await;
            assert_eq!(statuses, [200; 10], "{client}, {policy:?}");
        }
    }
}

#[actix_web::test]
async fn who_is_logged_in_is_charged_as_that() {
    let app = served(&limiter!(default_limits(["3/minute"]), key(user))).await;
    for user in ["ann", "bob"] {
        let by_default = || request_from("192.0.2.1", "GET /kept").insert_header(("x-user", user));
        assert_eq!(in_turn(&app, 5, by_default).await, [200, 200, 200, 429, 429], "{user}");
        let own = in_turn(&app, 101, || logged_in("192.0.2.1", user)).await;
        assert_eq!(own, [[200; 100].as_slice(), &[429]].concat(), "{user}");
    }
}

/// How many of sixty-four users are served who come at once, each from an address of its own or all
/// from one.
async fn served_at_once(known: bool, one_address: bool) -> usize {
    let app = served(&limiter!(default_limits(["5/minute"]), key(user))).await;
    if known {
        assert_eq!(status(&app, logged_in("192.0.2.200", "zoe")).await, 200);
    }
    let client = |number: u32| match one_address {
        true => "192.0.2.1".to_owned(),
        false => format!("192.0.2.{number}"),
    };
    let requests = (1..=64).map(|number| logged_in(&client(number), &number.to_string()));
    count(&at_once(&app, requests).await, 200)
}

#[actix_web::test]
async fn users_of_many_addresses_are_served_at_once() {
    assert_eq!(served_at_once(true, false).await, 64);
    assert_eq!(served_at_once(false, false).await, 64, "on a fresh process");
}

#[actix_web::test]
async fn users_of_one_address_are_served_at_once_by_a_known_handler() {
    assert_eq!(served_at_once(true, true).await, 64);
}

#[actix_web::test]
async fn users_of_one_address_are_served_at_once_on_a_fresh_process() {
    assert_eq!(served_at_once(false, true).await, 64);
}

/// Behind one address the limiter cannot tell a colleague from who guesses keys, before routing:
/// asserted is what the documentation promises, that it ends with the window, and at the address.
#[actix_web::test]
async fn a_colleague_with_a_key_of_its_own_is_harmed_until_the_window_ends_at_most() {
    let clock = FakeClock::new();
    let limiter = limiter!(default_limits(["5/minute"]), clock(clock.clone()));
    let app = App::new().wrap(from_fn(refuse_later)).wrap(limiter.middleware()).service(api);
    let app = init_service(app).await;
    let colleague =
        |client: &str| request_from(client, "GET /api").insert_header(("x-api-key", "1"));
    let wrong = || request_from("192.0.2.1", "GET /api").insert_header(WRONG);
    assert_eq!(status(&app, colleague("192.0.2.9")).await, 200);

    // Within the limit, wrong requests of the office harm nobody.
    assert_eq!(in_turn(&app, 5, wrong).await, [401; 5]);
    assert_eq!(in_turn(&app, 10, || colleague("192.0.2.1")).await, [200; 10]);

    let flood = in_turn(&app, 21, wrong).await;
    assert!(one_by_one(0).contains(&count(&flood, 401)), "{flood:?}");
    assert_eq!(in_turn(&app, 10, || colleague("192.0.2.2")).await, [200; 10]);
    clock.advance(Duration::from_secs(60));
    assert_eq!(in_turn(&app, 10, || colleague("192.0.2.1")).await, [200; 10]);
}
