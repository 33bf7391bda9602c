//! Connections: one per runtime, shared by all its requests, made at the first one.

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use deadpool_redis::{
    PoolConfig, RedisConnectionInfo, Runtime,
    redis::{
        Client, Cmd, FromRedisValue, IntoConnectionInfo, Pipeline, RedisError, RedisFuture,
        RedisResult, Value,
        aio::{ConnectionLike, MultiplexedConnection},
        cluster::{ClusterClient, ClusterClientBuilder},
        cluster_async::ClusterConnection,
    },
    sentinel::{SentinelNodeConnectionInfo, SentinelServerType, TlsMode},
};
use parking_lot::Mutex;
use tokio::{runtime, time::Instant};

use super::uri::{ServerLogin, Target};
use crate::error::StorageError;

/// Where connections come from.
pub(super) enum Source {
    Pool(deadpool_redis::Pool),
    Client(Box<Client>),
    Cluster(Box<ClusterClient>),
    Sentinel(deadpool_redis::sentinel::Pool),
}

/// The connections of a storage.
pub(super) struct Connections {
    source: Source,
    connect_timeout: Duration,
    /// A connection is driven by the runtime that made it, and ends with it.
    of_runtimes: Mutex<HashMap<runtime::Id, Arc<Place>>>,
}

/// The place of one runtime's connection.
#[derive(Default)]
struct Place {
    connection: Mutex<Option<Connection>>,
    /// Held while connecting, so that a thousand requests make one attempt.
    connecting: tokio::sync::Mutex<LastFailure>,
}

/// The last attempt, if it failed: whoever waited for it fails with it.
type LastFailure = Option<(Instant, StorageError)>;

/// For how long a failed attempt answers for those that waited meanwhile.
const FAILURE_HOLDS: Duration = Duration::from_millis(50);

/// A connection that many requests use at the same time.
#[derive(Clone)]
pub(super) enum Connection {
    Single(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Source {
    pub(super) fn open(target: Target, connect_timeout: Duration) -> Result<Self, StorageError> {
        match target {
            Target::Single { url } => {
                let info = url.into_connection_info().map_err(|error| configuration(&error))?;
                let config = deadpool_redis::Config::from_connection_info(info);
                let pool = config.create_pool(Some(Runtime::Tokio1));
                pool.map(Self::Pool).map_err(|error| configuration(&error))
            }
            Target::Cluster { urls } => ClusterClientBuilder::new(urls)
                .connection_timeout(connect_timeout)
                .build()
                .map(|client| Self::Cluster(Box::new(client)))
                .map_err(|error| configuration(&error)),
            Target::Sentinel { urls, service, server } => sentinel(urls, service, server),
        }
    }

    fn is_cluster(&self) -> bool {
        matches!(self, Self::Cluster(_))
    }

    async fn connect(&self) -> Result<Connection, StorageError> {
        let unreachable = |error: RedisError| failure("the server cannot be reached", error);
        match self {
            Self::Pool(pool) => {
                let object = pool.get().await.map_err(|error| pool_failure(&error))?;
                Ok(Connection::Single(deadpool_redis::Connection::take(object)))
            }
            Self::Sentinel(pool) => {
                let object = pool.get().await.map_err(|error| pool_failure(&error))?;
                Ok(Connection::Single(deadpool_redis::sentinel::Connection::take(object)))
            }
            Self::Client(client) => {
                let connection = client.get_multiplexed_async_connection().await;
                connection.map(Connection::Single).map_err(unreachable)
            }
            Self::Cluster(client) => {
                let connection = client.get_async_connection().await;
                connection.map(Connection::Cluster).map_err(unreachable)
            }
        }
    }
}

fn sentinel(
    urls: Vec<String>,
    service: String,
    server: ServerLogin,
) -> Result<Source, StorageError> {
    let has_tls = urls.iter().any(|url| url.starts_with("rediss:"));
    let node = SentinelNodeConnectionInfo {
        tls_mode: has_tls.then_some(TlsMode::Secure),
        redis_connection_info: Some(RedisConnectionInfo {
            db: server.database,
            username: server.user,
            password: server.password,
            ..RedisConnectionInfo::default()
        }),
    };
    let config =
        deadpool_redis::sentinel::Config::from_urls(urls, service, SentinelServerType::Master)
            .with_node_connection_info(Some(node));
    // Whoever connects anew must not be given what was connected before a promotion.
    let config = deadpool_redis::sentinel::Config { pool: Some(PoolConfig::new(64)), ..config };
    let pool = config.create_pool(Some(Runtime::Tokio1));
    pool.map(Source::Sentinel).map_err(|error| configuration(&error))
}

impl Connections {
    pub(super) fn new(source: Source, connect_timeout: Duration) -> Self {
        Self { source, connect_timeout, of_runtimes: Mutex::default() }
    }

    /// Whether keys of different slots live on different servers.
    pub(super) fn is_cluster(&self) -> bool {
        self.source.is_cluster()
    }

    /// The connection of this runtime.
    pub(super) async fn get(&self) -> Result<Connection, StorageError> {
        let place = self.place()?;
        if let Some(connection) = &*place.connection.lock() {
            return Ok(connection.clone());
        }
        self.connect(&place).await
    }

    /// Forgets the connection of this runtime: the next request makes a new one, and finds the
    /// server that is the primary then.
    pub(super) fn discard(&self) {
        if let Ok(place) = self.place() {
            *place.connection.lock() = None;
        }
    }

    fn place(&self) -> Result<Arc<Place>, StorageError> {
        let runtime = runtime::Handle::try_current().map_err(|error| {
            StorageError::new("expected a tokio runtime, found none").with_source(error)
        })?;
        Ok(Arc::clone(self.of_runtimes.lock().entry(runtime.id()).or_default()))
    }

    async fn connect(&self, place: &Place) -> Result<Connection, StorageError> {
        let mut last_failure = place.connecting.lock().await;
        if let Some(connection) = &*place.connection.lock() {
            return Ok(connection.clone());
        }
        if let Some((at, error)) = &*last_failure
            && at.elapsed() < FAILURE_HOLDS
        {
            return Err(error.clone());
        }
        let connected =
            match tokio::time::timeout(self.connect_timeout, self.source.connect()).await {
                Ok(connected) => connected,
                Err(_) => Err(StorageError::new(format!(
                    "the server cannot be reached within {} ms: check host, port and firewall",
                    self.connect_timeout.as_millis()
                ))),
            };
        match connected {
            Ok(connection) => {
                *last_failure = None;
                *place.connection.lock() = Some(connection.clone());
                Ok(connection)
            }
            Err(error) => {
                *last_failure = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections")
            .field("is_cluster", &self.is_cluster())
            .finish_non_exhaustive()
    }
}

impl Connection {
    pub(super) async fn query<T: FromRedisValue>(&mut self, command: &Cmd) -> RedisResult<T> {
        command.query_async(self).await
    }
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::Single(connection) => connection.req_packed_command(cmd),
            Self::Cluster(connection) => connection.req_packed_command(cmd),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        cmd: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::Single(connection) => connection.req_packed_commands(cmd, offset, count),
            Self::Cluster(connection) => connection.req_packed_commands(cmd, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::Single(connection) => connection.get_db(),
            Self::Cluster(connection) => connection.get_db(),
        }
    }
}

/// An error of the server or of the way to it.
pub(super) fn failure(what: &str, error: RedisError) -> StorageError {
    StorageError::new(format!("{what}: {error}")).with_source(error)
}

fn pool_failure(error: &deadpool_redis::PoolError) -> StorageError {
    StorageError::new(format!("the server cannot be reached: {error}"))
}

/// What the client says of a URI may quote it, so it is not repeated.
fn configuration(error: &dyn fmt::Display) -> StorageError {
    let _ = error;
    StorageError::new(
        "expected a URI that the Redis client understands: check host, port, user, password (special \
         characters percent-encoded) and database",
    )
}
