//! Many clients at once: a batch is decided as if it were alone.

use std::sync::Arc;

use limiter_core::{Charge, Key, Outcome, Verb};

use crate::world::{RUNTIME, World, for_every_storage, per_minute};

for_every_storage!(
    of_64_tasks_on_a_limit_of_100_exactly_100_are_admitted,
    batches_that_overlap_in_opposite_order_are_atomic_and_never_wait_for_each_other,
);

fn of_64_tasks_on_a_limit_of_100_exactly_100_are_admitted<W: World>() {
    let world = W::new();
    for strategy in world.strategies() {
        let limit = Arc::new(per_minute(100, strategy, "tasks"));
        let tasks: Vec<_> = (0..64)
            .map(|_| {
                let (storage, limit) = (Arc::clone(world.storage()), Arc::clone(&limit));
                RUNTIME.spawn(async move {
                    let mut admitted = 0;
                    for _ in 0..10 {
                        let key = Key::text("everybody");
                        let mut charges = [Charge::new(&limit, &key)];
                        let outcome = storage.apply(Verb::Hit, &mut charges).await.unwrap();
                        admitted += u64::from(outcome == Outcome::Admit);
                        tokio::task::yield_now().await;
                    }
                    admitted
                })
            })
            .collect();
        let admitted: u64 =
            tasks.into_iter().map(|task| RUNTIME.block_on(task).expect("no panic")).sum();
        assert_eq!(admitted, 100, "{strategy}");
    }
}

/// What is left of each counter is what the admitted batches did not take.
fn batches_that_overlap_in_opposite_order_are_atomic_and_never_wait_for_each_other<W: World>() {
    const CLIENTS: usize = 8;
    let world = W::new();
    for strategy in world.strategies() {
        // Every client is about to be denied at another time.
        let limits: Arc<Vec<_>> = Arc::new(
            (0..CLIENTS).map(|n| per_minute(60 + 17 * n as u64, strategy, "pairs")).collect(),
        );
        let tasks: Vec<_> = (0..16)
            .map(|task| {
                let (storage, limits) = (Arc::clone(world.storage()), Arc::clone(&limits));
                RUNTIME.spawn(async move {
                    let mut taken = [0; CLIENTS];
                    for round in 0..60 {
                        let (one, other) = ((task + round) % CLIENTS, (5 * task + 3) % CLIENTS);
                        let pair = if round % 2 == 0 { [one, other] } else { [other, one] };
                        let keys = pair.map(|client| Key::number(client as u64));
                        let mut charges =
                            [0, 1].map(|side| Charge::new(&limits[pair[side]], &keys[side]));
                        if storage.apply(Verb::Hit, &mut charges).await.unwrap() == Outcome::Admit {
                            pair.iter().for_each(|client| taken[*client] += 1);
                        }
                        tokio::task::yield_now().await;
                    }
                    taken
                })
            })
            .collect();
        let mut taken = [0; CLIENTS];
        for task in tasks {
            let by_task = RUNTIME.block_on(task).expect("no panic");
            taken.iter_mut().zip(by_task).for_each(|(sum, taken)| *sum += taken);
        }
        assert!(taken.iter().sum::<u64>() > 0);
        for (client, taken) in taken.into_iter().enumerate() {
            let left = world.remaining(&limits[client], &Key::number(client as u64));
            assert_eq!(left, limits[client].quota().amount() - taken, "{strategy} {client}");
        }
    }
}
