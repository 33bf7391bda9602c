//! The same with the largest and the smallest quotas that a storage counts.

use limiter_core::{Limit, Quota, Scope, Unit};
use proptest::prelude::*;

use crate::{
    equivalence::{CLIENTS, run},
    operation::{batches, steps},
    world::{World, for_every_storage, per},
};

for_every_storage!(extreme_quotas_are_counted_exactly);

fn extreme_quotas_are_counted_exactly<W: World>() {
    // All waits of a trace together end before the year 2100.
    let wait = (0..=47u32, any::<i64>()).prop_map(|(bits, wait)| wait & ((1 << bits) - 1));
    run_traces::<W>(wait);
}

/// Steps of all kinds with these waits in between.
pub(crate) fn run_traces<W: World>(wait: impl Strategy<Value = i64>) {
    let limits = limits(&W::new());
    let cost = prop_oneof![
        2 => 0..=3u64,
        3 => (0..=50u32, any::<u64>()).prop_map(|(bits, cost)| cost & ((1 << bits) - 1)),
        1 => (0..=3u64).prop_map(|less| Quota::MAX_AMOUNT - less),
    ];
    let step = steps(wait, batches(limits.len(), CLIENTS, cost));
    proptest!(
        // Everything is peeked at after each step, and there are many limits.
        ProptestConfig::with_cases(W::TRACES / 4),
        |(trace in prop::collection::vec(step, 1..25))| {
            run(&W::new(), &limits, &trace, W::apply)?;
        }
    );
}

/// Amounts and windows whose products and quotients are as large, as small and as uneven as can be.
fn limits<W: World>(world: &W) -> Vec<Limit> {
    let most = Quota::MAX_AMOUNT;
    let mut limits = Vec::new();
    for strategy in world.strategies() {
        for amount in [1, u64::from(u32::MAX), most - 1] {
            for (multiples, unit) in [
                (1, Unit::Millisecond),
                (7, Unit::Day),
                (999_999_937, Unit::Millisecond),
                (71, Unit::Year),
            ] {
                limits.push(Limit::new(
                    per(amount, multiples, unit),
                    strategy,
                    &Scope::new("large"),
                ));
            }
        }
        for (amount, multiples, unit, burst) in [
            (1, 1, Unit::Millisecond, 2_000_000_000_000),
            (3, 1, Unit::Year, 200),
            (most, 71, Unit::Year, 1),
            (most - 1, 70, Unit::Year, most),
            (most, 1, Unit::Millisecond, 3),
        ] {
            let quota = per(amount, multiples, unit).with_burst(burst);
            limits.push(Limit::new(quota, strategy, &Scope::new(&format!("burst {burst}"))));
        }
    }
    let storage = world.storage();
    limits.retain(|limit| limit.check().is_ok());
    for limit in &limits {
        storage.check_quota(limit.strategy(), limit.quota()).expect("the storage counts them");
    }
    limits
}
