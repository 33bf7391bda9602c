//! What the clients of an application see.

use std::{sync::Arc, time::Instant};

use actix_web::{App, get, rt::System};
use limiter_actix::{Limiter, exempt};
use limiter_core::{
    OnStoreError,
    storage::{denied::DeniedCache, guarded::Circuit},
};
use limiter_tests::serve;

use limiter_tests::redis::RedisServer;

use crate::ward::{SOON, guard, until};

#[get("/plain")]
async fn plain() -> &'static str {
    "plain"
}

#[get("/health")]
#[exempt]
async fn health() -> &'static str {
    "ok"
}

fn limiter(storage: impl limiter_core::Storage) -> Limiter {
    let built = Limiter::builder().default_limits(["3/hour"]).storage(storage).build();
    System::new().block_on(built).unwrap()
}

#[test]
fn an_application_goes_on_while_redis_is_stopped_and_started_again() {
    let mut redis = RedisServer::start();
    let guard = guard(&format!("redis://{}", redis.address()), |guard| guard);
    let limiter = limiter(guard.clone());
    let server = serve!(App::new().wrap(limiter.middleware()).service(plain).service(health));
    assert_eq!(server.statuses("/plain", 4), [200, 200, 200, 429]);
    redis.kill();
    let began = Instant::now();
    assert_eq!(server.statuses("/plain", 4), [200, 200, 200, 429], "this process begins anew");
    assert_eq!(server.statuses("/health", 3), [200; 3]);
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    redis.run();
    System::new().block_on(until(&guard, Circuit::Closed));
    // What Redis knew died with it: it had nothing saved. (Each worker has a connection of its own
    // to replace: until then its requests are decided by this process, and denied.)
    let mut statuses = Vec::new();
    for _ in 0..100 {
        statuses.extend(server.statuses("/plain", 1));
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let admitted = statuses.iter().filter(|status| **status == 200).count();
    assert_eq!(admitted, 3, "{statuses:?} {:?}", guard.health());
}

#[test]
fn where_nothing_may_go_unchecked_the_answer_is_503_and_tells_no_cause() {
    let mut redis = RedisServer::start();
    let guard = guard(&format!("redis://{}", redis.address()), |guard| {
        guard.on_store_error(OnStoreError::Deny)
    });
    let limiter = limiter(guard);
    let server = serve!(App::new().wrap(limiter.middleware()).service(plain).service(health));
    assert_eq!(server.statuses("/plain", 1), [200]);
    redis.kill();
    for _ in 0..10 {
        let answer = server.request("GET", "/plain", &[]);
        assert_eq!(answer.status, 503);
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        let body: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        let kind = "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity";
        assert_eq!(body["type"], kind);
        let address = redis.address().port().to_string();
        assert!(!answer.body.contains(&address) && !answer.body.contains("redis"), "{body}");
    }
    assert_eq!(server.statuses("/health", 3), [200; 3], "nothing to ask the storage");
}

#[test]
fn a_flood_of_one_denied_client_costs_redis_nothing() {
    let redis = RedisServer::start();
    let guard = guard(&format!("redis://{}", redis.address()), |guard| guard);
    let cache = DeniedCache::new(Arc::new(guard));
    let limiter = limiter(cache.clone());
    let server = serve!(App::new().wrap(limiter.middleware()).service(plain));
    assert_eq!(server.statuses("/plain", 4), [200, 200, 200, 429]);
    let commands = || {
        let stats = redis.cli(&["INFO", "commandstats"]);
        let calls = stats.lines().filter(|line| line.starts_with("cmdstat_eval"));
        calls
            .map(|line| line.split(&['=', ','][..]).nth(1).unwrap().parse::<u64>().unwrap())
            .sum::<u64>()
    };
    let before = commands();
    assert_eq!(server.statuses("/plain", 299), [429; 299]);
    let last = server.request("GET", "/plain", &[]);
    assert_eq!(last.status, 429);
    assert!(last.header("retry-after").unwrap().parse::<u64>().unwrap() > 3_500);
    assert_eq!(commands(), before);
    assert!(before >= 4);
    assert_eq!(cache.answered(), 300);
}
