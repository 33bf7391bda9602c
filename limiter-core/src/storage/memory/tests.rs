//! What must be true of the tables after anything whatsoever: nothing outside can see it.

use std::time::Duration;

use proptest::{prelude::*, strategy::Strategy as _};

use super::{MemoryStorage, Overflow};
use crate::{
    charge::Charge,
    clock::FakeClock,
    key::Key,
    limit::{Limit, Scope},
    quota::{Quota, Unit},
    storage::interface::{Storage as _, Verb},
    strategy::Strategy,
};

/// What happens next, to which client by which limit: numbers, to be taken modulo what there is.
#[derive(Clone, Debug)]
struct Step {
    what: u8,
    clients: [u64; 2],
    limits: [usize; 2],
    wait: u64,
}

fn step() -> impl proptest::strategy::Strategy<Value = Step> {
    let wait = prop_oneof![Just(0), 0..=3u64, Just(1_000_000), 0..3_000_000u64];
    (0..24u8, [0..12u64, 0..12u64], [0..5usize, 0..5usize], wait)
        .prop_map(|(what, clients, limits, wait)| Step { what, clients, limits, wait })
}

#[test]
fn every_count_is_exact_after_any_trace() {
    let overflow = prop_oneof![Just(Overflow::Share), Just(Overflow::Deny)];
    let trace = prop::collection::vec(step(), 1..150);
    let mut limits: Vec<_> = Strategy::ALL
        .into_iter()
        .map(|strategy| Limit::new(Quota::per_second(4), strategy, &Scope::new("audit")))
        .collect();
    let millisecond = Quota::new(3, 1, Unit::Millisecond).unwrap();
    limits.push(Limit::new(millisecond, Strategy::MovingWindow, &Scope::new("audit")));
    proptest!(|(capacity in 0..30usize, overflow in overflow, trace in trace)| {
        let clock = FakeClock::new();
        let builder = MemoryStorage::builder().clock(clock.clone());
        let storage = builder.capacity(capacity).overflow(overflow).build();
        let mut receipts = Vec::new();
        for step in &trace {
            clock.advance_micros(step.wait);
            let keys = step.clients.map(Key::number);
            let mut charges =
                [0, 1].map(|n| Charge::new(&limits[step.limits[n]], &keys[n]).cost(n as u64 + 1));
            match step.what {
                0..14 => {
                    storage.hit_all(&mut charges);
                    receipts.push((step, charges.map(|charge| charge.receipt())));
                }
                14..16 => _ = storage.test_all(&mut charges),
                16..20 => {
                    if let Some((hit, taken)) = receipts.pop() {
                        let keys = hit.clients.map(Key::number);
                        let mut charges = [0, 1].map(|n| {
                            let charge = Charge::new(&limits[hit.limits[n]], &keys[n]);
                            charge.cost(n as u64 + 1).taken(taken[n])
                        });
                        storage.refund_all(&mut charges);
                    }
                }
                20 => _ = storage.apply_now(Verb::Reset, &mut charges),
                21 => clock.step_back(Duration::from_micros(step.wait * 2)),
                22 => storage.clear(),
                _ => clock.advance(Duration::from_secs(10)),
            }
            storage.audit();
        }
        storage.clear();
        prop_assert_eq!(storage.len(), 0);
    });
}

#[test]
fn every_count_is_exact_after_a_race() {
    let clock = FakeClock::new();
    let storage = MemoryStorage::builder().clock(clock.clone()).capacity(300).build();
    let limits = Strategy::ALL
        .map(|strategy| Limit::new(Quota::per_second(4), strategy, &Scope::new("race")));
    std::thread::scope(|scope| {
        for thread in 0..8_u64 {
            let (storage, clock, limits) = (&storage, &clock, &limits);
            scope.spawn(move || {
                for round in 0..2_000_u64 {
                    let key = Key::number(round.wrapping_mul(2_654_435_761 + thread) % 500);
                    let mut charges = limits.each_ref().map(|limit| Charge::new(limit, &key));
                    storage.hit_all(&mut charges);
                    match round % 16 {
                        0..5 => storage.refund_all(&mut charges),
                        5 => _ = storage.apply_now(Verb::Reset, &mut charges),
                        6 if thread == 0 => clock.advance(Duration::from_millis(200)),
                        7 if round % 500 == 7 => storage.clear(),
                        _ => {}
                    }
                }
            });
        }
    });
    storage.audit();
}

/// A clock of another precision, or one that was set, shows a moment before the charge's.
#[test]
fn a_refund_finds_its_hit_after_a_step_back() {
    for strategy in Strategy::ALL {
        let clock = FakeClock::new();
        let storage = MemoryStorage::builder().clock(clock.clone()).build();
        let limit = Limit::new(Quota::per_minute(5), strategy, &Scope::new("step"));
        let key = Key::text("me");
        let mut charges = [Charge::new(&limit, &key).cost(3)];
        storage.hit_all(&mut charges);
        clock.step_back(Duration::from_millis(4));
        storage.hit(&limit, &key, 1);
        clock.advance(Duration::from_millis(4));
        storage.refund_all(&mut charges);
        assert_eq!(storage.peek(&limit, &key).remaining(), 4, "{strategy}");
    }
}
