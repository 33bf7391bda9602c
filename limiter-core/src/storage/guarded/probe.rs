//! The question that finds out whether a storage is well again.

use crate::{
    charge::Charge,
    error::StorageError,
    key::Key,
    limit::{Limit, Scope},
    quota::Quota,
    storage::{Storage, Verb},
    strategy::Strategy,
};

/// A hit on a counter of nobody's, which expires within two seconds.
///
/// It is a hit, and not a look, because it must fail where the hits of clients do: on a replica
/// that takes no writes, in a memory that is full, for want of a permission.
#[derive(Debug)]
pub(super) struct Probe {
    limit: Limit,
    key: Key,
}

impl Probe {
    pub(super) fn of(storage: &dyn Storage) -> Self {
        let strategy = Strategy::ALL.into_iter().find(|strategy| storage.supports(*strategy));
        let quota = Quota::per_second(1_000_000);
        Self {
            limit: Limit::new(quota, strategy.unwrap_or_default(), &Scope::new("probe")),
            key: Key::text("probe"),
        }
    }

    /// A denial is an answer, too.
    pub(super) async fn ask(&self, storage: &dyn Storage) -> Result<(), StorageError> {
        let mut charges = [Charge::new(&self.limit, &self.key)];
        storage.apply(Verb::Hit, &mut charges).await.map(drop)
    }
}
