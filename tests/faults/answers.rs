//! Servers that answer, but not with a decision.

use std::time::{Duration, Instant};

use limiter_core::{Charge, DecidedBy, Key, Storage, Verb, storage::guarded::Circuit};

use limiter_tests::redis::RedisServer;

use crate::ward::{SOON, Ward, guard, hit, per_hour, redis};

/// [9] A server that reads its data set says so, and decides as soon as it has.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_loading_is_left_to_load() {
    let mut ward =
        Ward::around(RedisServer::with(&["--enable-debug-command", "yes"]), |guard| guard).await;
    // A second and more, with a pause after each of the keys.
    ward.server.cli(&["DEBUG", "POPULATE", "3000"]);
    ward.server.cli(&["SAVE"]);
    ward.server.kill();
    ward.server.options(&[
        "--key-load-delay",
        "500",
        "--loading-process-events-interval-bytes",
        "1024",
    ]);
    ward.server.run();
    let began = Instant::now();
    assert!(ward.server.cli(&["GET", "x"]).starts_with("LOADING"), "the server is still loading");
    let limit = per_hour(1_000, "loading");
    let hit = ward.hit(&limit).await;
    assert!(hit.by == DecidedBy::Fallback && hit.took < SOON, "{hit:?}");
    ward.recovered().await;
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

/// [10]
#[tokio::test(flavor = "multi_thread")]
async fn scripts_that_were_flushed_are_loaded_again_and_nobody_notices() {
    let ward = Ward::new().await;
    let limit = per_hour(1_000, "flushed");
    for used in 1..=20 {
        assert!(ward.server.cli(&["SCRIPT", "FLUSH"]).contains("OK"));
        let hit = ward.hit(&limit).await;
        assert_eq!((hit.by, hit.remaining), (DecidedBy::Storage, 1_000 - used));
    }
    assert_eq!(ward.guard.health().failures, 0);
}

/// [11] A server that became a replica, and is a primary again.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_takes_no_writes_is_ill_until_it_takes_them_again() {
    let ward = Ward::new().await;
    let primary = RedisServer::start();
    let limit = per_hour(1_000, "read-only");
    assert_eq!(ward.hit(&limit).await.by, DecidedBy::Storage);
    let port = primary.address().port().to_string();
    ward.server.cli(&["REPLICAOF", "127.0.0.1", &port]);
    let hit = ward.hit(&limit).await;
    assert!(hit.by == DecidedBy::Fallback && hit.took < SOON, "{hit:?}");
    ward.until(Circuit::Open).await;
    // A look would succeed: the circuit must not close for it.
    tokio::time::sleep(Duration::from_millis(600)).await;
    ward.hit(&limit).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(ward.guard.health().closed, 0);
    ward.server.cli(&["REPLICAOF", "NO", "ONE"]);
    ward.recovered().await;
}

/// [16]
#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_memory_is_ill_until_it_has_some() {
    let ward = Ward::new().await;
    let limit = per_hour(1_000, "memory");
    ward.server.cli(&["CONFIG", "SET", "maxmemory", "1"]);
    for _ in 0..10 {
        let hit = ward.hit(&limit).await;
        assert!(hit.by == DecidedBy::Fallback && hit.took < SOON, "{hit:?}");
    }
    ward.until(Circuit::Open).await;
    tokio::time::sleep(Duration::from_millis(600)).await;
    ward.hit(&limit).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(ward.guard.health().closed, 0, "the probe writes, so it fails, too");
    ward.server.cli(&["CONFIG", "SET", "maxmemory", "0"]);
    ward.recovered().await;
}

/// [18]
#[tokio::test(flavor = "multi_thread")]
async fn a_missing_password_a_wrong_one_and_a_missing_permission_are_named_at_the_start() {
    let server = RedisServer::with(&["--requirepass", "right"]);
    let address = server.address();
    let cli = |arguments: &[&str]| {
        let arguments: Vec<_> =
            ["-a", "right", "--no-auth-warning"].iter().chain(arguments).copied().collect();
        server.cli(&arguments)
    };
    assert_eq!(
        cli(&[
            "ACL", "SETUSER", "poor", "on", ">secret", "~*", "+@all", "-eval", "-evalsha",
            "-script"
        ]),
        "OK"
    );
    assert_eq!(cli(&["ACL", "SETUSER", "timeless", "on", ">secret", "~*", "+@all", "-time"]), "OK");
    for (user, words) in [
        ("", "wants a password"),
        (":wrong@", "does not accept user and password"),
        ("poor:secret@", "lacks the right `+evalsha`"),
        ("timeless:secret@", "lacks the right `+time`"),
    ] {
        let guard = guard(&format!("redis://{user}{address}"), |guard| guard);
        let error = guard.check().await.unwrap_err().to_string();
        assert!(error.contains(words), "{user}: {error}");
        assert!(!error.contains("secret") && !error.contains("wrong@"), "no credentials: {error}");
        let limit = per_hour(1, "credentials");
        assert_eq!(hit(&guard, &limit, &Key::text("client")).await.by, DecidedBy::Fallback);
    }
    let guard = guard(&format!("redis://:right@{address}"), |guard| guard);
    guard.check().await.unwrap();
}

/// [19]
#[tokio::test(flavor = "multi_thread")]
async fn a_counter_that_somebody_overwrote_is_an_error_for_its_client_alone_and_once() {
    let ward = Ward::new().await;
    let limit = per_hour(100, "overwritten");
    ward.hit(&limit).await;
    let name = ward.name_of_counter();
    for _ in 0..10 {
        ward.server.cli(&["--quoted-input", "DEL", &name]);
        ward.server.cli(&["--quoted-input", "SADD", &name, "member"]);
        let first = ward.hit(&limit).await;
        assert!(first.by == DecidedBy::Fallback && first.took < SOON, "{first:?}");
        let other = hit(&ward.guard, &limit, &Key::text("other")).await;
        assert_eq!(other.by, DecidedBy::Storage);
        // What was there is gone.
        assert_eq!(ward.hit(&limit).await.by, DecidedBy::Storage);
    }
}

/// [20]
#[tokio::test(flavor = "multi_thread")]
async fn a_counter_that_lost_its_expiry_has_one_after_the_next_hit() {
    let ward = Ward::new().await;
    let limit = per_hour(10, "immortal");
    ward.hit(&limit).await;
    let key = ward.name_of_counter();
    assert_eq!(ward.server.cli(&["--quoted-input", "PERSIST", &key]), "1");
    assert_eq!(ward.server.cli(&["--quoted-input", "PTTL", &key]), "-1");
    ward.hit(&limit).await;
    let left: i64 = ward.server.cli(&["--quoted-input", "PTTL", &key]).parse().unwrap();
    assert!((1..=3_700_000).contains(&left), "{left} ms");
}

impl Ward {
    /// The name of the one counter of the server, quoted.
    fn name_of_counter(&self) -> String {
        let keys = self.server.lasting_keys();
        assert_eq!(keys.len(), 1, "{keys:?}");
        keys[0].clone()
    }
}

/// A reset and a clear that the server did not hear are errors, and work when it is back.
#[tokio::test(flavor = "multi_thread")]
async fn a_clear_that_the_server_did_not_hear_fails() {
    let mut ward = Ward::new().await;
    let limit = per_hour(1, "clear");
    assert!(ward.hit(&limit).await.admitted);
    ward.server.cli(&["SAVE"]);
    ward.server.kill();
    ward.guard.clear().await.unwrap_err();
    ward.server.run();
    ward.recovered().await;
    assert!(!ward.hit(&limit).await.admitted);
    ward.guard.apply(Verb::Reset, &mut [Charge::new(&limit, &ward.key)]).await.unwrap();
    assert!(ward.hit(&limit).await.admitted);
    assert!(redis(&format!("redis://{}", ward.server.address())).clear().await.is_ok());
    assert!(ward.hit(&limit).await.admitted);
}
