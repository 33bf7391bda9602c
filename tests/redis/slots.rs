//! Batches on a cluster.

use limiter_core::{Charge, Key, Outcome, Storage, Strategy, Verb};
use limiter_tests::redis::RedisCluster;

use crate::raw::{Raw, per_day, remaining, storage};

#[tokio::test]
async fn a_batch_of_one_client_is_one_command_on_one_node() {
    let cluster = RedisCluster::start();
    let storage = storage(&cluster.uri());
    let mut nodes: Vec<_> = cluster.nodes.iter().map(|node| Raw::to(node.address())).collect();
    let limits: Vec<_> = (0..6)
        .map(|limit| per_day(9, Strategy::ALL[limit % 4], &format!("limit {limit}")))
        .collect();
    let key = Key::text("client");
    let batch = async || {
        let mut charges: Vec<_> = limits.iter().map(|limit| Charge::new(limit, &key)).collect();
        assert_eq!(storage.apply(Verb::Hit, &mut charges).await.unwrap(), Outcome::Admit);
    };
    batch().await;
    nodes.iter_mut().for_each(|raw| drop(raw.commands()));
    batch().await;
    // A replica runs what the script wrote, and no script.
    let scripts: Vec<_> =
        nodes.iter_mut().filter_map(|raw| raw.commands().get("evalsha").copied()).collect();
    assert_eq!(scripts, [1]);
}

/// A client of each of the three primaries, and the limits of each strategy.
#[tokio::test]
async fn a_batch_over_several_slots_takes_all_of_its_charges_or_none() {
    let cluster = RedisCluster::start();
    let storage = storage(&cluster.uri());
    let keys: Vec<_> = (0..30).map(Key::number).collect();
    for strategy in Strategy::ALL {
        let (wide, narrow) = (per_day(10, strategy, "wide"), per_day(2, strategy, "narrow"));
        // The last of the clients has the narrow limit.
        let last = keys.len() - 1;
        let limit_of = |client| if client == last { &narrow } else { &wide };
        let hit = async || {
            let mut charges: Vec<_> = keys
                .iter()
                .enumerate()
                .map(|(client, key)| Charge::new(limit_of(client), key))
                .collect();
            let outcome = storage.apply(Verb::Hit, &mut charges).await.unwrap();
            assert!(charges.iter().all(|charge| charge.decision().is_some()));
            let taken = charges.iter().filter(|charge| charge.charged_at().is_some()).count();
            assert_eq!(taken, if outcome == Outcome::Admit { keys.len() } else { 0 }, "{strategy}");
            outcome
        };
        let mut outcomes = Vec::new();
        for _ in 0..5 {
            outcomes.push(hit().await);
        }
        use Outcome::{Admit, Deny};
        assert_eq!(outcomes, [Admit, Admit, Deny, Deny, Deny], "{strategy}");
        for (client, key) in keys.iter().enumerate() {
            let left = if client == last { 0 } else { 8 };
            assert_eq!(remaining(&storage, limit_of(client), key).await, left, "{strategy}");
        }
    }
}

/// At the same time, too: what a denied batch takes for a moment admits nobody.
#[tokio::test(flavor = "multi_thread")]
async fn batches_over_several_slots_never_admit_too_many() {
    let cluster = RedisCluster::start();
    let storage = storage(&cluster.uri());
    let (everybody, mine) = (
        per_day(50, Strategy::FixedWindow, "everybody"),
        per_day(30, Strategy::FixedWindow, "mine"),
    );
    let clients: Vec<_> = (0..4).map(Key::number).collect();
    let all = Key::text("all");
    let hits = (0..400).map(|number| {
        let (storage, client) = (&storage, &clients[number % clients.len()]);
        let (everybody, mine, all) = (&everybody, &mine, &all);
        async move {
            let mut charges = [Charge::new(everybody, all), Charge::new(mine, client)];
            storage.apply(Verb::Hit, &mut charges).await.unwrap()
        }
    });
    let outcomes = futures_util::future::join_all(hits).await;
    let admitted = outcomes.iter().filter(|outcome| **outcome == Outcome::Admit).count() as u64;
    assert!((1..=50).contains(&admitted), "{admitted}");
    // What was given back is there again.
    assert_eq!(remaining(&storage, &everybody, &all).await, 50 - admitted);
    let mut used = 0;
    for client in &clients {
        used += 30 - remaining(&storage, &mine, client).await;
    }
    assert_eq!(used, admitted);
}
