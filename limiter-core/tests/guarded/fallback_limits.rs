//! What stands in for the limits while this process decides.

use std::sync::Arc;

use limiter_core::{
    Charge, Key, Limit, MemoryStorage, Mode, Outcome, Quota, Scope, Strategy, Verb,
    storage::guarded::GuardedStorage,
};

use crate::patient::{State, Ward, per_minute};

fn day(amount: u64, scope: &str) -> Limit {
    Limit::new(Quota::per_day(amount), Strategy::MovingWindow, &Scope::new(scope))
}

/// Three per minute, in place of whatever a scope has.
fn ward() -> Ward {
    Ward::with(|guard| guard.fallback_limits(Strategy::FixedWindow, [Quota::per_minute(3)]))
}

#[tokio::test(start_paused = true)]
async fn the_limits_of_a_scope_are_replaced_together_and_charged_once() {
    let ward = ward();
    ward.patient.is(State::Refusing);
    let limits = [per_minute(1, "search"), day(1_000, "search")];
    for left in [2, 1, 0] {
        let mut charges = limits.each_ref().map(|limit| Charge::new(limit, &ward.key));
        assert_eq!(ward.apply(Verb::Hit, &mut charges).await.unwrap(), Outcome::Admit);
        for charge in &charges {
            assert_eq!(charge.decision().unwrap().remaining(), left);
        }
    }
    let mut charges = limits.each_ref().map(|limit| Charge::new(limit, &ward.key));
    assert_eq!(ward.apply(Verb::Hit, &mut charges).await.unwrap(), Outcome::Deny);
    assert!(charges.iter().all(|charge| !charge.decision().unwrap().admitted()));
    // Another scope and another client have counters of their own.
    assert!(ward.hit(&per_minute(1, "other")).await);
    let other = Key::text("other");
    let mut charges = [Charge::new(&limits[0], &other)];
    assert_eq!(ward.apply(Verb::Hit, &mut charges).await.unwrap(), Outcome::Admit);
}

#[tokio::test(start_paused = true)]
async fn the_dearest_charge_of_a_scope_is_what_it_costs_and_what_is_refunded() {
    let ward = ward();
    ward.open(State::Refusing).await;
    let limits = [per_minute(100, "upload"), day(1_000, "upload")];
    let mut charges =
        [Charge::new(&limits[0], &ward.key), Charge::new(&limits[1], &ward.key).cost(2)];
    assert_eq!(ward.apply(Verb::Hit, &mut charges).await.unwrap(), Outcome::Admit);
    assert_eq!(charges[0].decision().unwrap().remaining(), 1);
    assert_eq!(charges.iter().filter(|charge| charge.receipt().is_some()).count(), 1);
    ward.apply(Verb::Refund, &mut charges).await.unwrap();
    ward.apply(Verb::Refund, &mut charges).await.unwrap();
    let mut peek = [Charge::new(&limits[0], &ward.key).cost(0)];
    ward.apply(Verb::Test, &mut peek).await.unwrap();
    assert_eq!(peek[0].decision().unwrap().remaining(), 3);
    assert!(peek[0].receipt().is_none());
}

#[tokio::test(start_paused = true)]
async fn all_fallback_limits_hold_and_the_strictest_is_told() {
    let quotas = [Quota::per_second(2), Quota::per_hour(3)];
    let ward = Ward::with(|guard| guard.fallback_limits(Strategy::FixedWindow, quotas));
    ward.patient.is(State::Refusing);
    let limit = per_minute(1_000, "both");
    for (advance, expected, left) in
        [(0, true, 1), (0, true, 0), (0, false, 0), (1, true, 0), (1, false, 0)]
    {
        ward.clock.advance(std::time::Duration::from_secs(advance));
        let mut charges = [Charge::new(&limit, &ward.key)];
        let outcome = ward.apply(Verb::Hit, &mut charges).await.unwrap();
        assert_eq!(outcome == Outcome::Admit, expected);
        assert_eq!(charges[0].decision().unwrap().remaining(), left);
    }
    let mut charges = [Charge::new(&limit, &ward.key)];
    ward.apply(Verb::Hit, &mut charges).await.unwrap();
    let wait = charges[0].decision().unwrap().retry_after().unwrap();
    assert!(wait.as_secs() > 3_000, "the hour, not the second: {wait:?}");
}

#[tokio::test(start_paused = true)]
async fn a_scope_in_shadow_mode_denies_nobody() {
    let ward = ward();
    ward.patient.is(State::Refusing);
    let limit = per_minute(1, "shadow");
    for _ in 0..6 {
        let mut charges = [Charge::new(&limit, &ward.key).mode(Mode::Shadow)];
        assert_eq!(ward.apply(Verb::Hit, &mut charges).await.unwrap(), Outcome::Admit);
    }
}

#[tokio::test(start_paused = true)]
async fn fallback_limits_are_divided_among_the_instances_too() {
    for (instances, admitted) in [(1, 9), (4, 2), (100, 1)] {
        let ward = Ward::with(|guard| {
            let limits = [Quota::per_minute(9), Quota::per_hour(50)];
            guard.fallback_limits(Strategy::FixedWindow, limits).instances(instances)
        });
        ward.open(State::Refusing).await;
        let limit = per_minute(1, "divided");
        for hit in 1..=12 {
            assert_eq!(ward.hit(&limit).await, hit <= admitted, "{hit} with {instances}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_limits_are_divided_among_the_instances() {
    let ward = Ward::with(|guard| guard.instances(4));
    ward.open(State::Refusing).await;
    for (amount, part) in [(100, 25), (7, 1), (3, 1), (0, 0)] {
        let limit = per_minute(amount, &format!("of {amount}"));
        for hit in 0..=part {
            assert_eq!(ward.hit(&limit).await, hit < part, "{amount}");
        }
    }
    let quota = Quota::per_second(10).with_burst(20);
    let bucket = Limit::new(quota, Strategy::TokenBucket, &Scope::new("bucket"));
    let mut charges = [Charge::new(&bucket, &ward.key).cost(5)];
    assert_eq!(ward.apply(Verb::Hit, &mut charges).await.unwrap(), Outcome::Admit);
    assert_eq!(charges[0].decision().unwrap().remaining(), 0);
    ward.apply(Verb::Refund, &mut charges).await.unwrap();
    assert_eq!(ward.apply(Verb::Hit, &mut charges).await.unwrap(), Outcome::Admit);
}

#[test]
fn options_that_contradict_themselves_are_refused() {
    let builder = || GuardedStorage::builder(Arc::new(MemoryStorage::new()));
    let second = std::time::Duration::from_secs(1);
    let burst = Quota::per_second(1).with_burst(2);
    for (builder, words) in [
        (builder().deadline(std::time::Duration::ZERO), "deadline"),
        (builder().instances(0), "instances"),
        (builder().opens_after(0), "opens_after"),
        (builder().probe_pauses(2 * second, second), "probe_pauses"),
        (
            builder().fallback_limits(Strategy::FixedWindow, [burst]),
            "fallback_limits: expected no burst",
        ),
    ] {
        let error = builder.build().unwrap_err().to_string();
        assert!(error.starts_with(words), "{error}");
    }
}
