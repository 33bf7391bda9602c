//! Replaces `remote` if no remote storage is built in.

use std::sync::Arc;

use limiter_core::Storage;

use super::defaults::StorageDefaults;
use crate::error::BuildError;

/// No options.
#[derive(Default)]
pub(crate) struct RemoteOptions(());

/// Nothing to report.
#[derive(Default)]
pub(crate) struct HealthProbe(());

#[cfg(feature = "cli")]
impl HealthProbe {
    #[allow(clippy::unused_async)]
    pub(crate) async fn probe(&self) -> Result<(), limiter_core::StorageError> {
        Ok(())
    }
}

impl RemoteOptions {
    pub(super) fn has_ready_storage(&self) -> bool {
        false
    }

    #[allow(clippy::unused_async, clippy::needless_pass_by_value)]
    pub(super) async fn open(
        self,
        _uri: String,
        _defaults: &StorageDefaults<'_>,
    ) -> Result<(Arc<dyn Storage>, HealthProbe), BuildError> {
        Err(BuildError::new(
            "storage_uri: Redis support is not built in: enable the feature `redis` of \
             `limiter-actix`",
        ))
    }
}
