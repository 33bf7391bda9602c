//! A storage that is known to fail is not called, except by one probe at a time.

use std::time::Duration;

use limiter_core::{
    Charge, DecidedBy, OnStoreError, Outcome, Storage, Verb, storage::guarded::Circuit,
};
use tokio::time::Instant;

use crate::patient::{State, Ward, per_minute, settle};

#[tokio::test(start_paused = true)]
async fn the_circuit_opens_after_five_failures_and_then_nobody_waits() {
    let ward = Ward::new();
    ward.open(State::Mute).await;
    assert_eq!(ward.guard.health().circuit, Circuit::Open);
    let (asked, began) = (ward.patient.asked(), Instant::now());
    assert_eq!(asked, 5);
    let tasks: Vec<_> = (0..64)
        .map(|task| {
            let (guard, key) = (ward.guard.clone(), ward.key.clone());
            tokio::spawn(async move {
                let limit = per_minute(10, "outage");
                let mut charges = [Charge::new(&limit, &key)];
                // Both ways in.
                if task % 2 == 0 {
                    guard.apply_now(Verb::Hit, &mut charges).expect("nobody is waited for")
                } else {
                    guard.apply(Verb::Hit, &mut charges).await.unwrap()
                }
            })
        })
        .collect();
    let mut admitted = 0;
    for task in tasks {
        admitted += usize::from(task.await.unwrap() == Outcome::Admit);
    }
    assert_eq!(admitted, 10);
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!(ward.patient.asked(), asked, "the storage was not called");
}

#[tokio::test(start_paused = true)]
async fn failures_that_are_not_in_a_row_leave_the_circuit_closed() {
    let ward = Ward::new();
    let limit = per_minute(1_000, "now and then");
    for _ in 0..10 {
        ward.patient.is(State::Refusing);
        for _ in 0..4 {
            ward.hit(&limit).await;
        }
        ward.patient.is(State::Well);
        ward.hit(&limit).await;
    }
    let health = ward.guard.health();
    assert_eq!((health.circuit, health.failures, health.opened), (Circuit::Closed, 40, 0));
}

#[tokio::test(start_paused = true)]
async fn of_64_tasks_that_find_the_pause_over_one_sends_the_probe() {
    let ward = Ward::new();
    ward.open(State::Mute).await;
    let asked = ward.patient.asked();
    ward.clock.advance(Duration::from_millis(100));
    let tasks: Vec<_> = (0..64)
        .map(|_| {
            let (guard, key) = (ward.guard.clone(), ward.key.clone());
            tokio::spawn(async move {
                let limit = per_minute(100, "due");
                guard.apply(Verb::Hit, &mut [Charge::new(&limit, &key)]).await.unwrap();
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    settle().await;
    assert_eq!(ward.patient.asked(), asked + 1);
    let health = ward.guard.health();
    assert_eq!((health.circuit, health.probes), (Circuit::HalfOpen, 1));
}

#[tokio::test(start_paused = true)]
async fn when_the_storage_is_well_again_counting_goes_on_there() {
    let ward = Ward::new();
    let limit = per_minute(3, "recovery");
    assert!(ward.hit(&limit).await);
    ward.open(State::Refusing).await;
    // The outage has counters of its own.
    for expected in [true, true, true, false] {
        assert_eq!(ward.hit(&limit).await, expected);
    }
    assert_eq!(ward.used_at_storage(&limit), 1);
    ward.recover().await;
    assert_eq!(ward.guard.health().circuit, Circuit::Closed);
    for expected in [true, true, false] {
        assert_eq!(ward.hit(&limit).await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn the_end_of_an_outage_is_noticed_without_any_request() {
    let ward = Ward::new();
    ward.open(State::Refusing).await;
    let asked = ward.patient.asked();
    // Both clocks: one tells when a probe is due, the other wakes who sends it.
    let pass = async |millis| {
        for _ in 0..millis {
            ward.clock.advance(Duration::from_millis(1));
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    pass(1_500).await;
    assert_eq!(ward.guard.health().circuit, Circuit::Open);
    // Pauses of at most 100, 200, 400 and 800 ms, and of at least half of that.
    assert!((asked + 4..=asked + 6).contains(&ward.patient.asked()), "{:?}", ward.guard.health());
    ward.patient.is(State::Well);
    pass(10_000).await;
    let health = ward.guard.health();
    assert_eq!((health.circuit, health.closed), (Circuit::Closed, 1));
    let asked = ward.patient.asked();
    pass(20_000).await;
    assert_eq!(ward.patient.asked(), asked, "a storage that works is not probed");
}

#[tokio::test(start_paused = true)]
async fn a_guard_that_is_dropped_during_an_outage_probes_no_more() {
    let ward = Ward::new();
    ward.open(State::Refusing).await;
    let (patient, clock, asked) = (ward.patient.clone(), ward.clock.clone(), ward.patient.asked());
    drop(ward);
    clock.advance(Duration::from_secs(10));
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(patient.asked(), asked);
}

/// A storage that answers, but too late for any decision, has not recovered.
#[tokio::test(start_paused = true)]
async fn a_storage_that_is_too_slow_stays_alone() {
    let ward = Ward::new();
    ward.open(State::Slow(Duration::from_millis(200))).await;
    ward.clock.advance(Duration::from_millis(100));
    ward.hit(&per_minute(100, "slow")).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let health = ward.guard.health();
    assert_eq!((health.circuit, health.probes, health.closed), (Circuit::Open, 1, 0));
}

/// Each client's counters are on one node of a cluster: the probe must go to the one that fails.
#[tokio::test(start_paused = true)]
async fn a_probe_asks_where_the_client_was_refused() {
    let ward = Ward::new();
    ward.open(State::RefusingOne).await;
    ward.clock.advance(Duration::from_millis(100));
    ward.hit(&per_minute(100, "nodes")).await;
    settle().await;
    let health = ward.guard.health();
    assert_eq!((health.circuit, health.probes), (Circuit::Open, 1));
    ward.recover().await;
    assert_eq!(ward.guard.health().circuit, Circuit::Closed);
}

/// The runtime of an Actix worker ends, and with it the probe that it sent.
#[test]
fn a_probe_whose_runtime_ends_is_replaced_by_one_of_another() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let ward = Ward::new();
    let limit = per_minute(100, "runtimes");
    let first = runtime();
    first.block_on(async {
        ward.open(State::Refusing).await;
        ward.patient.is(State::Mute);
        ward.clock.advance(Duration::from_millis(100));
        ward.hit(&limit).await;
        settle().await;
    });
    assert_eq!(ward.guard.health().circuit, Circuit::HalfOpen);
    drop(first);
    assert_eq!(ward.guard.health().circuit, Circuit::Open);
    ward.patient.is(State::Well);
    ward.clock.advance(Duration::from_millis(200));
    runtime().block_on(async {
        ward.hit(&limit).await;
        settle().await;
    });
    let health = ward.guard.health();
    assert_eq!((health.circuit, health.probes), (Circuit::Closed, 2));
}

/// A runtime may also stop without ending: nobody polls the probe any more.
#[test]
fn a_probe_that_nobody_polls_is_replaced_after_its_time() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let ward = Ward::new();
    let limit = per_minute(100, "runtimes");
    let (stopped, running) = (runtime(), runtime());
    stopped.block_on(async {
        ward.open(State::Refusing).await;
        ward.clock.advance(Duration::from_millis(100));
        ward.hit(&limit).await;
    });
    ward.patient.is(State::Well);
    running.block_on(async {
        ward.clock.advance(Duration::from_secs(2));
        ward.hit(&limit).await;
        settle().await;
        assert_eq!(ward.guard.health().circuit, Circuit::HalfOpen);
        ward.clock.advance(Duration::from_millis(50));
        ward.hit(&limit).await;
        settle().await;
    });
    assert_eq!(ward.guard.health().circuit, Circuit::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_storage_that_flaps_for_a_minute_changes_state_a_few_times_only() {
    let ward = Ward::new();
    let limit = per_minute(1_000_000, "flapping");
    for second in 0..60 {
        ward.patient.is(if second % 2 == 0 { State::Refusing } else { State::Well });
        for _ in 0..100 {
            ward.hit(&limit).await;
            settle().await;
            ward.clock.advance(Duration::from_millis(10));
        }
    }
    let health = ward.guard.health();
    assert!((2..=10).contains(&health.opened), "{health:?}");
}

#[tokio::test(start_paused = true)]
async fn a_storage_that_is_down_at_the_start_is_told_of_and_the_first_request_waits_for_nobody() {
    let ward = Ward::new();
    ward.patient.is(State::Refusing);
    let error = ward.guard.check().await.unwrap_err().to_string();
    assert!(error.contains("patient") && error.contains("connection refused"), "{error}");
    assert!(error.contains("credentials"), "says what to look at: {error}");
    let limit = per_minute(1, "start");
    let mut charges = [Charge::new(&limit, &ward.key)];
    assert_eq!(ward.guard.apply_now(Verb::Hit, &mut charges), Some(Outcome::Admit));
    assert_eq!(charges[0].decided_by(), DecidedBy::Fallback);
    ward.recover().await;
    assert_eq!(ward.guard.health().circuit, Circuit::Closed);
    assert!(ward.guard.check().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn an_open_circuit_names_its_cause_in_every_error() {
    let ward = Ward::with(|guard| guard.on_store_error(OnStoreError::Deny));
    ward.open(State::Refusing).await;
    let limit = per_minute(1, "why");
    let mut charges = [Charge::new(&limit, &ward.key)];
    let error = ward.apply(Verb::Hit, &mut charges).await.unwrap_err();
    assert_eq!(error.to_string(), "patient: circuit open since it failed: connection refused");
    assert_eq!(ward.guard.health().failed, 6);
}

/// Counters that an outage left behind must not surprise anyone in the next.
#[tokio::test(start_paused = true)]
async fn a_storage_that_comes_and_goes_gives_nobody_a_new_quota_each_time() {
    let ward = Ward::new();
    let limit = per_minute(3, "outages");
    let mut admitted = 0;
    for _ in 0..3 {
        ward.open(State::Refusing).await;
        for _ in 0..3 {
            admitted += usize::from(ward.hit(&limit).await);
        }
        ward.recover().await;
    }
    assert_eq!(admitted, 3, "ten seconds each are within the minute");
}
