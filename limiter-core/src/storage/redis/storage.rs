//! The storage itself: what callers do to the counters.

use std::sync::Arc;

use super::{key_name, servers::Servers};
use crate::{
    charge::Charge,
    decision::Outcome,
    error::StorageError,
    key::Key,
    quota::Quota,
    storage::interface::{BoxFuture, Storage, Verb},
    strategy::Strategy,
};

/// Counters in Redis or Valkey: see the [module](super) docs. Clones share them.
#[derive(Clone, Debug)]
pub struct RedisStorage {
    servers: Arc<Servers>,
}

/// The longest window, and the longest time in which a bucket refills.
const MAX_WINDOW_MICROS: u64 = 1 << 51;

impl RedisStorage {
    pub(super) fn over(servers: Servers) -> Self {
        Self { servers: Arc::new(servers) }
    }

    /// Checks that the server answers.
    ///
    /// # Errors
    /// It does not answer, or refuses the login: the error says what to check.
    pub async fn ping(&self) -> Result<(), StorageError> {
        self.servers.ping().await
    }
}

impl Storage for RedisStorage {
    fn name(&self) -> &str {
        self.servers.name()
    }

    fn supports(&self, _strategy: Strategy) -> bool {
        true
    }

    fn check_quota(&self, strategy: Strategy, quota: &Quota) -> Result<(), StorageError> {
        let refill = quota.window_micros() as u128 * u128::from(quota.capacity())
            / u128::from(quota.amount().max(1));
        let longest = match strategy {
            Strategy::TokenBucket => refill.max(u128::from(quota.window_micros())),
            _ => u128::from(quota.window_micros()),
        };
        if longest <= u128::from(MAX_WINDOW_MICROS) {
            return Ok(());
        }
        Err(StorageError::new(format!(
            "expected a window (and a bucket that is full again) within 71 years, found `{quota}`: \
             Redis counts no further"
        )))
    }

    fn apply_now(&self, _verb: Verb, charges: &mut [Charge<'_>]) -> Option<Outcome> {
        // An empty batch needs no server.
        charges.is_empty().then_some(Outcome::Admit)
    }

    fn apply<'a>(
        &'a self,
        verb: Verb,
        charges: &'a mut [Charge<'_>],
    ) -> BoxFuture<'a, Result<Outcome, StorageError>> {
        Box::pin(async move {
            match verb {
                _ if charges.is_empty() => Ok(Outcome::Admit),
                Verb::Reset => Box::pin(self.servers.reset(charges)).await,
                Verb::Hit | Verb::Test | Verb::Refund => self.servers.decide(verb, charges).await,
            }
        })
    }

    fn forget<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<bool, StorageError>> {
        Box::pin(async move {
            let pattern = key_name::pattern_of_client(self.servers.prefix(), key);
            self.servers.clear(&pattern).await.map(|()| true)
        })
    }

    fn clear(&self) -> BoxFuture<'_, Result<(), StorageError>> {
        Box::pin(async move { self.servers.clear(&key_name::pattern(self.servers.prefix())).await })
    }
}
