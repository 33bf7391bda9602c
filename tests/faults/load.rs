//! Clients that hit one limit without a pause, and never wait for long.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use limiter_core::{DecidedBy, Key, Limit, storage::guarded::GuardedStorage};
use tokio::task::JoinHandle;

use crate::ward::{SOON, hit};

pub(crate) struct Load {
    shared: Arc<Shared>,
    tasks: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    done: AtomicBool,
    by_storage: AtomicU64,
    by_fallback: AtomicU64,
    slowest_millis: AtomicU64,
}

/// Who decided how many hits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hits {
    pub(crate) by_storage: u64,
    pub(crate) by_fallback: u64,
}

impl Load {
    /// Hits a limit that never denies.
    pub(crate) fn start(
        guard: &GuardedStorage,
        limit: &Arc<Limit>,
        key: &Key,
        tasks: usize,
    ) -> Self {
        let shared = Arc::new(Shared::default());
        let tasks = (0..tasks).map(|_| {
            let (guard, limit, key) = (guard.clone(), Arc::clone(limit), key.clone());
            let shared = Arc::clone(&shared);
            tokio::spawn(async move {
                while !shared.done.load(Ordering::Relaxed) {
                    let hit = hit(&guard, &limit, &key).await;
                    assert!(hit.admitted);
                    let count = match hit.by {
                        DecidedBy::Storage => &shared.by_storage,
                        DecidedBy::Fallback => &shared.by_fallback,
                    };
                    count.fetch_add(1, Ordering::Relaxed);
                    let millis = hit.took.as_millis() as u64;
                    shared.slowest_millis.fetch_max(millis, Ordering::Relaxed);
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            })
        });
        let tasks = tasks.collect();
        Self { shared, tasks }
    }

    pub(crate) fn hits(&self) -> Hits {
        Hits {
            by_storage: self.shared.by_storage.load(Ordering::Relaxed),
            by_fallback: self.shared.by_fallback.load(Ordering::Relaxed),
        }
    }

    /// Ends, and sees that nobody waited for long.
    pub(crate) async fn stop(self) -> Hits {
        self.shared.done.store(true, Ordering::Relaxed);
        let hits = Arc::clone(&self.shared);
        for task in self.tasks {
            task.await.expect("no panic");
        }
        let slowest = Duration::from_millis(hits.slowest_millis.load(Ordering::Relaxed));
        assert!(slowest < SOON, "{slowest:?}");
        Hits {
            by_storage: hits.by_storage.load(Ordering::Relaxed),
            by_fallback: hits.by_fallback.load(Ordering::Relaxed),
        }
    }
}
