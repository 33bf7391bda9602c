//! Storages that have to be waited for, and what happens while they do not answer.

use std::{sync::Arc, time::Duration};

use limiter_core::{
    MemoryStorage, OnStoreError, Storage, notation,
    storage::{
        denied::DeniedCache,
        guarded::{GuardedStorage, Health},
        redis::RedisStorage,
    },
};

use super::{Owner, Store};
use crate::{
    config::{BuildError, LimiterBuilder},
    limiter::Limiter,
};

/// What was said about remote storages.
pub(crate) struct RemoteOptions {
    deadline: Option<Duration>,
    on_store_error: OnStoreError,
    fallback_limits: Vec<String>,
    instances: u32,
    required: bool,
    denied_cache: bool,
    ready: Option<Arc<dyn Storage>>,
}

impl Default for RemoteOptions {
    fn default() -> Self {
        Self {
            deadline: None,
            on_store_error: OnStoreError::Local,
            fallback_limits: Vec::new(),
            instances: 1,
            required: false,
            denied_cache: true,
            ready: None,
        }
    }
}

/// Tells how the storage is, where it has to be waited for.
#[derive(Default)]
pub(crate) struct Watch(Option<GuardedStorage>);

#[cfg(feature = "cli")]
impl Watch {
    pub(super) async fn ask(&self) -> Result<(), limiter_core::StorageError> {
        match &self.0 {
            Some(guard) => guard.check().await,
            None => Ok(()),
        }
    }
}

impl LimiterBuilder {
    /// A storage of your own that has to be waited for, such as a
    /// [`RedisStorage`](limiter_core::storage::redis::RedisStorage) with options: guarded like the
    /// one of [`storage_uri`](Self::storage_uri), which it takes the place of.
    pub fn remote_storage(mut self, storage: impl Storage) -> Self {
        self.remote.ready = Some(Arc::new(storage));
        self
    }

    /// How long a decision of a remote storage is waited for; then
    /// [`on_store_error`](Self::on_store_error) decides. Default: 50 ms.
    pub fn decision_deadline(mut self, deadline: Duration) -> Self {
        self.remote.deadline = Some(deadline);
        self
    }

    /// What happens to limits that say nothing themselves while a remote storage does not answer:
    /// counters of this process, a denial with 503, or no limit. Default:
    /// [`OnStoreError::Local`].
    pub fn on_store_error(mut self, policy: OnStoreError) -> Self {
        self.remote.on_store_error = policy;
        self
    }

    /// Limits that take the place of all others while counters of this process decide, for each
    /// endpoint and client; divided by [`instances`](Self::instances) as these are. Default: none, so
    /// that the limits stay what they are.
    pub fn fallback_limits(mut self, limits: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.remote.fallback_limits.extend(limits.into_iter().map(Into::into));
        self
    }

    /// How many processes share the remote storage: each has that share of the limits, or of the
    /// [`fallback_limits`](Self::fallback_limits), while counters of its own decide, and at least 1.
    /// Default: 1, so that each has all.
    pub fn instances(mut self, instances: u32) -> Self {
        self.remote.instances = instances;
        self
    }

    /// Refuses to build the limiter where a remote storage does not answer. Default: it is
    /// reported, with what to check, and asked again in the background.
    pub fn require_storage(mut self) -> Self {
        self.remote.required = true;
        self
    }

    /// Whether a client that a remote storage has denied is denied without asking it again, until
    /// it would be admitted. A reset by another process is then noticed within 10 seconds.
    /// Default: yes.
    pub fn denied_cache(mut self, remember: bool) -> Self {
        self.remote.denied_cache = remember;
        self
    }
}

impl Limiter {
    /// How a remote storage is: whether it is asked at the moment, and what was counted since the
    /// start. `None` where counters are kept in this process.
    pub fn storage_health(&self) -> Option<Health> {
        self.inner().watch().0.as_ref().map(GuardedStorage::health)
    }
}

impl RemoteOptions {
    /// Whether a storage of the user's own takes the place of the URI.
    pub(super) fn are_of_a_ready_storage(&self) -> bool {
        self.ready.is_some()
    }

    pub(super) async fn open(
        mut self,
        uri: String,
        owner: &Owner<'_>,
    ) -> Result<Store, BuildError> {
        let storage = match self.ready.take() {
            Some(storage) => storage,
            None => {
                let prefix = match owner.key_prefix {
                    "" => "limiter:".to_owned(),
                    prefix => format!("limiter:{prefix}:"),
                };
                let redis = RedisStorage::builder(uri).key_prefix(prefix).build();
                Arc::new(redis.map_err(|error| BuildError::new(format!("storage_uri: {error}")))?)
            }
        };
        self.guard(storage, owner).await
    }

    /// The deadline, the circuit breaker and the failure policy around the storage, and the memory
    /// of who is denied around those.
    async fn guard(
        &self,
        storage: Arc<dyn Storage>,
        owner: &Owner<'_>,
    ) -> Result<Store, BuildError> {
        let mut memory = MemoryStorage::builder();
        if let Some(clock) = owner.clock {
            memory = memory.shared_clock(Arc::clone(clock));
        }
        let mut fallback = Vec::new();
        for text in &self.fallback_limits {
            let quotas = notation::parse_many(text)
                .map_err(|error| BuildError::new(format!("fallback_limits: {error}")))?;
            fallback.extend(quotas);
        }
        let mut builder = GuardedStorage::builder(storage)
            .on_store_error(self.on_store_error)
            .instances(self.instances)
            .fallback_limits(owner.strategy, fallback)
            .memory(memory.build());
        if let Some(deadline) = self.deadline {
            builder = builder.deadline(deadline);
        }
        let guard = builder.build().map_err(|error| BuildError::new(error.to_string()))?;
        if let Err(error) = guard.check().await {
            if self.required {
                return Err(BuildError::new(format!("require_storage: {error}")));
            }
            tracing::warn!(%error, "the storage does not answer yet; it is asked again");
        }
        let watch = Watch(Some(guard.clone()));
        let storage: Arc<dyn Storage> = match self.denied_cache {
            true => Arc::new(DeniedCache::new(Arc::new(guard))),
            false => Arc::new(guard),
        };
        Ok(Store { storage, watch })
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use limiter_core::storage::guarded::Circuit;

    use super::*;

    #[actix_web::test]
    async fn a_storage_that_is_down_is_an_error_of_build_only_where_it_is_required() {
        let closed = TcpListener::bind("127.0.0.1:0").and_then(|port| port.local_addr());
        let uri = format!("redis://:secret@{}", closed.expect("a free port"));
        let limiter = Limiter::builder().storage_uri(&uri).build().await.expect("reported only");
        assert_eq!(limiter.storage_health().map(|health| health.circuit), Some(Circuit::Open));
        let refused = Limiter::builder().storage_uri(&uri).require_storage().build().await;
        let error = refused.expect_err("nobody answers").to_string();
        let expected = "require_storage: expected an answer of the storage redis at 127.0.0.1:";
        assert!(error.starts_with(expected) && !error.contains("secret"), "{error}");
    }
}
