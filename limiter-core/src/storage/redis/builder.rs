//! The options of the Redis storage.

use std::{fmt, sync::Arc, time::Duration};

use deadpool_redis::redis::{Client, ConnectionAddr};

use super::{
    connections::{Connections, OnConnected},
    eviction::EvictionCheck,
    servers::Servers,
    source::Source,
    storage::RedisStorage,
    uri::{Target, check_tls},
};
use crate::{clock::Clock, error::StorageError};

/// The options of a [`RedisStorage`]. Every option states its default.
#[must_use = "a builder does nothing until it is built"]
pub struct RedisStorageBuilder {
    origin: Origin,
    prefix: String,
    connect_timeout: Duration,
    clock: Option<Arc<dyn Clock>>,
}

enum Origin {
    Uri(String),
    Ready(Source),
}

impl RedisStorage {
    /// The servers at a URI, with the defaults of the [builder](Self::builder).
    ///
    /// # Errors
    /// The URI is malformed, or needs TLS that is not built in.
    pub fn new(uri: impl Into<String>) -> Result<Self, StorageError> {
        Self::builder(uri).build()
    }

    /// Options for the servers at a URI: `redis://`, `rediss://`, `redis+unix://`,
    /// `redis+cluster://`, `rediss+cluster://`, `redis+sentinel://`, and the same with `valkey`.
    pub fn builder(uri: impl Into<String>) -> RedisStorageBuilder {
        RedisStorageBuilder::new(Origin::Uri(uri.into()))
    }

    /// Options for a client of your own, with certificates of a private authority, say.
    pub fn from_client(client: Client) -> RedisStorageBuilder {
        RedisStorageBuilder::new(Origin::Ready(Source::Client(Box::new(client))))
    }

    /// Options for a pool of your own. A few connections are taken out of it and kept: one for each
    /// runtime that uses the storage.
    pub fn from_pool(pool: deadpool_redis::Pool) -> RedisStorageBuilder {
        RedisStorageBuilder::new(Origin::Ready(Source::Pool(pool)))
    }
}

impl RedisStorageBuilder {
    fn new(origin: Origin) -> Self {
        let prefix = "limiter:".to_owned();
        Self { origin, prefix, connect_timeout: Duration::from_secs(2), clock: None }
    }

    /// What the names of all keys start with, without `{`. Default: `limiter:`.
    pub fn key_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// How long connecting may take. Default: 2 seconds.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Moments come from this clock instead of the server's: for tests that cannot wait. Keys then
    /// live for a day. Default: none.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// The storage. Nothing is connected yet: the first request does it, or
    /// [`RedisStorage::ping`].
    ///
    /// # Errors
    /// The URI is malformed, or needs TLS that is not built in or has no crypto provider, or the
    /// prefix has a brace. The error never quotes a password.
    pub fn build(self) -> Result<RedisStorage, StorageError> {
        if self.prefix.contains('{') {
            return Err(StorageError::new(format!(
                "expected a `key_prefix` without `{{`, found `{}`: on a cluster it would decide \
                 where counters live",
                self.prefix
            )));
        }
        if let Origin::Ready(Source::Client(client)) = &self.origin
            && let ConnectionAddr::TcpTls { .. } = client.get_connection_info().addr()
        {
            check_tls()?;
        }
        let (source, name) = match self.origin {
            Origin::Ready(source) => (source, "redis".to_owned()),
            Origin::Uri(uri) => {
                let source = Source::open(Target::parse(&uri)?, self.connect_timeout)?;
                (source, format!("redis at {}", without_login(&uri)))
            }
        };
        let on_connected = warn_of_eviction(name.clone(), source.is_cluster());
        let connections = Connections::new(source, self.connect_timeout, on_connected);
        let servers = Servers::new(name, self.prefix, connections, self.clock);
        Ok(RedisStorage::over(servers))
    }
}

impl fmt::Debug for RedisStorageBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStorageBuilder")
            .field("prefix", &self.prefix)
            .field("connect_timeout", &self.connect_timeout)
            .finish_non_exhaustive()
    }
}

/// A hook that checks once, beside the first request, whether the servers remove counters in use.
fn warn_of_eviction(name: String, is_cluster: bool) -> OnConnected {
    let check = Arc::new(EvictionCheck::new(name));
    Box::new(move |connection| {
        let check = Arc::clone(&check);
        // In a separate task: no request waits for it.
        tokio::spawn(async move { check.run(connection, is_cluster).await });
    })
}

/// The hosts of a URI, which may be shown.
fn without_login(uri: &str) -> &str {
    let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    let authority = rest.split('?').next().unwrap_or_default();
    authority.rsplit_once('@').map_or(authority, |(_, hosts)| hosts)
}

#[cfg(all(test, feature = "redis-rustls"))]
mod tests {
    use super::*;

    /// Nothing in the tests of this crate installs a provider.
    #[test]
    fn without_a_crypto_provider_the_error_says_how_to_install_one() {
        let client = Client::open("rediss://user:s3cret@host").unwrap();
        for error in [
            RedisStorage::new("rediss://user:s3cret@host").unwrap_err(),
            RedisStorage::new("valkeys+cluster://host:1").unwrap_err(),
            RedisStorage::from_client(client).build().unwrap_err(),
        ] {
            let error = error.to_string();
            assert!(error.contains("install_default()") && !error.contains("s3cret"), "{error}");
        }
    }
}
