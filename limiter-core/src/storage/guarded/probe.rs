//! The probe: one hit that shows whether a storage has recovered.

use crate::{
    charge::Charge,
    error::StorageError,
    key::Key,
    limit::{Limit, Scope},
    quota::Quota,
    storage::interface::{Storage, Verb},
    strategy::Strategy,
};

/// A hit on a counter that no client has, and that expires within two seconds.
///
/// It is a hit, and not a test, because it must fail where the hits of clients fail: on a replica
/// that takes no writes, on a server whose memory is full, or where a permission is missing. For
/// the same reason it has the key of the client whose hit failed: in a cluster, the counters of
/// that client are on the failing node, and those of another may not be.
#[derive(Debug)]
pub(super) struct Probe {
    limit: Limit,
}

impl Probe {
    pub(super) fn of(storage: &dyn Storage) -> Self {
        let strategy = Strategy::ALL.into_iter().find(|strategy| storage.supports(*strategy));
        let quota = Quota::per_second(1_000_000);
        Self { limit: Limit::new(quota, strategy.unwrap_or_default(), &Scope::new("probe")) }
    }

    /// Sends the hit. A denial counts as an answer.
    pub(super) async fn ask(&self, storage: &dyn Storage, key: &Key) -> Result<(), StorageError> {
        let mut charges = [Charge::new(&self.limit, key)];
        storage.apply(Verb::Hit, &mut charges).await.map(drop)
    }
}
