//! Options of remote storages.

use std::{sync::Arc, time::Duration};

use limiter_core::{OnStoreError, Storage};

use super::builder::LimiterBuilder;

impl LimiterBuilder {
    /// A remote storage of your own, such as a
    /// [`RedisStorage`](limiter_core::storage::redis::RedisStorage) with options. It replaces the
    /// storage of [`storage_uri`](Self::storage_uri) and gets the same deadline, circuit breaker
    /// and failure policy.
    pub fn remote_storage(mut self, storage: impl Storage) -> Self {
        self.remote.ready = Some(Arc::new(storage));
        self
    }

    /// How long a decision of a remote storage may take; after that
    /// [`on_store_error`](Self::on_store_error) decides. Default: 50 ms.
    pub fn decision_deadline(mut self, deadline: Duration) -> Self {
        self.remote.deadline = Some(deadline);
        self
    }

    /// What happens to limits without a policy of their own while a remote storage does not answer:
    /// counters of this process, a denial with 503, or no limit. Default: [`OnStoreError::Local`].
    pub fn on_store_error(mut self, policy: OnStoreError) -> Self {
        self.remote.on_store_error = policy;
        self
    }

    /// Limits that replace all others while counters of this process decide, for each endpoint and
    /// client; divided by [`instances`](Self::instances) as the others are. Default: none, so the
    /// limits stay the same.
    pub fn fallback_limits(mut self, limits: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.remote.fallback_limits.extend(limits.into_iter().map(Into::into));
        self
    }

    /// How many processes share the remote storage: while counters of this process decide, it gets
    /// that share of the limits or of the [`fallback_limits`](Self::fallback_limits), and at least
    /// 1. Default: 1, the whole amount for each process.
    pub fn instances(mut self, instances: u32) -> Self {
        self.remote.instances = instances;
        self
    }

    /// Makes `build` fail if a remote storage does not answer. Default: a warning with possible
    /// causes is logged, and the storage is probed in the background.
    pub fn require_storage(mut self) -> Self {
        self.remote.required = true;
        self
    }

    /// Whether a client that a remote storage has denied is denied without asking the storage
    /// again, until it would be admitted. A reset by another process then takes effect within 10
    /// seconds. Default: yes.
    pub fn denied_cache(mut self, remember: bool) -> Self {
        self.remote.denied_cache = remember;
        self
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use limiter_core::storage::guarded::Circuit;

    use crate::limiter::Limiter;

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
