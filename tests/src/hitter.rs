//! Another process that hits the same limit.

use std::sync::Arc;

use limiter_core::{
    Charge, Key, Limit, Outcome, Quota, Scope, Storage, Strategy, Unit, Verb,
    storage::redis::RedisStorage,
};

/// `amount` per three seconds: short enough to be waited out, long enough to be hit by all.
pub fn limit(amount: u64) -> Limit {
    let quota = Quota::new(amount, 3, Unit::Second).expect("a legal quota");
    Limit::new(quota, Strategy::FixedWindow, &Scope::new("processes"))
}

/// Everybody's.
pub fn key() -> Key {
    Key::text("everybody")
}

/// Hits the limit from several tasks, each so many times; how many hits were admitted.
pub async fn run(storage: Arc<dyn Storage>, tasks: usize, hits: usize, amount: u64) -> usize {
    let limit = Arc::new(limit(amount));
    let tasks: Vec<_> = (0..tasks)
        .map(|_| {
            let (storage, limit) = (Arc::clone(&storage), Arc::clone(&limit));
            tokio::spawn(async move {
                let (key, mut admitted) = (key(), 0);
                for _ in 0..hits {
                    let mut charges = [Charge::new(&limit, &key)];
                    let outcome = storage.apply(Verb::Hit, &mut charges).await;
                    admitted += usize::from(outcome.expect("the server answers") == Outcome::Admit);
                }
                admitted
            })
        })
        .collect();
    let mut admitted = 0;
    for task in tasks {
        admitted += task.await.expect("no panic");
    }
    admitted
}

/// The Redis storage behind a URI.
pub fn redis(uri: &str) -> Arc<dyn Storage> {
    Arc::new(RedisStorage::new(uri).expect("a legal URI"))
}
