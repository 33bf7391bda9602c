//! Where counters are kept: the storage of a limiter, from its URI or ready made.
//!
//! What needs a remote storage lies in `remote`, and `absent` has its place where no such storage is
//! built in.

#[cfg(not(feature = "redis"))]
mod absent;
#[cfg(feature = "redis")]
mod remote;

use std::sync::Arc;

use limiter_core::{Clock, MemoryStorage, Storage};

#[cfg(not(feature = "redis"))]
pub(crate) use self::absent::{RemoteOptions, Watch};
#[cfg(feature = "redis")]
pub(crate) use self::remote::{RemoteOptions, Watch};
use crate::{config::BuildError, limiter::Inner};

/// What was said about the storage.
pub(crate) enum StorageChoice {
    Uri(String),
    /// Ready made, and used as it is.
    Ready(Arc<dyn Storage>),
}

/// A storage, and what tells how it is.
#[cfg_attr(not(feature = "redis"), allow(dead_code, reason = "memory is never ill"))]
pub(crate) struct Store {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) watch: Watch,
}

/// What a limiter says of itself that a storage has to know.
#[cfg_attr(not(feature = "redis"), allow(dead_code, reason = "memory asks for the clock only"))]
pub(crate) struct Owner<'a> {
    pub(crate) key_prefix: &'a str,
    pub(crate) strategy: limiter_core::Strategy,
    pub(crate) clock: Option<&'a Arc<dyn Clock>>,
}

impl StorageChoice {
    /// Opens the storage. A disabled limiter does not even look at the URI.
    pub(crate) async fn open(
        self,
        owner: &Owner<'_>,
        options: RemoteOptions,
        enabled: bool,
    ) -> Result<Store, BuildError> {
        let uri = match self {
            Self::Ready(storage) => return Ok(Store::plain(storage)),
            Self::Uri(_) if !enabled => return Ok(Store::plain(memory(owner.clock))),
            Self::Uri(uri) if options.are_of_a_ready_storage() => {
                return options.open(uri, owner).await;
            }
            Self::Uri(uri) => uri,
        };
        let scheme = uri.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
        match scheme.as_deref() {
            Some("memory") => Ok(Store::plain(memory(owner.clock))),
            Some(scheme) if is_redis(scheme) => options.open(uri, owner).await,
            // The rest of the URI may hold a password.
            scheme => Err(BuildError::new(format!(
                "storage_uri: expected `memory://` or `redis://` and its relatives, found the \
                 scheme `{}`; or pass a storage of your own to `storage`",
                scheme.unwrap_or_default()
            ))),
        }
    }
}

impl Store {
    fn plain(storage: Arc<dyn Storage>) -> Self {
        Self { storage, watch: Watch::default() }
    }
}

fn is_redis(scheme: &str) -> bool {
    let family = scheme.split('+').next().unwrap_or_default();
    matches!(family, "redis" | "rediss" | "valkey" | "valkeys")
}

fn memory(clock: Option<&Arc<dyn Clock>>) -> Arc<dyn Storage> {
    let builder = MemoryStorage::builder();
    Arc::new(match clock {
        Some(clock) => builder.shared_clock(Arc::clone(clock)).build(),
        None => builder.build(),
    })
}

impl Inner {
    /// Asks a remote storage itself, whatever stands in for it while it does not answer.
    ///
    /// # Errors
    /// What it said, with what to look at.
    #[cfg(feature = "cli")]
    pub(crate) async fn ask_storage(&self) -> Result<(), limiter_core::StorageError> {
        self.store.watch.ask().await
    }

    /// What tells how the storage is.
    #[cfg(feature = "redis")]
    pub(crate) fn watch(&self) -> &Watch {
        &self.store.watch
    }
}
