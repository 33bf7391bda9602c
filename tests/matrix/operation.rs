//! What can be done to a storage, as plain data.

use limiter_core::Mode;
use proptest::{prelude::*, strategy::Strategy};

/// One thing to do.
#[derive(Clone, Debug)]
pub(crate) enum Operation {
    Hit(Vec<Item>),
    Test(Vec<Item>),
    /// Of the batch that was hit so many hits ago.
    Refund(usize),
    Reset(Vec<Item>),
    Clear,
}

/// One charge of a batch: the numbers of a limit and of a client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Item {
    pub(crate) limit: usize,
    pub(crate) client: usize,
    pub(crate) cost: u64,
    pub(crate) mode: Mode,
}

/// The clock goes on by some microseconds or steps back, then something is done.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) wait: i64,
    pub(crate) operation: Operation,
}

/// Random steps among so many limits and clients.
pub(crate) fn trace(limits: usize, clients: usize) -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(limits, clients), 1..30)
}

fn step(limits: usize, clients: usize) -> impl Strategy<Value = Step> {
    // Windows of 0.1, 1 and 2 seconds: their ends, and the moments of their thirds and halves.
    let edges = [0, 50_000, 100_000, 333_333, 500_000, 666_667, 1_000_000, 2_000_000, 4_000_000];
    let edge = prop::sample::select(edges.to_vec());
    let wait = prop_oneof![
        3 => Just(0),
        5 => (edge, 0..=2i64).prop_map(|(edge, extra): (i64, i64)| (edge + extra - 1).max(0)),
        1 => 0..=3_000_000i64,
    ];
    steps(wait, batch(limits, clients))
}

/// Steps of all kinds, with these waits and batches.
pub(crate) fn steps(
    wait: impl Strategy<Value = i64>,
    batch: impl Strategy<Value = Vec<Item>> + Clone,
) -> impl Strategy<Value = Step> {
    let operation = prop_oneof![
        12 => batch.clone().prop_map(Operation::Hit),
        3 => batch.clone().prop_map(Operation::Test),
        3 => (0..4usize).prop_map(Operation::Refund),
        1 => batch.prop_map(Operation::Reset),
        1 => Just(Operation::Clear),
    ];
    (wait, operation).prop_map(|(wait, operation)| Step { wait, operation })
}

fn batch(limits: usize, clients: usize) -> impl Strategy<Value = Vec<Item>> + Clone {
    let cost = prop_oneof![5 => Just(1u64), 1 => Just(0), 3 => 0..=6u64, 1 => Just(u64::MAX)];
    batches(limits, clients, cost)
}

/// Batches with these costs.
pub(crate) fn batches(
    limits: usize,
    clients: usize,
    cost: impl Strategy<Value = u64> + Clone,
) -> impl Strategy<Value = Vec<Item>> + Clone {
    let mode = prop_oneof![
        4 => Just(Mode::Enforce),
        1 => Just(Mode::Shadow),
        1 => Just(Mode::Test),
    ];
    let item = (0..limits, 0..clients, cost, mode).prop_map(|(limit, client, cost, mode)| Item {
        limit,
        client,
        cost,
        mode,
    });
    let one = prop::collection::vec(item.clone(), 1);
    prop_oneof![one, prop::collection::vec(item, 0..=5)]
}
