//! Networks that delay, swallow, cut and garble.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use limiter_core::{Charge, DecidedBy, Key, Storage, Verb, storage::guarded::Circuit};
use limiter_tests::proxy::Fault;

use crate::ward::{DEADLINE, SOON, Ward, guard, hit, per_hour, try_hit};

/// [3]
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_accepts_and_never_answers_costs_one_deadline() {
    let ward = Ward::new().await;
    ward.proxy.set(Fault::Stall);
    // A storage of its own, which has to connect first.
    let guard = guard(&format!("redis://{}", ward.proxy.address()), |guard| guard);
    let limit = per_hour(3, "accepts");
    for admitted in [true, true, true, false] {
        let hit = hit(&guard, &limit, &ward.key).await;
        assert_eq!((hit.admitted, hit.by), (admitted, DecidedBy::Fallback));
        assert!(hit.took >= DEADLINE && hit.took < SOON, "{hit:?}");
    }
}

/// [4]
#[tokio::test(flavor = "multi_thread")]
async fn packets_that_vanish_cost_a_deadline_each_until_the_circuit_opens() {
    let ward = Ward::new().await;
    let limit = per_hour(100, "vanish");
    assert_eq!(ward.hit(&limit).await.by, DecidedBy::Storage);
    ward.proxy.set(Fault::Stall);
    let began = Instant::now();
    for _ in 0..50 {
        let hit = ward.hit(&limit).await;
        assert!(hit.by == DecidedBy::Fallback && hit.took < SOON, "{hit:?}");
    }
    assert!(began.elapsed() < 10 * DEADLINE, "five deadlines, and then nobody waits");
    assert_eq!(ward.guard.health().opened, 1);
    ward.proxy.set(Fault::None);
    ward.recovered().await;
    assert_eq!(ward.guard.health().closed, 1);
}

/// [5] [6]
#[tokio::test(flavor = "multi_thread")]
async fn late_replies_reach_nobody_and_their_hits_are_counted_once() {
    let ward = Ward::with(|guard| guard.opens_after(1_000)).await;
    // Every client has a limit of its own, so that an answer to another would show.
    let limits: Vec<_> = (0..20).map(|n| per_hour(100 + 50 * n, "late")).collect();
    let keys: Vec<_> = (0..20).map(Key::number).collect();
    ward.proxy.set(Fault::Delay(3 * DEADLINE));
    for (limit, key) in limits.iter().zip(&keys) {
        let hit = hit(&ward.guard, limit, key).await;
        assert!(hit.by == DecidedBy::Fallback && hit.took < SOON, "{hit:?}");
    }
    ward.proxy.set(Fault::None);
    // The first of these are sent while late replies still come in.
    for round in 0..3 {
        for (limit, key) in limits.iter().zip(&keys) {
            let hit = hit(&ward.guard, limit, key).await;
            if hit.by == DecidedBy::Storage {
                let used = limit.quota().amount() - hit.remaining;
                assert!((1..=2 + round).contains(&used), "{hit:?} of {}", limit.quota());
            }
        }
        tokio::time::sleep(2 * DEADLINE).await;
    }
    for (limit, key) in limits.iter().zip(&keys) {
        let used = crate::ward::used(&*ward.direct, limit, key).await;
        assert!((3..=4).contains(&used), "four hits, of which the first may never have arrived");
    }
}

/// [7]
#[tokio::test(flavor = "multi_thread")]
async fn a_hit_whose_reply_is_lost_with_the_connection_is_not_repeated() {
    let ward = Ward::with(|guard| guard.opens_after(1_000)).await;
    let limit = per_hour(100, "reset");
    ward.proxy.set(Fault::ResetAfter(0));
    for _ in 0..10 {
        let hit = ward.hit(&limit).await;
        assert!(hit.by == DecidedBy::Fallback && hit.took < SOON, "{hit:?}");
    }
    ward.proxy.set(Fault::None);
    let used = ward.used(&limit).await;
    assert!(used <= 10, "ten hits were counted {used} times");
    ward.recovered().await;
}

/// [8]
#[tokio::test(flavor = "multi_thread")]
async fn half_a_reply_is_no_reply_and_the_next_connection_starts_afresh() {
    let ward = Ward::with(|guard| guard.opens_after(1_000)).await;
    let limit = per_hour(100, "half");
    for bytes in [1, 3, 5, 9] {
        ward.proxy.set(Fault::CloseAfter(bytes));
        let hit = ward.hit(&limit).await;
        assert!(hit.by == DecidedBy::Fallback && hit.took < SOON, "{bytes}: {hit:?}");
        ward.proxy.set(Fault::None);
        ward.recovered().await;
        let (used, hit) = (ward.used(&limit).await, ward.hit(&limit).await);
        assert_eq!((hit.by, hit.remaining), (DecidedBy::Storage, 99 - used), "{bytes}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn garbled_replies_are_errors_and_never_decisions() {
    let ward = Ward::new().await;
    let limit = per_hour(100, "garbled");
    ward.proxy.set(Fault::Corrupt);
    for _ in 0..20 {
        let hit = ward.hit(&limit).await;
        assert!(hit.by == DecidedBy::Fallback && hit.took < SOON, "{hit:?}");
    }
    ward.proxy.set(Fault::None);
    ward.proxy.cut();
    ward.recovered().await;
}

/// The server's end is gone, and nobody has told this one: what is sent is not answered.
#[tokio::test(flavor = "multi_thread")]
async fn a_half_open_connection_is_replaced_once_it_is_noticed() {
    let ward = Ward::new().await;
    let limit = per_hour(100, "half-open");
    ward.proxy.set(Fault::LoseReplies);
    ward.until(Circuit::Open).await;
    let hit = ward.hit(&limit).await;
    assert!(hit.by == DecidedBy::Fallback && hit.took < SOON, "{hit:?}");
    ward.proxy.cut();
    ward.proxy.set(Fault::None);
    ward.recovered().await;
}

/// [23] A server that is too slow for its clients: nobody queues for longer than the deadline.
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_tasks_on_a_paused_server_wait_one_deadline_side_by_side() {
    let ward = Ward::new().await;
    let limit = Arc::new(per_hour(100, "paused"));
    ward.server.cli(&["CLIENT", "PAUSE", "2000"]);
    let began = Instant::now();
    let tasks: Vec<_> = (0..1_000)
        .map(|_| {
            let (guard, limit, key) = (ward.guard.clone(), Arc::clone(&limit), ward.key.clone());
            tokio::spawn(async move { hit(&guard, &limit, &key).await })
        })
        .collect();
    let mut admitted = 0;
    for task in tasks {
        let hit = task.await.unwrap();
        assert_eq!(hit.by, DecidedBy::Fallback);
        admitted += usize::from(hit.admitted);
    }
    assert!(began.elapsed() < 2 * SOON, "{:?}", began.elapsed());
    assert_eq!(admitted, 100);
    ward.recovered().await;
}

/// [43]
#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_dropped_half_way_leaves_the_connection_usable_and_counts_once_at_most() {
    let ward = Ward::new().await;
    let limit = per_hour(1_000, "dropped");
    for round in 0..100_u64 {
        let mut charges = [Charge::new(&limit, &ward.key)];
        let request = ward.guard.apply(Verb::Hit, &mut charges);
        // From "before anything was sent" to "the reply is nearly here".
        let _ = tokio::time::timeout(Duration::from_micros(10 * round), request).await;
        if round % 10 == 0 {
            let (used, hit) = (ward.used(&limit).await, ward.hit(&limit).await);
            assert_eq!(hit.by, DecidedBy::Storage);
            assert!(hit.remaining < 1_000 - used, "the answer of another request");
        }
    }
    // A hit that was sent may still be on its way.
    tokio::time::sleep(Duration::from_millis(50)).await;
    let used = ward.used(&limit).await;
    assert!((10..=110).contains(&used), "{used} of 110 hits");
    assert_eq!(ward.guard.health().failures, 0, "nobody who went away is a failure");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_the_server_kills_is_replaced_within_the_deadline_or_the_policy_decides()
{
    let ward = Ward::new().await;
    let limit = per_hour(1_000, "killed");
    for _ in 0..10 {
        ward.server.cli(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
        for _ in 0..5 {
            let hit = try_hit(&ward.guard, &limit, &ward.key).await.unwrap();
            assert!(hit.admitted && hit.took < SOON, "{hit:?}");
        }
        ward.recovered().await;
    }
    assert_eq!(ward.guard.health().circuit, Circuit::Closed);
}
