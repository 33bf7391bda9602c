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

    /// Where counters are kept, ready made: a [`MemoryStorage`](limiter_core::MemoryStorage) with
    /// options of its own, or one that several limiters share. It is used as it is; one that has to
    /// be waited for belongs into `remote_storage` (feature `redis`), which guards it.
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
