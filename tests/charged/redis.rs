//! The same with counters in Redis, and how often Redis is asked.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use actix_http::Request;
use actix_web::{
    App, Error, HttpRequest,
    body::MessageBody,
    dev::{Service, ServiceResponse},
    get,
    middleware::from_fn,
    post,
    rt::System,
    test::{TestRequest, init_service},
};
use limiter_actix::{
    Key, Limiter, LimiterBuilder,
    core::storage::{denied::DeniedCache, guarded::GuardedStorage, redis::RedisStorage},
    exempt, handlers, limit,
};
use limiter_tests::{
    proxy::{Fault, FaultProxy},
    redis::RedisServer,
};

use crate::{
    asking::{
        at_once, count, hang_up, in_turn, one_by_one, overlapping, poll_once, request,
        request_from, status,
    },
    connections::{Client, Event, storm},
    layers::{Begun, WRONG, refuse, work},
    resets::{build, meet, serve},
};

#[get("/plain")]
async fn plain() -> &'static str {
    "plain"
}

#[get("/own")]
#[limit("100/hour")]
async fn own() -> &'static str {
    "own"
}

#[get("/ping")]
#[exempt]
async fn ping() -> &'static str {
    "pong"
}

#[get("/five")]
#[limit("5/hour")]
async fn five() -> &'static str {
    "five"
}

#[post("/contact")]
async fn contact() -> &'static str {
    "contact"
}

#[get("/{page}")]
async fn page() -> &'static str {
    "page"
}

/// More than any answer takes on a busy machine.
const PATIENT: Duration = Duration::from_secs(10);

/// Counters in a server, guarded as those of a limiter with a URI are.
fn over(uri: &str, builder: LimiterBuilder) -> LimiterBuilder {
    let redis = Arc::new(RedisStorage::new(uri).unwrap());
    let guard = GuardedStorage::builder(redis).deadline(PATIENT).build().unwrap();
    builder.storage(DeniedCache::new(Arc::new(guard)))
}

/// Handlers of all kinds behind a layer that takes its time and one that answers early.
async fn served(
    limiter: &Limiter,
    begun: &Begun,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody + use<>>, Error = Error> + use<>
{
    let app = App::new()
        .app_data(begun.clone())
        .wrap(from_fn(refuse))
        .wrap(from_fn(work))
        .wrap(limiter.middleware())
        .service(plain)
        .service(own)
        .service(ping)
        .service(five)
        .service(page)
        .service(contact);
    init_service(app).await
}

/// How many batches a server was asked to decide since it started, those of one call as one.
fn asked(server: &RedisServer) -> u64 {
    let stats = server.cli(&["INFO", "commandstats"]);
    let calls = stats.lines().filter(|line| line.starts_with("cmdstat_eval"));
    calls.map(|line| line.split(&['=', ','][..]).nth(1).unwrap().parse::<u64>().unwrap()).sum()
}

/// Lets a stranger meet a handler.
async fn get_to_know<S, B>(app: &S, path: &str)
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
{
    assert_eq!(status(app, request_from("192.0.2.9", &format!("GET {path}"))).await, 200);
}

fn wrong(path: &str) -> TestRequest {
    request(&format!("GET {path}")).insert_header(WRONG)
}

#[actix_web::test]
async fn a_request_is_one_call_before_and_after_a_head_a_401_and_a_hang_up() {
    let server = RedisServer::start();
    let builder = over(&server.uri(), Limiter::builder().default_limits(["1000/hour"]));
    let (limiter, begun) = (builder.build().await.unwrap(), Begun::default());
    let app = served(&limiter, &begun).await;
    for (path, calls) in [("/own", 10), ("/plain", 10), ("/ping", 0)] {
        get_to_know(&app, path).await;
        let line = format!("HEAD {path}");
        for (disturbance, stranger) in
            [("nothing", None), ("HEAD", Some(request(&line))), ("401", Some(wrong(path)))]
        {
            if let Some(stranger) = stranger {
                let answered = status(&app, stranger.peer_addr("192.0.2.8:1".parse().unwrap()));
                assert!([401, 404].contains(&answered.await));
            }
            let before = asked(&server);
            assert_eq!(statuses!(app, GET path, 10), [200; 10]);
            assert_eq!(asked(&server) - before, calls, "{path} after {disturbance}");
        }
        let before = asked(&server);
        hang_up(&app, request_from("192.0.2.8", &format!("GET {path}")), 1).await;
        until("the hang-up is charged", async || asked(&server) > before).await;
        let before = asked(&server);
        assert_eq!(statuses!(app, GET path, 10), [200; 10]);
        assert_eq!(asked(&server) - before, calls, "{path} after a hang-up");
    }
}

#[actix_web::test]
async fn an_early_answer_is_one_call_too() {
    let server = RedisServer::start();
    let builder = over(&server.uri(), Limiter::builder().default_limits(["1000/hour"]));
    let app = served(&builder.build().await.unwrap(), &Begun::default()).await;
    get_to_know(&app, "/ping").await;
    let before = asked(&server);
    assert_eq!(in_turn(&app, 10, || wrong("/ping")).await, [401; 10]);
    assert_eq!(asked(&server) - before, 10);
}

#[actix_web::test]
async fn early_answers_one_after_another_are_bounded() {
    let server = RedisServer::start();
    let builder = over(&server.uri(), Limiter::builder().default_limits(["3/hour"]));
    let app = served(&builder.build().await.unwrap(), &Begun::default()).await;
    get_to_know(&app, "/own").await;
    let statuses = in_turn(&app, 30, || wrong("/own")).await;
    let answered = count(&statuses, 401);
    assert!(one_by_one(3).contains(&answered), "{statuses:?}");
    assert!(statuses[answered..].iter().all(|status| *status == 429), "{statuses:?}");
}

#[actix_web::test]
async fn early_answers_at_once_are_bounded() {
    let server = RedisServer::start();
    let builder = over(&server.uri(), Limiter::builder().default_limits(["5/hour"]));
    let app = served(&builder.build().await.unwrap(), &Begun::default()).await;
    get_to_know(&app, "/own").await;
    let statuses = at_once(&app, (0..500).map(|_| wrong("/own"))).await;
    let answered = count(&statuses, 401);
    assert!(overlapping(5).contains(&answered), "{answered}");
    assert_eq!(count(&statuses, 429), 500 - answered);
}

#[actix_web::test]
async fn an_exempt_route_and_an_own_limit_outlast_one_head_to_each_of_two_processes() {
    let server = RedisServer::start();
    let builder = || over(&server.uri(), Limiter::builder().default_limits(["3/hour"]));
    let begun = Begun::default();
    let first = served(&builder().build().await.unwrap(), &begun).await;
    let second = served(&builder().build().await.unwrap(), &begun).await;
    for app in [&first, &second] {
        for path in ["/ping", "/own"] {
            get_to_know(app, path).await;
            let head = request_from("192.0.2.8", &format!("HEAD {path}"));
            assert_eq!(status(app, head).await, 404);
        }
    }
    for _ in 0..5 {
        for app in [&first, &second] {
            let burst = |line| at_once(app, (0..10).map(move |_| request(line)));
            assert_eq!(burst("GET /ping").await, [200; 10]);
            assert_eq!(burst("GET /own").await, [200; 10]);
        }
    }
    assert_eq!(statuses!(first, GET "/own", 1), [429], "a hundred, by both together");
    assert_eq!(statuses!(second, GET "/own", 1), [429]);
}

#[actix_web::test]
async fn ten_at_once_on_a_fresh_process_are_served_what_their_handler_allows() {
    let server = RedisServer::start();
    let builder = over(&server.uri(), Limiter::builder().default_limits(["1/hour"]));
    let app = served(&builder.build().await.unwrap(), &Begun::default()).await;
    for line in ["GET /own", "GET /ping"] {
        assert_eq!(at_once(&app, (0..10).map(|_| request(line))).await, [200; 10], "{line}");
    }
}

#[actix_web::test]
async fn a_hidden_pattern_has_a_counter_of_its_own() {
    let server = RedisServer::start();
    let builder = over(&server.uri(), Limiter::builder().default_limits(["3/hour"]));
    let app = served(&builder.build().await.unwrap(), &Begun::default()).await;
    assert_eq!(statuses!(app, POST "/contact", 5), [200, 200, 200, 429, 429]);
    assert_eq!(statuses!(app, GET "/contact", 5), [200, 200, 200, 429, 429], "the page");
    assert_eq!(statuses!(app, GET "/ping", 10), [200; 10]);
}

/// The call is handed over and not yet sent.
#[actix_web::test]
async fn who_hangs_up_while_redis_is_about_to_be_asked_is_charged() {
    let server = RedisServer::start();
    let limiter = over(&server.uri(), somebody()).build().await.unwrap();
    let app = init_service(App::new().wrap(limiter.middleware()).service(five)).await;
    assert_eq!(statuses!(app, GET "/five", 1), [200]);
    for left in (0..4).rev() {
        hang_up(&app, request("GET /five"), 1).await;
        until("the hang-up is charged", async || remaining(&limiter, "redis").await == left).await;
    }
    assert_eq!(statuses!(app, GET "/five", 1), [429]);
}

/// The call is sent and not yet answered.
#[actix_web::test]
async fn who_hangs_up_while_redis_decides_is_charged() {
    let server = RedisServer::start();
    let proxy = FaultProxy::start(server.address());
    let builder = over(&format!("redis://{}", proxy.address()), somebody());
    let app = App::new().wrap(builder.build().await.unwrap().middleware()).service(five);
    let app = init_service(app).await;
    assert_eq!(statuses!(app, GET "/five", 1), [200]);
    proxy.set(Fault::Delay(Duration::from_millis(200)));
    let before = asked(&server);
    for number in 1..=4 {
        let mut answer = Box::pin(status(&app, request("GET /five")));
        assert!(poll_once(answer.as_mut()).is_pending());
        until("Redis has decided", async || asked(&server) == before + number).await;
    }
    let observer = over(&server.uri(), somebody()).build().await.unwrap();
    assert_eq!(remaining(&observer, "redis").await, 0);
}

#[test]
fn resets_while_redis_is_stopped_are_charged_when_it_goes_on() {
    let server = RedisServer::start();
    let proxy = FaultProxy::start(server.address());
    let limiter = build(over(&format!("redis://{}", proxy.address()), somebody()));
    let observer = build(over(&server.uri(), somebody()));
    let left = || System::new().block_on(remaining(&observer, "resets"));
    let (web, told) = serve(limiter);
    // One of five, and the connection to Redis is there.
    assert_eq!(web.statuses("/five", 1), [200]);
    assert_eq!([told.next(), told.next()], [Event::Begun, Event::Gone(Some(200))]);
    assert_eq!(left(), 4);
    proxy.set(Fault::Stall);
    for _ in 0..4 {
        let client = Client::send(web.address(), "GET /five", &["x-at-once"]);
        assert_eq!(told.next(), Event::Begun);
        client.reset();
        assert_eq!(told.next(), Event::Gone(None));
    }
    proxy.set(Fault::None);
    server.wait_until("all four are charged", |_| left() == 0);
    assert_eq!(web.statuses("/five", 1), [429]);
}

/// Everybody is the same client, whose counters can be looked at.
fn somebody() -> LimiterBuilder {
    Limiter::builder().key(|_: &HttpRequest| "somebody")
}

/// What somebody has left of five, of the handler in one of the modules here.
async fn remaining(limiter: &Limiter, module: &str) -> u64 {
    let path = format!("charged::{module}::five");
    let record = handlers().into_iter().find(|record| record.handler() == path).unwrap();
    let limits = limiter.limits_of(record, "GET");
    let peeked = limiter.peek(&limits[0].limit, &Key::text("somebody")).await;
    peeked.unwrap().remaining()
}

/// Waits for what a server and the tasks of this thread do among themselves.
async fn until(what: &str, done: impl AsyncFn() -> bool) {
    let began = Instant::now();
    while !done().await {
        assert!(began.elapsed() < PATIENT, "{what}");
        actix_web::rt::time::sleep(Duration::from_millis(2)).await;
    }
}

#[test]
fn storms_of_resets_begin_as_often_as_the_limit_and_those_under_way() {
    for path in ["/own", "/free"] {
        for application in [false, true] {
            let server = RedisServer::start();
            let builder = match application {
                true => Limiter::builder().application_limits(["5/hour"]),
                false => Limiter::builder().default_limits(["5/hour"]),
            };
            let (web, told) = serve(build(over(&server.uri(), builder)));
            meet(&web, &told, path);
            let line = format!("GET {path}");
            let begun: usize = (0..8).map(|_| storm(web.address(), &told, &line, 50)).sum();
            assert!(overlapping(5).contains(&begun), "{begun} of 400, {path}, {application}");
            let other = web.request_from([127, 0, 0, 2].into(), "GET", path, &[]);
            assert_eq!(other.status, 200, "another client");
        }
    }
}

#[test]
fn resets_before_an_undecorated_handler_begin_as_often_as_the_limit() {
    let server = RedisServer::start();
    let builder = Limiter::builder().default_limits(["5/hour"]);
    let (web, told) = serve(build(over(&server.uri(), builder)));
    let begun: usize = (0..4).map(|_| storm(web.address(), &told, "GET /plain", 50)).sum();
    assert_eq!(begun, 5);
}

#[test]
fn who_closes_its_half_is_served_and_charged_by_the_handler() {
    let server = RedisServer::start();
    let (web, told) = serve(build(over(&server.uri(), Limiter::builder())));
    let statuses: Vec<_> = (0..7)
        .map(|_| {
            let client = Client::send(web.address(), "GET /five", &[]);
            assert_eq!(told.next(), Event::Begun);
            client.close_half();
            client.answer().map(|answer| answer.status)
        })
        .inspect(|_| assert!(matches!(told.next(), Event::Gone(Some(_)))))
        .collect();
    assert_eq!(statuses, [200, 200, 200, 200, 200, 429, 429].map(Some));
}

#[test]
fn calls_over_sockets_are_one_a_request_before_and_after_a_reset() {
    let server = RedisServer::start();
    let builder = Limiter::builder().default_limits(["1000/hour"]);
    let (web, told) = serve(build(over(&server.uri(), builder)));
    meet(&web, &told, "/own");
    let drain = |requests: usize| (0..2 * requests).for_each(|_| _ = told.next());
    // Both workers have met it, whichever they are.
    assert_eq!(web.statuses("/own", 10), [200; 10]);
    drain(10);
    let before = asked(&server);
    assert_eq!(web.statuses("/own", 20), [200; 20]);
    drain(20);
    assert_eq!(asked(&server) - before, 20);
    let before = asked(&server);
    assert_eq!(storm(web.address(), &told, "GET /own", 1), 1);
    server.wait_until("the reset is charged", |server| asked(server) > before);
    let before = asked(&server);
    assert_eq!(web.statuses("/own", 20), [200; 20]);
    assert_eq!(asked(&server) - before, 20);
}
