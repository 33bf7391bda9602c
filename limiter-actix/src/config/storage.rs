//! Options: where counters are kept.

use std::sync::Arc;

use limiter_core::Storage;

use super::builder::LimiterBuilder;
use crate::storage::StorageChoice;

impl LimiterBuilder {
    /// Where counters are kept, as a URI. Default: `memory://`.
    ///
    /// With the feature `redis` also `redis://`, `rediss://`, `redis+unix://`, `redis+cluster://`,
    /// `rediss+cluster://` and `redis+sentinel://`, and the same with `valkey`.
    pub fn storage_uri(mut self, uri: impl Into<String>) -> Self {
        self.storage = StorageChoice::Uri(uri.into());
        self
    }

    /// A storage that you have built: a [`MemoryStorage`](limiter_core::MemoryStorage) with
    /// options, or one that several limiters share. It is used as it is. Pass a remote storage to
    /// `remote_storage` (feature `redis`) instead, which adds a deadline, a circuit breaker and a
    /// failure policy.
    pub fn storage(mut self, storage: impl Storage) -> Self {
        self.storage = StorageChoice::Ready(Arc::new(storage));
        self
    }
}

#[cfg(all(test, not(feature = "redis")))]
mod tests {
    use crate::limiter::Limiter;

    #[actix_web::test]
    async fn a_build_without_redis_says_which_feature_to_enable() {
        let built = Limiter::builder().storage_uri("redis://:secret@host").build().await;
        let error = built.expect_err("it is not built in").to_string();
        assert!(error.contains("storage_uri") && error.contains("`redis`"), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }
}
