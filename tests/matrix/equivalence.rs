//! Whatever is done to a storage, it answers as the pure functions do.

use std::time::Duration;

use limiter_core::{
    Charge, Key, Limit, Mode, Outcome, Receipt, Scope, Strategy, Timestamp, Unit, Verb,
};
use proptest::prelude::*;

use crate::{
    model::{Answer, Model},
    operation::{Item, Operation, Step, trace},
    world::{World, for_every_storage, per},
};

for_every_storage!(every_decision_is_that_of_the_pure_function, waiting_changes_no_answer);

pub(crate) const CLIENTS: usize = 2;

fn every_decision_is_that_of_the_pure_function<W: World>() {
    let limits = limits(&W::new().strategies());
    proptest!(ProptestConfig::with_cases(W::TRACES), |(trace in trace(limits.len(), CLIENTS))| {
        run(&W::new(), &limits, &trace, W::apply)?;
    });
}

fn waiting_changes_no_answer<W: World>() {
    let limits = limits(&W::new().strategies());
    proptest!(ProptestConfig::with_cases(W::TRACES / 3), |(trace in trace(limits.len(), CLIENTS))| {
        run(&W::new(), &limits, &trace, W::wait_for)?;
    });
}

/// Limits of every strategy: with counters of their own, with the counter of another amount, with
/// windows below a second, with a burst.
fn limits(strategies: &[Strategy]) -> Vec<Limit> {
    let mut limits = Vec::new();
    for &strategy in strategies {
        let scope = Scope::new("scope");
        limits.push(Limit::new(per(3, 1, Unit::Second), strategy, &scope));
        limits.push(Limit::new(per(5, 1, Unit::Second), strategy, &scope));
        limits.push(Limit::new(per(0, 1, Unit::Second), strategy, &scope));
        limits.push(Limit::with_ordinal(per(2, 1, Unit::Second), strategy, &scope, 1));
        limits.push(Limit::new(per(4, 2, Unit::Second), strategy, &scope));
        limits.push(Limit::new(per(2, 100, Unit::Millisecond), strategy, &scope));
        limits.push(Limit::new(per(3, 1, Unit::Second), strategy, &Scope::new("other")));
        if strategy == Strategy::TokenBucket {
            let quota = per(2, 1, Unit::Second).with_burst(5);
            limits.push(Limit::new(quota, strategy, &Scope::new("burst")));
        }
    }
    limits
}

/// What a hit took, for a later refund: of each item when, as the storage and the model know it.
struct Taken {
    items: Vec<Item>,
    receipts: Vec<Option<Receipt>>,
    taken: Vec<bool>,
    hit_at: Timestamp,
}

pub(crate) fn run<W: World>(
    world: &W,
    limits: &[Limit],
    trace: &[Step],
    apply: fn(&W, Verb, &mut [Charge<'_>]) -> Outcome,
) -> Result<(), TestCaseError> {
    let keys: Vec<_> = (0..CLIENTS).map(|client| Key::number(client as u64)).collect();
    let charge = |item: &Item| {
        Charge::new(&limits[item.limit], &keys[item.client]).cost(item.cost).mode(item.mode)
    };
    let mut model = Model::default();
    let mut receipts: Vec<Taken> = Vec::new();
    for step in trace {
        let micros = Duration::from_micros(step.wait.unsigned_abs());
        match step.wait {
            0.. => world.advance(micros),
            _ => world.clock().step_back(micros),
        }
        let now = world.now();
        match &step.operation {
            Operation::Hit(items) => {
                let mut charges: Vec<_> = items.iter().map(charge).collect();
                let outcome = apply(world, Verb::Hit, &mut charges);
                let answer = model.decide(limits, items, true, now);
                prop_assert_eq!(outcome, answer.outcome);
                compare(&charges, &answer)?;
                if W::GIVES_BACK && outcome == Outcome::Deny {
                    model.take_and_give_back(limits, items, now);
                }
                let receipts_of_hit = charges.iter().map(Charge::receipt).collect();
                let (items, taken) = (items.clone(), answer.taken);
                receipts.push(Taken { items, receipts: receipts_of_hit, taken, hit_at: now });
            }
            Operation::Test(items) => {
                let mut charges: Vec<_> = items.iter().map(charge).collect();
                let outcome = apply(world, Verb::Test, &mut charges);
                let answer = model.decide(limits, items, false, now);
                prop_assert_eq!(outcome, answer.outcome);
                compare(&charges, &answer)?;
            }
            Operation::Refund(hits_ago) => {
                let Some(index) = receipts.len().checked_sub(hits_ago + 1) else { continue };
                let receipt = &mut receipts[index];
                let mut charges: Vec<_> = receipt
                    .items
                    .iter()
                    .zip(&receipt.receipts)
                    .map(|(item, receipt)| charge(item).taken(*receipt))
                    .collect();
                apply(world, Verb::Refund, &mut charges);
                receipt.receipts = charges.iter().map(Charge::receipt).collect();
                prop_assert!(receipt.receipts.iter().all(Option::is_none), "a receipt is left");
                for (item, taken) in receipt.items.iter().zip(&mut receipt.taken) {
                    if std::mem::take(taken) {
                        model.refund(&limits[item.limit], item, receipt.hit_at, now);
                    }
                }
            }
            Operation::Reset(items) => {
                let mut charges: Vec<_> = items.iter().map(charge).collect();
                apply(world, Verb::Reset, &mut charges);
                items.iter().for_each(|item| model.reset(&limits[item.limit], item));
            }
            Operation::Clear => {
                world.clear();
                model.clear();
            }
        }
        peek_everything(world, limits, &keys, &mut model)?;
    }
    Ok(())
}

fn compare(charges: &[Charge<'_>], answer: &Answer) -> Result<(), TestCaseError> {
    for (index, charge) in charges.iter().enumerate() {
        prop_assert_eq!(charge.decision(), Some(&answer.decisions[index]), "item {}", index);
        prop_assert_eq!(charge.charged_at().is_some(), answer.taken[index], "item {}", index);
    }
    Ok(())
}

/// Compares every counter of every client.
fn peek_everything<W: World>(
    world: &W,
    limits: &[Limit],
    keys: &[Key],
    model: &mut Model,
) -> Result<(), TestCaseError> {
    for (limit, name) in limits.iter().enumerate() {
        for (client, key) in keys.iter().enumerate() {
            let item = Item { limit, client, cost: 0, mode: Mode::Enforce };
            let mut charges = [Charge::new(name, key).cost(0)];
            world.apply(Verb::Test, &mut charges);
            let answer = model.decide(limits, &[item], false, world.now());
            let (limit, expected) = (&limits[limit], answer.decisions[0]);
            prop_assert_eq!(
                charges[0].decision(),
                Some(&expected),
                "{} of {} for client {}",
                limit.quota(),
                limit.id(),
                client
            );
        }
    }
    Ok(())
}
