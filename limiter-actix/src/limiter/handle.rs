//! The limiter: built once, cheap to clone, shared by all workers.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use limiter_core::{Charge, Decision, Key, Limit, Storage, StorageError, Verb};

use super::{credits::Credits, endpoint_table::EndpointTable, insiders::Gates, settings::Settings};
use crate::{
    declare::HandlerRecord,
    storage::{apply, decide_one},
};

/// A rate limiter for an Actix app. Build it once, outside `HttpServer::new`; clones are cheap and
/// count together.
///
/// ```
/// use actix_web::{get, App, HttpServer};
/// use limiter_actix::{limit, Limiter};
///
/// #[get("/search")]
/// #[limit("10/minute")]
/// async fn search() -> &'static str { "found" }
///
/// # #[actix_web::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let limiter = Limiter::builder().default_limits(["200/day", "50/hour"]).build().await?;
/// let server = HttpServer::new(move || App::new().wrap(limiter.middleware()).service(search));
/// # let _ = server;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Limiter {
    inner: Arc<Inner>,
}

struct Inner {
    settings: Settings,
    endpoints: EndpointTable,
    /// The decorated handlers of the program.
    gates: Gates,
    /// The clients that have requests under way without being charged.
    credits: Credits,
    /// Whether anything is limited at the moment.
    enabled: AtomicBool,
    /// Whether the options were checked: otherwise it cannot be switched on.
    was_checked: bool,
}

impl Limiter {
    /// Creates a limiter. The settings have been checked, unless the limiter is disabled.
    pub(crate) fn new(
        settings: Settings,
        records: &[&'static HandlerRecord],
        was_checked: bool,
    ) -> Self {
        let inner = Inner {
            enabled: AtomicBool::new(was_checked),
            was_checked,
            settings,
            endpoints: EndpointTable::default(),
            gates: Gates::new(records),
            credits: Credits::new(),
        };
        Self { inner: Arc::new(inner) }
    }

    #[inline]
    pub(crate) fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    #[inline]
    pub(crate) fn storage(&self) -> &dyn Storage {
        &**self.shared_storage()
    }

    #[inline]
    pub(crate) fn shared_storage(&self) -> &Arc<dyn Storage> {
        &self.inner.settings.storage.storage
    }

    #[inline]
    pub(crate) fn endpoints(&self) -> &EndpointTable {
        &self.inner.endpoints
    }

    pub(crate) fn gates(&self) -> &Gates {
        &self.inner.gates
    }

    #[inline]
    pub(crate) fn credits(&self) -> &Credits {
        &self.inner.credits
    }

    /// Whether both are handles of the same limiter.
    pub(crate) fn is_same_limiter(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    /// Whether anything is limited at the moment.
    #[inline]
    pub fn is_enabled(&self) -> bool {
        self.inner.enabled.load(Ordering::Relaxed)
    }

    /// Switches all limits off, for every worker, from the next request on. Counters are kept.
    pub fn disable(&self) {
        self.inner.enabled.store(false, Ordering::Relaxed);
    }

    /// Switches all limits on again. A limiter that was built with
    /// [`enabled(false)`](crate::LimiterBuilder::enabled) has not checked its options, and stays off.
    pub fn enable(&self) {
        self.inner.enabled.store(self.inner.was_checked, Ordering::Relaxed);
    }

    /// Charges a client outside of a request: for example, for a job on their behalf. Find the
    /// limit with [`limits_of`](Self::limits_of), or create one.
    ///
    /// # Errors
    /// The storage did not answer.
    pub async fn hit(&self, limit: &Limit, key: &Key, cost: u64) -> Result<Decision, StorageError> {
        decide_one(self.storage(), Verb::Hit, limit, key, cost).await
    }

    /// Whether a client could be charged. Charges nothing.
    ///
    /// # Errors
    /// The storage did not answer.
    pub async fn test(
        &self,
        limit: &Limit,
        key: &Key,
        cost: u64,
    ) -> Result<Decision, StorageError> {
        decide_one(self.storage(), Verb::Test, limit, key, cost).await
    }

    /// What a client has left, and when part of the used quota comes back. Charges nothing.
    ///
    /// # Errors
    /// The storage did not answer.
    pub async fn peek(&self, limit: &Limit, key: &Key) -> Result<Decision, StorageError> {
        self.test(limit, key, 0).await
    }

    /// Resets what a client has used of one limit.
    ///
    /// # Errors
    /// The storage did not answer.
    pub async fn reset(&self, limit: &Limit, key: &Key) -> Result<(), StorageError> {
        let mut charges = [Charge::new(limit, key)];
        apply(self.storage(), Verb::Reset, &mut charges).await.map(|_| ())
    }

    /// Resets what all clients have used of all limits in the storage, including those of other
    /// limiters on it.
    ///
    /// # Errors
    /// The storage did not answer.
    pub async fn reset_all(&self) -> Result<(), StorageError> {
        self.storage().clear().await
    }
}

impl fmt::Debug for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limiter")
            .field("storage", &self.storage().name())
            .field("enabled", &self.is_enabled())
            .finish_non_exhaustive()
    }
}

impl Limiter {
    /// The health of a remote storage: whether it is used at the moment, and what was counted since
    /// the start. `None` if counters are kept in this process.
    #[cfg(feature = "redis")]
    pub fn storage_health(&self) -> Option<limiter_core::storage::guarded::Health> {
        self.inner.settings.storage.probe.health()
    }

    /// Probes a remote storage directly, whatever decides while it does not answer.
    ///
    /// # Errors
    /// The error of the storage, with what to check.
    #[cfg(feature = "cli")]
    pub(crate) async fn probe_storage(&self) -> Result<(), StorageError> {
        self.inner.settings.storage.probe.probe().await
    }
}
