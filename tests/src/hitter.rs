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

/// `amount` per day: nobody's hits come back while they are counted.
pub fn lasting_limit(amount: u64, strategy: Strategy) -> Limit {
    Limit::new(Quota::per_day(amount), strategy, &Scope::new("lasting"))
}

/// Hits a limit from several tasks, each so many times; how many hits were admitted.
pub async fn run(storage: Arc<dyn Storage>, tasks: usize, hits: usize, limit: Limit) -> usize {
    let limit = Arc::new(limit);
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
