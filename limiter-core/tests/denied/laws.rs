//! With and without the cache, every batch has the same outcome.

use limiter_core::{
    Charge, Key, Limit, MemoryStorage, Mode, Quota, Receipt, Scope, Strategy, Verb,
};
use proptest::{collection::vec, prelude::*, strategy::Strategy as _};

use crate::far::Fixture;

#[derive(Clone, Debug)]
enum Step {
    Wait(u64),
    Hit(Vec<Item>),
    Test(Vec<Item>),
    /// Of the hit so many hits ago.
    Refund(usize),
    Reset(Item),
}

#[derive(Clone, Copy, Debug)]
struct Item {
    limit: usize,
    client: u64,
    cost: u64,
    mode: Mode,
}

/// Of a charge with the cache, and of the same without.
type Receipts = [Option<Receipt>; 2];

fn limits() -> Vec<Limit> {
    let mut limits = Vec::new();
    for strategy in Strategy::ALL {
        for amount in [0, 1, 3] {
            // The plans of one counter, and a longer window.
            limits.push(Limit::new(Quota::per_second(amount), strategy, &Scope::new("plan")));
        }
        limits.push(Limit::new(Quota::per_minute(5), strategy, &Scope::new("minute")));
    }
    let bucket = Quota::per_second(2).with_burst(5);
    limits.push(Limit::new(bucket, Strategy::TokenBucket, &Scope::new("burst")));
    limits
}

fn item() -> impl proptest::strategy::Strategy<Value = Item> {
    let mode = prop_oneof![
        4 => Just(Mode::Enforce),
        1 => Just(Mode::Shadow),
        1 => Just(Mode::Test),
    ];
    (0..17_usize, 0..2_u64, 0..5_u64, mode).prop_map(|(limit, client, cost, mode)| Item {
        limit,
        client,
        cost,
        mode,
    })
}

fn step() -> impl proptest::strategy::Strategy<Value = Step> {
    let wait = prop_oneof![0..20_u64, 1_000..2_000_000_u64, Just(1_000_000), Just(500_000)];
    prop_oneof![
        3 => wait.prop_map(Step::Wait),
        8 => vec(item(), 1..4).prop_map(Step::Hit),
        2 => vec(item(), 1..4).prop_map(Step::Test),
        1 => (0..6_usize).prop_map(Step::Refund),
        1 => item().prop_map(Step::Reset),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    /// Also that no more is admitted with it, and that whom it denies is told no longer wait than
    /// the storage would tell.
    #[test]
    fn every_outcome_is_that_of_the_storage_alone(trace in vec(step(), 1..80)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let fixture = Fixture::new();
        let plain = MemoryStorage::builder().clock(fixture.clock.clone()).build();
        let limits = limits();
        let keys = [Key::number(0), Key::number(1)];
        let charge = |item: &Item| {
            Charge::new(&limits[item.limit], &keys[item.client as usize])
                .cost(item.cost)
                .mode(item.mode)
        };
        let mut taken: Vec<(Vec<Item>, Vec<Receipts>)> = Vec::new();
        for step in &trace {
            match step {
                Step::Wait(micros) => fixture.clock.advance_micros(*micros),
                Step::Hit(items) | Step::Test(items) => {
                    let verb = if matches!(step, Step::Hit(_)) { Verb::Hit } else { Verb::Test };
                    let mut cached: Vec<_> = items.iter().map(charge).collect();
                    let mut alone = cached.clone();
                    let outcome = runtime.block_on(fixture.apply(verb, &mut cached));
                    let expected = limiter_core::Storage::apply_now(&plain, verb, &mut alone);
                    prop_assert_eq!(Some(outcome), expected);
                    for (cached, alone) in cached.iter().zip(&alone) {
                        let Some(decision) = cached.decision() else { continue };
                        let expected = alone.decision().unwrap();
                        prop_assert_eq!(decision.outcome(), expected.outcome());
                        let wait = |wait: Option<std::time::Duration>| wait.map_or(u128::MAX, |wait| wait.as_micros());
                        prop_assert!(wait(decision.retry_after()) <= wait(expected.retry_after()));
                    }
                    let receipts = cached.iter().zip(&alone);
                    let receipts = receipts.map(|(cached, alone)| [cached.receipt(), alone.receipt()]);
                    taken.push((items.clone(), receipts.collect()));
                }
                Step::Refund(ago) => {
                    let Some(index) = taken.len().checked_sub(ago + 1) else { continue };
                    let (items, receipts) = taken.remove(index);
                    let refund = |of: usize| -> Vec<_> {
                        items.iter().zip(&receipts).map(|(item, receipt)| charge(item).taken(receipt[of])).collect()
                    };
                    runtime.block_on(fixture.apply(Verb::Refund, &mut refund(0)));
                    plain.refund_all(&mut refund(1));
                }
                Step::Reset(item) => {
                    runtime.block_on(fixture.apply(Verb::Reset, &mut [charge(item)]));
                    plain.reset(&limits[item.limit], &keys[item.client as usize]);
                }
            }
        }
    }
}
