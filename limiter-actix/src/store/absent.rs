//! What there is to say about remote storages where none is built in.

use super::{Owner, Store};
use crate::config::BuildError;

/// No options.
#[derive(Default)]
pub(crate) struct RemoteOptions(());

/// Nothing to tell.
#[derive(Default)]
pub(crate) struct Watch(());

#[cfg(feature = "cli")]
impl Watch {
    #[allow(clippy::unused_async)]
    pub(super) async fn ask(&self) -> Result<(), limiter_core::StorageError> {
        Ok(())
    }
}

impl RemoteOptions {
    pub(super) fn are_of_a_ready_storage(&self) -> bool {
        false
    }

    #[allow(clippy::unused_async, clippy::needless_pass_by_value)]
    pub(super) async fn open(self, _uri: String, _owner: &Owner<'_>) -> Result<Store, BuildError> {
        Err(BuildError::new(
            "storage_uri: this build has no Redis: enable the feature `redis` of `limiter-actix`",
        ))
    }
}

#[cfg(test)]
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
