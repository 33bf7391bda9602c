//! The options of a limiter, and what is checked before the first request.

use std::{fmt, sync::Arc};

use actix_web::HttpRequest;
use limiter_core::{Clock, clock::MonotonicClock};

use super::{
    check::{check_meta, check_paths, check_prefixes, check_record, checked},
    given::{GivenIdentity, GivenLimitSettings},
};
use crate::{
    answer::Headers,
    declare::handlers,
    error::BuildError,
    identify::{Access, Identity, LimiterKey, TrustedProxiesError},
    limiter::{AnswerSettings, LimitSettings, Limiter, Namespace, Settings},
    storage::{RemoteOptions, StorageChoice, StorageDefaults},
};

/// Collects the options of a [`Limiter`]. Every option states its default.
#[must_use = "a builder does nothing until it is built"]
pub struct LimiterBuilder {
    enabled: bool,
    pub(super) identity: GivenIdentity,
    pub(super) access: Access,
    /// The first list of networks that cannot be parsed.
    pub(super) bad_networks: Option<(&'static str, TrustedProxiesError)>,
    pub(super) limits: GivenLimitSettings,
    pub(super) answers: AnswerSettings,
    pub(super) key_prefix: String,
    pub(super) storage: StorageChoice,
    pub(super) remote: RemoteOptions,
    pub(super) clock: Option<Arc<dyn Clock>>,
}

impl LimiterBuilder {
    fn new() -> Self {
        Self {
            enabled: true,
            identity: GivenIdentity::default(),
            access: Access::default(),
            bad_networks: None,
            limits: GivenLimitSettings::default(),
            answers: AnswerSettings {
                headers: Headers::off(),
                on_breach: None,
                on_meta_breach: None,
                fail_on_first_breach: true,
            },
            key_prefix: String::new(),
            storage: StorageChoice::Uri("memory://".to_owned()),
            remote: RemoteOptions::default(),
            clock: None,
        }
    }

    /// Whether anything is limited. A disabled limiter checks no option and limits nothing.
    /// Default: yes.
    pub fn enabled(mut self, enabled: bool) -> Self {
        self.enabled = enabled;
        self
    }

    /// Checks all options and builds the limiter. Build it once, *outside* `HttpServer::new`: its
    /// factory runs once per worker, and every limiter counts by itself.
    ///
    /// # Errors
    /// An option is invalid, or the limit of a decorated handler cannot be enforced by its strategy
    /// or storage. The error names the option, what was found and the remedy.
    pub async fn build(self) -> Result<Limiter, BuildError> {
        let (enabled, strategy) = (self.enabled, self.limits.strategy);
        let defaults =
            StorageDefaults { key_prefix: &self.key_prefix, strategy, clock: self.clock.as_ref() };
        let store = self.storage.open(&defaults, self.remote, enabled).await?;
        let storage = Arc::clone(&store.storage);
        let records = handlers();
        let class = |option, given| checked(option, given, strategy, &*storage, enabled);
        let settings = Settings {
            identity: self.identity.complete(),
            access: self.access,
            limits: LimitSettings {
                strategy,
                defaults: class("default_limits", self.limits.defaults)?,
                application: class("application_limits", self.limits.application)?,
                metas: self.limits.metas,
                exempt_paths: self.limits.exempt_paths,
                count_unmatched: self.limits.count_unmatched,
                invalid_dynamic: self.limits.invalid_dynamic,
            },
            answers: self.answers,
            namespace: Namespace::new(self.key_prefix, &records),
            storage: store,
            clock: self.clock.unwrap_or_else(|| Arc::new(MonotonicClock)),
        };
        if enabled {
            if let Some((option, error)) = self.bad_networks {
                return Err(BuildError::new(format!("{option}: {error}")));
            }
            check_paths(&settings)?;
            check_prefixes(&settings.identity.addresses)?;
            settings.answers.headers.check()?;
            for meta in &settings.limits.metas {
                check_meta(meta, strategy, &*storage)
                    .map_err(|problem| BuildError::new(format!("meta_limits: {problem}")))?;
            }
            for record in &records {
                check_record(record, &settings, &*storage)?;
            }
        }
        Ok(Limiter::new(settings, &records, enabled))
    }
}

impl GivenIdentity {
    /// The key if none was configured: the peer or, behind proxies, the client that they report.
    fn complete(self) -> Identity {
        // Our own key functions read nothing that an inner middleware could write.
        let key_is_custom = self.key.is_some() && !self.key_name.starts_with("limiter_actix::");
        let addresses = Arc::new(self.addresses);
        let (key, key_name) = match self.key {
            Some(key) => (key, self.key_name),
            None if addresses.proxies.trusts_none() => (LimiterKey::Peer, "limiter_actix::peer_ip"),
            None => {
                let addresses = Arc::clone(&addresses);
                let client = move |request: &HttpRequest| addresses.client(request);
                (LimiterKey::Custom(Arc::new(client)), "limiter_actix::client_ip")
            }
        };
        Identity { addresses, key, key_is_custom, key_name, missing: self.missing }
    }
}

impl fmt::Debug for LimiterBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LimiterBuilder")
            .field("strategy", &self.limits.strategy)
            .field("enabled", &self.enabled)
            .finish_non_exhaustive()
    }
}

impl Limiter {
    /// A builder with the defaults.
    pub fn builder() -> LimiterBuilder {
        LimiterBuilder::new()
    }
}
