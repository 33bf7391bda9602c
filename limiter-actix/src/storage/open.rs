//! Opens the storage of a limiter, or takes one that is built already.

use std::sync::Arc;

use limiter_core::{Clock, MemoryStorage, Storage};

use self::remote::{HealthProbe, RemoteOptions};
#[cfg(not(feature = "redis"))]
use super::absent as remote;
use super::defaults::StorageDefaults;
#[cfg(feature = "redis")]
use super::remote;
use crate::error::BuildError;

/// The storage that was chosen.
pub(crate) enum StorageChoice {
    Uri(String),
    /// Built by the user, and used as it is.
    Ready(Arc<dyn Storage>),
}

/// A storage, and the probe of its health.
#[cfg_attr(not(feature = "redis"), allow(dead_code, reason = "memory has no health to report"))]
pub(crate) struct Store {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) probe: HealthProbe,
}

impl StorageChoice {
    /// Opens the storage. A disabled limiter does not read the URI at all.
    pub(crate) async fn open(
        self,
        defaults: &StorageDefaults<'_>,
        options: RemoteOptions,
        enabled: bool,
    ) -> Result<Store, BuildError> {
        let uri = match self {
            Self::Ready(storage) => return Ok(Store::plain(storage)),
            Self::Uri(_) if !enabled => return Ok(Store::plain(memory(defaults.clock))),
            Self::Uri(uri) if options.has_ready_storage() => {
                return options.open(uri, defaults).await.map(Store::guarded);
            }
            Self::Uri(uri) => uri,
        };
        let scheme = uri.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
        match scheme.as_deref() {
            Some("memory") => Ok(Store::plain(memory(defaults.clock))),
            Some(scheme) if is_redis(scheme) => {
                options.open(uri, defaults).await.map(Store::guarded)
            }
            // The rest of the URI may hold a password.
            scheme => Err(BuildError::new(format!(
                "storage_uri: expected `memory://`, `redis://` or a variant of it, found the scheme \
                 `{}`; to use a storage of your own, pass it to `storage`",
                scheme.unwrap_or_default()
            ))),
        }
    }
}

impl Store {
    fn guarded((storage, probe): (Arc<dyn Storage>, HealthProbe)) -> Self {
        Self { storage, probe }
    }

    fn plain(storage: Arc<dyn Storage>) -> Self {
        Self { storage, probe: HealthProbe::default() }
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
