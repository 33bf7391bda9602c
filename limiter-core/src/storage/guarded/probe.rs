//! The question that finds out whether a storage is well again.

use crate::{
    charge::Charge,
    error::StorageError,
    key::Key,
    limit::{Limit, Scope},
    quota::Quota,
    storage::interface::{Storage, Verb},
    strategy::Strategy,
};

/// A hit on a counter that nobody else has, and that expires within two seconds.
///
/// It is a hit, and not a look, because it must fail where the hits of clients do: on a replica
/// that takes no writes, in a memory that is full, for want of a permission. For the same reason it
/// has the key of the client whose hit failed: in a cluster, that client's counters are on the node
/// that is ill, and another's may not be.
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

    /// A denial is an answer, too.
    pub(super) async fn ask(&self, storage: &dyn Storage, key: &Key) -> Result<(), StorageError> {
        let mut charges = [Charge::new(&self.limit, key)];
        storage.apply(Verb::Hit, &mut charges).await.map(drop)
    }
}
