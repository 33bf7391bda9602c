//! History independence: random apps, hostile traffic, and an oracle without a memory.

mod allowance;
mod app;
mod due;
mod handlers;
mod judge;
mod knobs;
mod layer;
mod ledger;
mod oracle;
mod picture;
mod poll;
mod random;
mod shrink;
mod traffic;
mod trail;
mod trial;
mod world;

use std::collections::BTreeMap;

use self::{
    random::Random,
    shrink::Failure,
    traffic::{Step, Traffic},
    trial::{Tally, Trial},
    world::World,
};

#[actix_web::test]
async fn every_answer_and_every_counter_is_that_of_the_route_alone() {
    let mut tally = Tally::default();
    let mut failures: BTreeMap<&str, Vec<(u64, Failure)>> = BTreeMap::new();
    for seed in knobs::seeds(0..10_000) {
        let mut random = Random::new(seed);
        let world = World::draw(&mut random);
        let steps = 10 + random.below(16);
        let history = Traffic::new(&world, &mut random, &[1, 2, 3]).steps(steps);
        if knobs::is_verbose() {
            println!("seed {seed}\n{world}");
        }
        if let Some(failure) = Failure::find(&world, &history, &mut tally).await {
            failures.entry(failure.violation.kind).or_default().push((seed, failure));
        }
    }
    println!("{tally}");
    let found: usize = failures.values().map(Vec::len).sum();
    for (kind, failures) in failures {
        println!("{} seeds: {kind}", failures.len());
        let mut shortest: Vec<_> = failures.into_iter().collect();
        shortest.sort_by_key(|(_, failure)| failure.steps());
        for (seed, failure) in shortest.into_iter().take(knobs::shown()) {
            println!("seed {seed}: {}", failure.shrink().await);
        }
    }
    assert_eq!(found, 0, "seeds that break the law; the shortest histories are printed above");
}

/// What a client gets on a fresh process, it gets after whatever others did.
#[actix_web::test]
async fn strangers_change_nothing() {
    let mut compared = 0;
    for seed in knobs::seeds(0..2_000) {
        let mut random = Random::new(seed ^ 0x5747_a69e);
        let world = World::draw(&mut random);
        let script = Traffic::new(&world, &mut random, &[1]).steps(20);
        let hostile = Traffic::new(&world, &mut random, &[2, 3]).steps(30);
        let hostile = hostile.into_iter().filter(|step| !matches!(step, Step::Wait { .. }));
        let mut fresh = Trial::new(&world).await;
        let mut used = Trial::new(&world).await;
        for step in hostile {
            // What is wrong with these is found by the other test.
            if used.play(&step).await.is_err() {
                break;
            }
        }
        compared += compare(seed, &script, &mut fresh, &mut used).await;
    }
    println!("{compared} answers compared");
}

/// Plays a script in both, and compares the answers up to the first error that is allowed: from there
/// on the counters may differ.
async fn compare(seed: u64, script: &[Step], fresh: &mut Trial<'_>, used: &mut Trial<'_>) -> usize {
    for (place, step) in script.iter().enumerate() {
        let (Ok(first), Ok(second)) = (fresh.play(step).await, used.play(step).await) else {
            return place;
        };
        if !(first.is_expected && second.is_expected) {
            return place;
        }
        assert_eq!(first.sorted(), second.sorted(), "seed {seed}, step {place}: {step}");
    }
    script.len()
}
