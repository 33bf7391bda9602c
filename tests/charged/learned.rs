//! What one client's requests teach the limiter about an endpoint changes nothing for others.

use actix_http::Request;
use actix_web::{
    App, Error,
    body::MessageBody,
    dev::{Service, ServiceResponse},
    get,
    middleware::from_fn,
    test::{TestRequest, init_service},
    web,
};
use limiter_actix::{Limiter, exempt, limit};

use crate::{
    asking::{at_once, hang_up, in_turn, one_by_one, request, request_from, status},
    counted::Counted,
    layers::{WRONG, answer, pause},
};

#[get("/fast")]
async fn fast() -> &'static str {
    "fast"
}

#[get("/ping")]
#[exempt]
async fn ping() -> &'static str {
    "pong"
}

#[get("/own")]
#[limit("100/minute")]
async fn own() -> &'static str {
    "own"
}

#[exempt]
async fn ping_by_hand() -> &'static str {
    "pong"
}

#[limit("100/minute")]
async fn own_by_hand() -> &'static str {
    "own"
}

/// Decorated handlers by attribute and by hand, which answers 405 and not 404 to other methods,
/// behind a layer that takes its time and one that answers early.
async fn served(
    limiter: &Limiter,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody + use<>>, Error = Error> + use<>
{
    let app = App::new()
        .wrap(from_fn(pause))
        .wrap(from_fn(answer))
        .wrap(limiter.middleware())
        .service(fast)
        .service(ping)
        .service(own)
        .service(web::resource("/hand/ping").route(web::get().to(ping_by_hand)))
        .service(web::resource("/hand/own").route(web::get().to(own_by_hand)));
    init_service(app).await
}

/// What strangers send to an endpoint and is not served by its handler, each of another client.
fn hostile(path: &str) -> Vec<TestRequest> {
    let encoded = path.replacen("/p", "/%70", 1).replacen("/o", "/%6f", 1);
    let mut requests: Vec<_> = ["HEAD", "OPTIONS", "DELETE", "FROB"]
        .iter()
        .flat_map(|method| [format!("{method} {path}"), format!("{method} {encoded}")])
        .map(|line| request(&line))
        .collect();
    for status in ["401", "403", "404", "405", "500"] {
        let early = request(&format!("GET {path}")).insert_header(WRONG);
        requests.push(early.insert_header(("x-status", status)));
    }
    let strangers = (1..).map(|number| ([198, 51, 100, number], 40_000).into());
    requests.into_iter().zip(strangers).map(|(request, peer)| request.peer_addr(peer)).collect()
}

/// All of that, and hang-ups at several polls.
async fn disturb<S, B>(app: &S, path: &str)
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
{
    for request in hostile(path) {
        status(app, request).await;
    }
    for polls in 0..3 {
        let stranger = format!("203.0.113.{polls}");
        hang_up(app, request_from(&stranger, &format!("GET {path}")), polls).await;
    }
}

#[actix_web::test]
async fn heads_do_not_use_up_an_exempt_route() {
    let limiter = limiter!(default_limits(["200 per day", "50 per hour"]));
    let app = app!(limiter, fast, ping);
    let heads = statuses!(app, HEAD "/ping", 52);
    assert_eq!(heads, [[404; 50].as_slice(), &[429; 2]].concat());
    assert_eq!(statuses!(app, GET "/ping", 60), [200; 60]);
}

#[actix_web::test]
async fn each_single_request_of_a_stranger_leaves_an_exempt_route_exempt() {
    for path in ["/ping", "/hand/ping"] {
        for number in 0..hostile(path).len() {
            let app = served(&limiter!(application_limits(["1/hour"]))).await;
            // Known as exempt first, so that there is something to be learnt wrongly.
            assert_eq!(statuses!(app, GET path, 1, "192.0.2.3"), [200]);
            status(&app, hostile(path).swap_remove(number)).await;
            assert_eq!(statuses!(app, GET "/fast", 2), [200, 429]);
            assert_eq!(statuses!(app, GET path, 20), [200; 20], "{path} after number {number}");
        }
    }
}

#[actix_web::test]
async fn an_exempt_route_is_exempt_whatever_strangers_did_before() {
    for path in ["/ping", "/hand/ping"] {
        for known in [false, true] {
            let app = served(&limiter!(application_limits(["3/hour"]))).await;
            if known {
                assert_eq!(statuses!(app, GET path, 1, "192.0.2.3"), [200]);
            }
            disturb(&app, path).await;
            assert_eq!(statuses!(app, GET "/fast", 4), [200, 200, 200, 429]);
            assert_eq!(statuses!(app, GET path, 20), [200; 20], "{path}, known: {known}");
        }
    }
}

#[actix_web::test]
async fn a_layer_that_redirects_strangers_leaves_an_exempt_route_exempt_on_a_fresh_process() {
    for redirect in ["200", "302"] {
        let app = served(&limiter!(application_limits(["1/hour"]))).await;
        let stranger = request_from("198.51.100.1", "GET /ping").insert_header(WRONG);
        let answered = status(&app, stranger.insert_header(("x-status", redirect))).await;
        assert_eq!(answered.to_string(), redirect);
        assert_eq!(statuses!(app, GET "/fast", 2), [200, 429]);
        assert_eq!(statuses!(app, GET "/ping", 20), [200; 20], "after {redirect}");
    }
}

#[actix_web::test]
async fn a_handlers_own_limit_overrides_the_default_whatever_strangers_did_before() {
    for path in ["/own", "/hand/own"] {
        for known in [false, true] {
            let app = served(&limiter!(default_limits(["3/minute"]))).await;
            if known {
                assert_eq!(statuses!(app, GET path, 1, "192.0.2.3"), [200]);
            }
            disturb(&app, path).await;
            // At once, so that more than the default are under way; and with the default used up.
            let burst = at_once(&app, (0..10).map(|_| request(&format!("GET {path}")))).await;
            assert_eq!(burst, [200; 10], "{path}, {known}");
            statuses!(app, HEAD path, 3);
            let statuses = statuses!(app, GET path, 92);
            assert_eq!(statuses, [[200; 90].as_slice(), &[429; 2]].concat(), "{path}, {known}");
        }
    }
}

#[actix_web::test]
async fn meta_limits_lock_out_nobody_who_has_breached_nothing() {
    let limiter = limiter!(default_limits(["3/minute"]), meta_limits(["2/hour"]));
    let app = served(&limiter).await;
    assert_eq!(statuses!(app, GET "/own", 1, "192.0.2.3"), [200]);
    disturb(&app, "/own").await;
    assert_eq!(statuses!(app, HEAD "/own", 3), [404; 3], "the default is used up, not breached");
    assert_eq!(statuses!(app, GET "/own", 20), [200; 20]);
    assert_eq!(statuses!(app, GET "/fast", 3), [200; 3]);
}

#[actix_web::test]
async fn heads_and_405_of_a_client_itself_leave_its_exempt_route_exempt() {
    let app = served(&limiter!(default_limits(["3/minute"]))).await;
    for method in ["HEAD", "DELETE"] {
        let line = format!("{method} /hand/ping");
        let statuses = in_turn(&app, 5, || request(&line)).await;
        assert_eq!(statuses, [405, 405, 405, 429, 429], "{method}");
    }
    assert_eq!(statuses!(app, GET "/hand/ping", 20), [200; 20]);
}

#[actix_web::test]
async fn early_answers_to_a_client_itself_are_charged_the_default() {
    let app = served(&limiter!(default_limits(["3/minute"]))).await;
    assert_eq!(statuses!(app, GET "/own", 1, "192.0.2.3"), [200]);
    let wrong = || request("GET /own").insert_header(WRONG);
    let statuses = in_turn(&app, 20, wrong).await;
    let answered = statuses.iter().take_while(|status| **status == 401).count();
    assert!(one_by_one(3).contains(&answered), "{statuses:?}");
    assert!(statuses[answered..].iter().all(|status| *status == 429), "{statuses:?}");
}

#[actix_web::test]
async fn a_request_is_one_batch_whatever_strangers_did_before() {
    let storage = Counted::new();
    let limiter = limiter!(default_limits(["1000/minute"]), storage(storage.clone()));
    let app = served(&limiter).await;
    for path in ["/own", "/hand/own", "/fast"] {
        assert_eq!(statuses!(app, GET path, 1, "192.0.2.3"), [200]);
        storage.batches();
        assert_eq!(statuses!(app, GET path, 10), [200; 10]);
        assert_eq!(storage.batches(), 10, "{path} before");
        disturb(&app, path).await;
        storage.batches();
        assert_eq!(statuses!(app, GET path, 10), [200; 10]);
        assert_eq!(storage.batches(), 10, "{path} after");
    }
    assert_eq!(statuses!(app, GET "/ping", 1, "192.0.2.3"), [200]);
    disturb(&app, "/ping").await;
    storage.batches();
    assert_eq!(statuses!(app, GET "/ping", 10), [200; 10]);
    assert_eq!(storage.batches(), 0, "nothing to ask for an exempt handler");
}
