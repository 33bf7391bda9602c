//! Remote storages, and what happens while they do not answer.

use std::{sync::Arc, time::Duration};

use limiter_core::{
    MemoryStorage, OnStoreError, Storage, notation,
    storage::{
        denied::DeniedCache,
        guarded::{GuardedStorage, Health},
        redis::RedisStorage,
    },
};

use super::defaults::StorageDefaults;
use crate::error::BuildError;

/// The options of remote storages.
pub(crate) struct RemoteOptions {
    pub(crate) deadline: Option<Duration>,
    pub(crate) on_store_error: OnStoreError,
    pub(crate) fallback_limits: Vec<String>,
    pub(crate) instances: u32,
    pub(crate) required: bool,
    pub(crate) denied_cache: bool,
    pub(crate) ready: Option<Arc<dyn Storage>>,
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

/// Reports the health of a remote storage.
#[derive(Default)]
pub(crate) struct HealthProbe(Option<GuardedStorage>);

impl HealthProbe {
    /// The health of the storage; `None` if counters are kept in this process.
    pub(crate) fn health(&self) -> Option<Health> {
        self.0.as_ref().map(GuardedStorage::health)
    }

    /// Probes the storage directly, whatever decides while it does not answer.
    #[cfg(feature = "cli")]
    pub(crate) async fn probe(&self) -> Result<(), limiter_core::StorageError> {
        match &self.0 {
            Some(guard) => guard.check().await,
            None => Ok(()),
        }
    }
}

impl RemoteOptions {
    /// Whether a storage of the user's own replaces the URI.
    pub(super) fn has_ready_storage(&self) -> bool {
        self.ready.is_some()
    }

    pub(super) async fn open(
        mut self,
        uri: String,
        defaults: &StorageDefaults<'_>,
    ) -> Result<(Arc<dyn Storage>, HealthProbe), BuildError> {
        let storage = match self.ready.take() {
            Some(storage) => storage,
            None => {
                let prefix = match defaults.key_prefix {
                    "" => "limiter:".to_owned(),
                    prefix => format!("limiter:{prefix}:"),
                };
                let redis = RedisStorage::builder(uri).key_prefix(prefix).build();
                Arc::new(redis.map_err(|error| BuildError::new(format!("storage_uri: {error}")))?)
            }
        };
        self.guard(storage, defaults).await
    }

    /// Wraps the storage with the deadline, the circuit breaker and the failure policy, and that
    /// with the cache of denials.
    async fn guard(
        &self,
        storage: Arc<dyn Storage>,
        defaults: &StorageDefaults<'_>,
    ) -> Result<(Arc<dyn Storage>, HealthProbe), BuildError> {
        let mut memory = MemoryStorage::builder();
        if let Some(clock) = defaults.clock {
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
            .fallback_limits(defaults.strategy, fallback)
            .memory(memory.build());
        if let Some(deadline) = self.deadline {
            builder = builder.deadline(deadline);
        }
        let guard = builder.build().map_err(|error| BuildError::new(error.to_string()))?;
        if let Err(error) = guard.check().await {
            if self.required {
                return Err(BuildError::new(format!("require_storage: {error}")));
            }
            tracing::warn!(
                %error,
                "the storage does not answer yet; it is probed in the background"
            );
        }
        let probe = HealthProbe(Some(guard.clone()));
        let storage: Arc<dyn Storage> = match self.denied_cache {
            true => Arc::new(DeniedCache::new(Arc::new(guard))),
            false => Arc::new(guard),
        };
        Ok((storage, probe))
    }
}
