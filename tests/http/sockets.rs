//! The same over real sockets, with worker threads and real connections.

use std::{sync::Barrier, time::Duration};

use actix_web::{App, get, post, web};
use limiter_actix::{Headers, Limiter, exempt, limit};
use limiter_tests::serve;

#[get("/slow")]
#[limit("1 per day")]
async fn slow() -> &'static str {
    ":("
}

#[get("/medium")]
#[limit("1/second", override_defaults = false)]
async fn medium() -> &'static str {
    ":|"
}

#[get("/fast")]
async fn fast() -> &'static str {
    ":)"
}

#[get("/ping")]
#[exempt]
async fn ping() -> &'static str {
    "PONG"
}

#[post("/upload")]
#[limit("1/hour")]
async fn upload(body: String) -> String {
    body.len().to_string()
}

fn limiter(builder: limiter_actix::LimiterBuilder) -> Limiter {
    actix_web::rt::System::new().block_on(builder.build()).unwrap()
}

#[test]
fn the_quick_start_answers_as_documented() {
    let limiter = limiter(Limiter::builder().default_limits(["200 per day", "50 per hour"]));
    let server = serve!(
        App::new()
            .wrap(limiter.middleware())
            .service(slow)
            .service(medium)
            .service(fast)
            .service(ping)
    );
    assert_eq!(server.statuses("/slow", 2), [200, 429]);
    assert_eq!(server.statuses("/ping", 60), [200; 60]);
    assert_eq!(server.statuses("/fast", 51)[49..], [200, 429]);
    assert_eq!(server.request("GET", "/medium", &[]).body, ":|");
}

#[test]
fn all_workers_count_together() {
    #[get("/hundred")]
    #[limit("100/minute")]
    async fn hundred() -> &'static str {
        "hundred"
    }
    let limiter = limiter(Limiter::builder());
    let server = serve!(App::new().wrap(limiter.middleware()).service(hundred));
    let barrier = Barrier::new(8);
    let admitted: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    barrier.wait();
                    server.statuses("/hundred", 20).iter().filter(|status| **status == 200).count()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(admitted, 100);
}

#[test]
fn a_denial_is_a_whole_response_and_the_connection_lives_on() {
    let limiter = limiter(Limiter::builder().default_limits(["1/minute"]).headers(Headers::all()));
    let server = serve!(App::new().wrap(limiter.middleware()).service(fast));
    assert_eq!(server.request("GET", "/fast", &[]).status, 200);
    let denied = server.request("GET", "/fast", &[]);
    assert_eq!(denied.status, 429);
    assert_eq!(denied.header("content-type"), Some("application/problem+json"));
    assert_eq!(denied.header("cache-control"), Some("no-store"));
    assert_eq!(denied.header("x-ratelimit-remaining"), Some("0"));
    assert!(denied.header("ratelimit").unwrap().starts_with("\"default-per-minute\";r=0;t="));
    let length: usize = denied.header("content-length").unwrap().parse().unwrap();
    assert_eq!(denied.body.len(), length);
    // Two requests on one connection.
    let two = b"GET /fast HTTP/1.1\r\nHost: a\r\n\r\nGET /fast HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let both = server.send(two);
    assert_eq!(both.status, 429);
    assert!(both.body.contains("HTTP/1.1 429"), "{}", both.body);
}

#[test]
fn raw_targets_do_not_slip_by() {
    let limiter = limiter(Limiter::builder().default_limits(["2/minute"]));
    let server = serve!(App::new().wrap(limiter.middleware()).service(fast));
    assert_eq!(server.request("GET", "/fast", &[]).status, 200);
    assert_eq!(server.request("GET", "/%66ast", &[]).status, 200);
    assert_eq!(server.request("GET", "/%66%61st?q", &[]).status, 429);
    for (target, status) in
        [("//fast", 404), ("/FAST", 404), ("/fast/", 429), ("/%2ffast", 429), ("/fast%2f", 429)]
    {
        assert_eq!(server.request("GET", target, &[]).status, status, "{target}");
    }
}

#[test]
fn a_denied_upload_is_answered_before_its_body_has_come() {
    let limiter = limiter(Limiter::builder());
    let server = serve!(App::new().wrap(limiter.middleware()).service(upload));
    let whole =
        b"POST /upload HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc";
    assert_eq!(server.send(whole).body, "3");
    // A megabyte is announced and never sent.
    let head =
        b"POST /upload HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1000000\r\n\r\n";
    assert_eq!(server.send(head).status, 429);
}

#[test]
fn slow_requests_of_one_client_overlap() {
    #[get("/sleepy")]
    #[limit("3/minute")]
    async fn sleepy() -> &'static str {
        actix_web::rt::time::sleep(Duration::from_millis(100)).await;
        "sleepy"
    }
    let limiter = limiter(Limiter::builder());
    let server = serve!(App::new().wrap(limiter.middleware()).service(sleepy));
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..4).map(|_| scope.spawn(|| server.request("GET", "/sleepy", &[]).status)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 3, "{statuses:?}");
}

#[test]
fn a_resource_with_several_methods_over_the_wire() {
    let limiter = limiter(Limiter::builder().default_limits(["2/minute"]));
    let server = serve!(
        App::new().wrap(limiter.middleware()).service(web::resource("/any").to(|| async { "any" }))
    );
    assert_eq!(server.request("GET", "/any", &[]).status, 200);
    let head = server.request("HEAD", "/any", &[]);
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert_eq!(server.request("HEAD", "/any", &[]).status, 429);
    assert_eq!(server.request("OPTIONS", "/any", &[]).status, 200);
    assert_eq!(server.request("PRI", "/any", &[]).status, 200);
    assert_eq!(server.request("BREW", "/any", &[]).status, 200);
    assert_eq!(server.request("WHATEVER", "/any", &[]).status, 429);
}
