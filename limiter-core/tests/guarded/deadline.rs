//! Nobody waits longer than the deadline.

use std::time::Duration;

use limiter_core::{Charge, DecidedBy, OnStoreError, Outcome, Storage, Verb};
use tokio::time::Instant;

use crate::patient::{State, Ward, per_minute};

#[tokio::test(start_paused = true)]
async fn a_mute_storage_is_waited_for_until_the_deadline_and_no_longer() {
    let ward = Ward::new();
    ward.patient.is(State::Mute);
    let limit = per_minute(2, "mute");
    let began = Instant::now();
    let mut charges = [Charge::new(&limit, &ward.key)];
    assert_eq!(ward.apply(Verb::Hit, &mut charges).await.unwrap(), Outcome::Admit);
    assert_eq!(began.elapsed().as_millis(), 50);
    assert_eq!(charges[0].decided_by(), DecidedBy::Fallback);
    assert_eq!(charges[0].decision().unwrap().remaining(), 1);
    assert_eq!(ward.guard.health().failures, 1);
}

#[tokio::test(start_paused = true)]
async fn an_answer_within_the_deadline_is_the_storages() {
    let ward = Ward::with(|guard| guard.deadline(Duration::from_millis(20)));
    let limit = per_minute(2, "slow");
    ward.patient.is(State::Slow(Duration::from_millis(19)));
    let mut charges = [Charge::new(&limit, &ward.key)];
    ward.apply(Verb::Hit, &mut charges).await.unwrap();
    assert_eq!(charges[0].decided_by(), DecidedBy::Storage);
    ward.patient.is(State::Slow(Duration::from_millis(21)));
    ward.apply(Verb::Hit, &mut charges).await.unwrap();
    assert_eq!(charges[0].decided_by(), DecidedBy::Fallback);
}

/// Timers are used again: none may go off as it was set for an earlier answer.
#[tokio::test(start_paused = true)]
async fn each_answer_has_a_deadline_of_its_own() {
    let ward = Ward::with(|guard| guard.deadline(Duration::from_millis(50)));
    let limit = per_minute(100, "again");
    // 40 ms into the first deadline, 80 ms in, and long after the timer went off.
    for wait in [0, 0, 40, 40, 1_000] {
        tokio::time::sleep(Duration::from_millis(wait)).await;
        ward.patient.is(State::Slow(Duration::from_millis(49)));
        let mut charges = [Charge::new(&limit, &ward.key)];
        ward.apply(Verb::Hit, &mut charges).await.unwrap();
        assert_eq!(charges[0].decided_by(), DecidedBy::Storage, "after {wait} ms");
        ward.patient.is(State::Mute);
        let began = Instant::now();
        ward.apply(Verb::Hit, &mut charges).await.unwrap();
        assert_eq!(charges[0].decided_by(), DecidedBy::Fallback, "after {wait} ms");
        assert_eq!(began.elapsed().as_millis(), 50, "after {wait} ms");
        ward.patient.is(State::Well);
        ward.apply(Verb::Hit, &mut charges).await.unwrap();
    }
}

#[test]
fn a_deadline_holds_in_each_of_the_runtimes_of_a_thread() {
    for _ in 0..3 {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.unwrap().block_on(async {
            let ward = Ward::new();
            let limit = per_minute(10, "runtimes");
            ward.patient.is(State::Slow(Duration::from_millis(49)));
            ward.hit(&limit).await;
            ward.patient.is(State::Mute);
            let began = Instant::now();
            ward.hit(&limit).await;
            assert_eq!(began.elapsed().as_millis(), 50);
            assert_eq!(ward.guard.health().failures, 1);
        });
    }
}

/// The storage took the hit and its answer was lost. It is not called again.
#[tokio::test(start_paused = true)]
async fn a_hit_whose_answer_is_lost_is_counted_once() {
    let ward = Ward::new();
    let limit = per_minute(10, "lost");
    ward.patient.is(State::Mute);
    ward.hit(&limit).await;
    assert_eq!(ward.used_at_storage(&limit), 1);
    assert_eq!(ward.patient.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_error_leaves_no_half_an_answer_on_the_charges() {
    let ward = Ward::with(|guard| guard.on_store_error(OnStoreError::Deny));
    let limit = per_minute(10, "half");
    // It writes its decision on the charge and goes silent.
    ward.patient.is(State::Mute);
    let mut charges = [Charge::new(&limit, &ward.key)];
    let error = ward.apply(Verb::Hit, &mut charges).await.unwrap_err();
    assert!(error.to_string().contains("50ms"), "{error}");
    assert!(charges[0].decision().is_none() && charges[0].receipt().is_none());
}

/// The waiting tasks are not one behind the other.
#[tokio::test(start_paused = true)]
async fn of_64_tasks_on_a_mute_storage_none_waits_longer_than_one_deadline() {
    let ward = Ward::new();
    ward.patient.is(State::Mute);
    let began = Instant::now();
    let tasks = (0..64).map(|_| {
        let (guard, key) = (ward.guard.clone(), ward.key.clone());
        tokio::spawn(async move {
            let limit = per_minute(10, "all");
            let mut charges = [Charge::new(&limit, &key)];
            guard.apply(Verb::Hit, &mut charges).await.unwrap() == Outcome::Admit
        })
    });
    let mut admitted = 0;
    for task in tasks.collect::<Vec<_>>() {
        admitted += usize::from(task.await.unwrap());
    }
    assert_eq!(began.elapsed().as_millis(), 50);
    assert_eq!(admitted, 10, "the counters of this process are exact, too");
    assert_eq!(ward.guard.health().opened, 1);
}

#[test]
fn without_a_runtime_to_wait_on_there_is_an_error_and_no_panic() {
    let ward = Ward::with(|guard| guard.on_store_error(OnStoreError::Deny));
    let limit = per_minute(10, "runtime");
    let mut charges = [Charge::new(&limit, &ward.key)];
    let mut future = ward.guard.apply(Verb::Hit, &mut charges);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(Err(error)) = future.as_mut().poll(&mut context) else {
        panic!("expected an error at once");
    };
    assert!(error.to_string().contains("tokio runtime"), "{error}");
}
