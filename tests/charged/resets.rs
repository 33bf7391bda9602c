//! Connections that are reset or half closed while an inner layer works, counted in memory.
//!
//! `redis` does the same with counters in Redis.

use std::time::Duration;

use actix_web::{App, HttpServer, get, middleware::from_fn, rt::System, web};
use limiter_actix::{FakeClock, Limiter, LimiterBuilder, exempt, limit};
use limiter_tests::RunningServer;

use crate::{
    asking::{one_by_one, overlapping},
    connections::{Client, Event, Events, Told, events, storm, toil, watch},
};

#[get("/own")]
#[limit("1000/hour")]
async fn own() -> &'static str {
    "own"
}

#[get("/free")]
#[exempt]
async fn free() -> &'static str {
    "free"
}

#[get("/plain")]
async fn plain() -> &'static str {
    "plain"
}

#[get("/five")]
#[limit("5/hour")]
async fn five() -> &'static str {
    "five"
}

/// The handlers of the tests over sockets.
pub(crate) fn handlers(app: &mut web::ServiceConfig) {
    app.service(own).service(free).service(plain).service(five);
}

pub(crate) fn build(builder: LimiterBuilder) -> Limiter {
    System::new().block_on(builder.build()).unwrap()
}

/// A server with two workers, whose layers tell what happens.
pub(crate) fn serve(limiter: Limiter) -> (RunningServer, Told) {
    let (events, told) = events();
    (serve_telling(limiter, events, true), told)
}

fn serve_telling(limiter: Limiter, events: Events, allow_half_closed: bool) -> RunningServer {
    RunningServer::start(move || {
        let app = move || {
            App::new()
                .app_data(events.clone())
                .wrap(from_fn(toil))
                .wrap(limiter.middleware())
                .wrap(from_fn(watch))
                .configure(handlers)
        };
        let server = HttpServer::new(app).workers(2).h1_allow_half_closed(allow_half_closed);
        let server = server.disable_signals().bind(("127.0.0.1", 0))?;
        let address = server.addrs()[0];
        Ok((server.run(), address))
    })
}

/// Another client, so that the gate is met.
pub(crate) fn meet(server: &RunningServer, told: &Told, path: &str) {
    let stranger = [127, 0, 0, 9].into();
    assert_eq!(server.request_from(stranger, "GET", path, &[]).status, 200);
    assert_eq!(told.next(), Event::Begun);
    assert_eq!(told.next(), Event::Gone(Some(200)));
}

/// Both kinds of limits that no handler says.
fn builders() -> [LimiterBuilder; 2] {
    [
        Limiter::builder().default_limits(["5/minute"]),
        Limiter::builder().application_limits(["5/minute"]),
    ]
}

#[test]
fn storms_of_resets_begin_as_often_as_the_limit_and_those_under_way() {
    for builder in builders() {
        let (server, told) = serve(build(builder));
        meet(&server, &told, "/own");
        let begun: usize = (0..8).map(|_| storm(server.address(), &told, "GET /own", 50)).sum();
        assert!(overlapping(5).contains(&begun), "{begun} of 400");
        let other = server.request_from([127, 0, 0, 2].into(), "GET", "/own", &[]);
        assert_eq!(other.status, 200, "another client");
    }
}

#[test]
fn storms_of_resets_before_an_exempt_handler_are_bounded_alike() {
    for builder in builders() {
        let (server, told) = serve(build(builder));
        meet(&server, &told, "/free");
        let begun: usize = (0..8).map(|_| storm(server.address(), &told, "GET /free", 50)).sum();
        assert!(overlapping(5).contains(&begun), "{begun} of 400");
        let other = server.request_from([127, 0, 0, 2].into(), "GET", "/free", &[]);
        assert_eq!(other.status, 200, "another client");
    }
}

#[test]
fn resets_one_after_another_begin_as_often_as_the_limit_and_a_few_times_more() {
    for builder in builders() {
        let (server, told) = serve(build(builder));
        meet(&server, &told, "/own");
        let begun: usize = (0..60).map(|_| storm(server.address(), &told, "GET /own", 1)).sum();
        assert!(one_by_one(5).contains(&begun), "{begun} of 60");
    }
}

#[test]
fn resets_on_a_fresh_process_are_bounded_alike() {
    for builder in builders() {
        let (server, told) = serve(build(builder));
        let begun: usize = (0..4).map(|_| storm(server.address(), &told, "GET /own", 50)).sum();
        assert!(overlapping(5).contains(&begun), "{begun} of 200");
    }
}

#[test]
fn every_window_has_its_limit_and_the_same_bound() {
    let clock = FakeClock::new();
    let limiter = build(Limiter::builder().default_limits(["5/minute"]).clock(clock.clone()));
    let (server, told) = serve(limiter);
    meet(&server, &told, "/own");
    for window in 0..5 {
        let begun: usize = (0..20).map(|_| storm(server.address(), &told, "GET /own", 1)).sum();
        assert!(one_by_one(5).contains(&begun), "{begun} in window {window}");
        clock.advance(Duration::from_secs(60));
    }
    assert_eq!(server.statuses("/own", 10), [200; 10]);
}

#[test]
fn an_undecorated_handler_is_begun_as_often_as_the_limit() {
    for builder in builders() {
        let (server, told) = serve(build(builder));
        let begun: usize = (0..8).map(|_| storm(server.address(), &told, "GET /plain", 50)).sum();
        assert_eq!(begun, 5);
    }
}

#[test]
fn who_closes_its_half_is_served_and_charged_by_the_handler() {
    let (server, told) = serve(build(Limiter::builder().default_limits(["1000/minute"])));
    meet(&server, &told, "/five");
    let statuses: Vec<_> = (0..7).map(|_| half_closed(&server, &told, "GET /five", &[])).collect();
    assert_eq!(statuses, [200, 200, 200, 200, 200, 429, 429].map(Some));
}

#[test]
fn who_closes_its_half_where_that_is_a_hang_up_is_charged_the_default() {
    for builder in builders() {
        let (events, told) = events();
        let server = serve_telling(build(builder), events, false);
        meet(&server, &told, "/own");
        let hang_up = |_| half_closed(&server, &told, "GET /own", &["x-for-ever"]);
        let statuses: Vec<_> = (0..40).map(hang_up).collect();
        let dropped = statuses.iter().filter(|status| status.is_none()).count();
        assert!(one_by_one(5).contains(&dropped), "{statuses:?}");
        assert!(statuses[dropped..].iter().all(|status| *status == Some(429)), "{statuses:?}");
    }
}

/// The status that a client gets who closes its half as soon as a layer works for it.
fn half_closed(server: &RunningServer, told: &Told, line: &str, headers: &[&str]) -> Option<u16> {
    let client = Client::send(server.address(), line, headers);
    let begun = told.next() == Event::Begun;
    if begun {
        client.close_half();
        told.next();
    }
    client.answer().map(|answer| answer.status)
}
