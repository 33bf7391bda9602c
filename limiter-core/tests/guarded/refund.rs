//! A charge is given back to those who took it, whatever happened in between.

use std::time::Duration;

use limiter_core::{Charge, DecidedBy, Outcome, Verb, storage::guarded::Circuit};

use crate::patient::{State, Ward, per_minute};

#[tokio::test(start_paused = true)]
async fn what_the_storage_took_is_refunded_there_after_an_outage() {
    let ward = Ward::new();
    let limit = per_minute(5, "refund");
    let mut charges = [Charge::new(&limit, &ward.key).cost(2)];
    ward.apply(Verb::Hit, &mut charges).await.unwrap();
    let receipt = charges[0].receipt();
    ward.open(State::Refusing).await;
    // An equal charge on the counters of this process must not be mistaken for it.
    ward.apply(Verb::Hit, &mut [Charge::new(&limit, &ward.key).cost(2)]).await.unwrap();
    let mut kept = [Charge::new(&limit, &ward.key).cost(2).taken(receipt)];
    ward.apply(Verb::Refund, &mut kept).await.unwrap_err();
    assert!(kept[0].receipt().is_some(), "the storage was not called, so it can be tried again");
    ward.recover().await;
    assert_eq!(ward.used_at_storage(&limit), 2);
    ward.apply(Verb::Refund, &mut kept).await.unwrap();
    assert_eq!(ward.used_at_storage(&limit), 0);
    ward.apply(Verb::Refund, &mut kept).await.unwrap();
    assert_eq!(ward.used_at_storage(&limit), 0, "each at most once");
    ward.open(State::Refusing).await;
    assert_eq!(remaining(&ward, &limit).await, 3, "what this process took is still taken");
}

#[tokio::test(start_paused = true)]
async fn what_this_process_took_is_refunded_here_after_the_recovery() {
    let ward = Ward::new();
    let limit = per_minute(5, "refund");
    ward.apply(Verb::Hit, &mut [Charge::new(&limit, &ward.key)]).await.unwrap();
    ward.open(State::Refusing).await;
    let mut charges = [Charge::new(&limit, &ward.key).cost(4)];
    ward.apply(Verb::Hit, &mut charges).await.unwrap();
    let receipt = charges[0].receipt();
    ward.recover().await;
    assert_eq!(ward.guard.health().circuit, Circuit::Closed);
    let mut kept = [Charge::new(&limit, &ward.key).cost(4).taken(receipt)];
    // The storage need not be called.
    assert_eq!(
        limiter_core::Storage::apply_now(&ward.guard, Verb::Refund, &mut kept),
        Some(Outcome::Admit)
    );
    assert_eq!(ward.used_at_storage(&limit), 1, "the storage took something else");
    ward.open(State::Refusing).await;
    assert_eq!(remaining(&ward, &limit).await, 5);
}

#[tokio::test(start_paused = true)]
async fn charges_of_both_are_refunded_in_one_batch() {
    let ward = Ward::new();
    let limits = [per_minute(5, "far"), per_minute(5, "near")];
    let mut far = [Charge::new(&limits[0], &ward.key)];
    ward.apply(Verb::Hit, &mut far).await.unwrap();
    ward.open(State::Refusing).await;
    let mut near = [Charge::new(&limits[1], &ward.key)];
    ward.apply(Verb::Hit, &mut near).await.unwrap();
    ward.recover().await;
    let [far, near] = [far, near].map(|[charge]| charge);
    assert_eq!((far.decided_by(), near.decided_by()), (DecidedBy::Storage, DecidedBy::Fallback));
    let mut both = [near, far];
    ward.apply(Verb::Refund, &mut both).await.unwrap();
    assert!(both.iter().all(|charge| charge.receipt().is_none()));
    assert_eq!(ward.used_at_storage(&limits[0]), 0);
    ward.open(State::Refusing).await;
    assert_eq!(remaining(&ward, &limits[1]).await, 5);
}

/// Whether the storage did it or not, nobody knows: it is not done twice.
#[tokio::test(start_paused = true)]
async fn a_refund_whose_answer_is_lost_cannot_be_repeated() {
    let ward = Ward::new();
    let limit = per_minute(5, "lost");
    let mut charges = [Charge::new(&limit, &ward.key)];
    ward.apply(Verb::Hit, &mut charges).await.unwrap();
    ward.patient.is(State::Slow(Duration::from_secs(1)));
    ward.apply(Verb::Refund, &mut charges).await.unwrap_err();
    assert!(charges[0].receipt().is_none());
    ward.patient.is(State::Well);
    ward.apply(Verb::Refund, &mut charges).await.unwrap();
    assert_eq!(ward.used_at_storage(&limit), 1);
}

async fn remaining(ward: &Ward, limit: &limiter_core::Limit) -> u64 {
    let mut charges = [Charge::new(limit, &ward.key).cost(0)];
    ward.apply(Verb::Test, &mut charges).await.unwrap();
    charges[0].decision().unwrap().remaining()
}
