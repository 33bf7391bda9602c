//! A server that is down, goes down, comes back, and does not know what it wants.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use limiter_core::{
    DecidedBy, Key, OnStoreError,
    storage::{denied::DeniedCache, guarded::Circuit},
};
use limiter_tests::{
    proxy::{Fault, FaultProxy},
    redis::RedisServer,
};

use crate::{
    log,
    ward::{DEADLINE, SOON, Ward, guard, hit, per_hour, redis, try_hit},
};

/// [1]
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_down_at_the_start_is_reported_and_the_first_request_is_decided() {
    let mut server = RedisServer::start();
    server.kill();
    let uri = format!("redis://{}", server.address());
    let guard = guard(&uri, |guard| guard);
    let error = guard.check().await.unwrap_err().to_string();
    assert!(error.contains(&server.address().to_string()), "says where: {error}");
    assert!(error.contains("see whether it runs"), "says what to look at: {error}");
    let (limit, key) = (per_hour(1, "start"), Key::text("client"));
    for admitted in [true, false] {
        let hit = hit(&guard, &limit, &key).await;
        assert_eq!((hit.admitted, hit.by), (admitted, DecidedBy::Fallback));
        assert!(hit.took < DEADLINE, "waits for nobody: {hit:?}");
    }
    server.run();
    crate::ward::until(&guard, Circuit::Closed).await;
    assert!(hit(&guard, &limit, &key).await.admitted, "counting begins at the server");
    assert!(!hit(&guard, &limit, &key).await.admitted);
}

/// [1] With the policy `deny`, the first request gets an error that says the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_down_at_the_start_denies_where_the_policy_says_so() {
    let mut server = RedisServer::start();
    server.kill();
    let uri = format!("redis://{}", server.address());
    let guard = guard(&uri, |guard| guard.on_store_error(OnStoreError::Deny));
    guard.check().await.unwrap_err();
    let (limit, key) = (per_hour(1, "start"), Key::text("client"));
    let error = try_hit(&guard, &limit, &key).await.unwrap_err().to_string();
    assert!(
        error.contains("circuit open") && error.contains(&server.address().to_string()),
        "{error}"
    );
}

/// [2]
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_under_load_lets_nobody_wait_and_comes_back_by_itself() {
    let mut ward = Ward::new().await;
    let limit = Arc::new(per_hour(1_000_000, "load"));
    let done = Arc::new(AtomicBool::new(false));
    let slowest = Arc::new(AtomicU64::new(0));
    let tasks: Vec<_> = (0..64)
        .map(|_| {
            let (guard, limit, key) = (ward.guard.clone(), Arc::clone(&limit), ward.key.clone());
            let (done, slowest) = (Arc::clone(&done), Arc::clone(&slowest));
            tokio::spawn(async move {
                let mut hits = [0_u64; 2];
                while !done.load(Ordering::Relaxed) {
                    let hit = hit(&guard, &limit, &key).await;
                    assert!(hit.admitted);
                    hits[usize::from(hit.by == DecidedBy::Fallback)] += 1;
                    slowest.fetch_max(hit.took.as_millis() as u64, Ordering::Relaxed);
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                hits
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    ward.server.kill();
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_ne!(ward.guard.health().circuit, Circuit::Closed);
    ward.server.run();
    ward.until(Circuit::Closed).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    done.store(true, Ordering::Relaxed);
    let mut hits = [0; 2];
    for task in tasks {
        let by_task = task.await.expect("no panic");
        hits.iter_mut().zip(by_task).for_each(|(sum, hits)| *sum += hits);
    }
    let slowest = Duration::from_millis(slowest.load(Ordering::Relaxed));
    assert!(slowest < SOON, "{slowest:?}");
    assert!(hits.iter().all(|hits| *hits > 500), "{hits:?} by the server and by this process");
    let health = ward.guard.health();
    assert_eq!((health.opened, health.closed), (1, 1), "{health:?}");
}

/// [2] What a readiness page shows does not wait for a request.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_comes_back_is_found_again_without_any_request() {
    let mut ward = Ward::new().await;
    ward.server.kill();
    ward.until(Circuit::Open).await;
    let decided = ward.guard.health().decided_locally;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_ne!(ward.guard.health().circuit, Circuit::Closed, "it is still away");
    ward.server.run();
    let began = Instant::now();
    while ward.guard.health().circuit != Circuit::Closed {
        assert!(began.elapsed() < Duration::from_secs(15), "{:?}", ward.guard.health());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let health = ward.guard.health();
    assert_eq!((health.opened, health.closed, health.decided_locally), (1, 1, decided));
}

/// [24]
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_workers_find_a_server_again_without_a_storm() {
    let ward = Ward::new().await;
    ward.proxy.set(Fault::Refuse);
    ward.proxy.cut();
    ward.until(Circuit::Open).await;
    let (accepted, probes) = (ward.proxy.accepted(), ward.guard.health().probes);
    let done = Arc::new(AtomicBool::new(false));
    let limit = Arc::new(per_hour(1_000_000_000, "storm"));
    let tasks: Vec<_> = (0..1_000)
        .map(|_| {
            let (guard, limit, key) = (ward.guard.clone(), Arc::clone(&limit), ward.key.clone());
            let done = Arc::clone(&done);
            tokio::spawn(async move {
                while !done.load(Ordering::Relaxed) {
                    hit(&guard, &limit, &key).await;
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let outage = ward.guard.health();
    // Pauses of 25 to 50 ms at first, and of 200 to 400 ms soon.
    let sent = outage.probes - probes;
    assert!((3..=20).contains(&sent), "{sent} probes in two seconds");
    let tried = ward.proxy.accepted() - accepted;
    assert!(tried <= 10 * sent as usize, "{tried} connections for {sent} probes");
    ward.proxy.set(Fault::None);
    ward.until(Circuit::Closed).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    done.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.expect("no panic");
    }
    let connections = ward.proxy.accepted() - accepted - tried;
    assert!(connections <= 100, "{connections} connections after the outage");
    assert_eq!(ward.guard.health().closed, 1);
}

/// [25]
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_flaps_is_left_alone_ever_longer_and_the_log_stays_short() {
    let log = log::captured();
    let server = RedisServer::start();
    let proxy = FaultProxy::start(server.address());
    let storage = redis(&format!("redis://{}", proxy.address()));
    let seconds = Duration::from_secs;
    let guard = limiter_core::storage::guarded::GuardedStorage::builder(storage)
        .probe_pauses(Duration::from_millis(50), seconds(5))
        .build()
        .unwrap();
    guard.check().await.unwrap();
    let (limit, key) = (per_hour(1_000_000, "flapping"), Key::text("client"));
    let began = Instant::now();
    let mut hits = 0;
    while began.elapsed() < seconds(8) {
        let well = (began.elapsed().as_millis() / 200).is_multiple_of(2);
        proxy.set(if well { Fault::None } else { Fault::Refuse });
        assert!(hit(&guard, &limit, &key).await.took < SOON);
        hits += 1;
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let health = guard.health();
    assert!((1..=8).contains(&health.opened), "{health:?} in 20 outages");
    assert!(hits > 500, "{hits} requests");
    let lines = log.lines_with(&proxy.address().to_string());
    let changes = (health.opened + health.closed) as usize;
    assert_eq!(lines.len(), changes, "one line for each change of state: {lines:#?}");
}

/// While the server is away, who was denied by it stays denied; nobody else is touched.
#[tokio::test(flavor = "multi_thread")]
async fn whom_the_server_denied_stays_denied_while_it_is_away() {
    let mut ward = Ward::new().await;
    let cache = DeniedCache::new(Arc::new(ward.guard.clone()));
    let limit = per_hour(2, "denied");
    for admitted in [true, true, false] {
        assert_eq!(hit(&cache, &limit, &ward.key).await.admitted, admitted);
    }
    ward.server.kill();
    ward.until(Circuit::Open).await;
    let denied = hit(&cache, &limit, &ward.key).await;
    assert_eq!((denied.admitted, denied.by), (false, DecidedBy::Storage));
    let other = Key::text("other");
    let decided = hit(&cache, &limit, &other).await;
    assert_eq!((decided.admitted, decided.by), (true, DecidedBy::Fallback));
}
