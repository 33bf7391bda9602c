//! The contract of a storage, and nothing else.

use std::{
    fmt,
    future::{self, Future},
    pin::Pin,
};

use crate::{
    charge::Charge, decision::Outcome, error::StorageError, key::Key, quota::Quota,
    strategy::Strategy,
};

/// A future of a storage that has to be waited for.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What to do with a batch of charges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    /// Decide every charge; if none denies, take them all.
    Hit,
    /// Decide every charge and take none.
    Test,
    /// Take back the charges that were taken, each at most once.
    Refund,
    /// Forget the counters of the charges.
    Reset,
}

/// Keeps counters and decides batches of charges.
///
/// # Contract
///
/// * A batch is atomic: [`Verb::Hit`] takes all its charges or none. Charges in
///   [shadow mode](crate::Mode::Shadow) never veto; they are taken with the batch if they admit.
///   Those in [test mode](crate::Mode::Test) may veto, and are never taken.
/// * After [`Verb::Hit`] and [`Verb::Test`] every charge carries a decision, whatever the outcome.
///   (Storages that wrap others leave some without: a cache those that it denied without a call, a
///   guard those that its policy leaves out.)
/// * Two charges of one batch on the same counter are decided one after the other.
/// * Decisions equal those of the strategy's [`State`](crate::strategy::State), to the microsecond.
/// * [`Verb::Refund`] and [`Verb::Reset`] return [`Outcome::Admit`].
pub trait Storage: fmt::Debug + Send + Sync + 'static {
    /// The name for logs and errors, without credentials: `memory`, `redis at 10.0.0.1:6379`.
    fn name(&self) -> &str;

    /// Whether the storage can run the strategy.
    fn supports(&self, strategy: Strategy) -> bool;

    /// Whether the storage can count the quota, of a strategy that it [supports](Self::supports).
    ///
    /// # Errors
    /// What was expected and what was found.
    fn check_quota(&self, _strategy: Strategy, _quota: &Quota) -> Result<(), StorageError> {
        Ok(())
    }

    /// Applies the verb at once. `None` if that needs waiting; then nothing was done.
    fn apply_now(&self, verb: Verb, charges: &mut [Charge<'_>]) -> Option<Outcome>;

    /// Applies the verb, waiting as long as it takes.
    ///
    /// # Errors
    /// The storage could not decide. No charge was knowingly taken.
    fn apply<'a>(
        &'a self,
        verb: Verb,
        charges: &'a mut [Charge<'_>],
    ) -> BoxFuture<'a, Result<Outcome, StorageError>>;

    /// Forgets every counter of one client, whatever its limit. `false` where the storage cannot
    /// find them, and nothing was done: counters are then forgotten one by one, with
    /// [`Verb::Reset`].
    ///
    /// # Errors
    /// The storage did not answer.
    fn forget<'a>(&'a self, _key: &'a Key) -> BoxFuture<'a, Result<bool, StorageError>> {
        Box::pin(future::ready(Ok(false)))
    }

    /// Forgets every counter of this storage.
    ///
    /// # Errors
    /// The storage did not answer.
    fn clear(&self) -> BoxFuture<'_, Result<(), StorageError>>;
}
