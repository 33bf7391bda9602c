//! Where connections come from: what a URI names, or a client or pool of the app's own.

use std::{fmt, time::Duration};

use deadpool_redis::{
    Manager, PoolConfig, RedisConnectionInfo, Runtime,
    redis::{
        AsyncConnectionConfig, Client, IntoConnectionInfo, RedisError, RedisResult, Value,
        aio::MultiplexedConnection,
        cluster::{ClusterClient, ClusterClientBuilder},
        cmd,
        io::tcp::TcpSettings,
    },
    sentinel::{SentinelNodeConnectionInfo, SentinelServerType, TlsMode},
};

use super::{
    connection::Link,
    refusal::{self, failure},
    uri::{ServerLogin, Target},
};
use crate::error::StorageError;

/// Where connections come from.
pub(super) enum Source {
    Pool(deadpool_redis::Pool),
    Client(Box<Client>),
    Cluster(Box<ClusterClient>),
    Sentinel(deadpool_redis::sentinel::Pool),
}

impl Source {
    pub(super) fn open(target: Target, connect_timeout: Duration) -> Result<Self, StorageError> {
        match target {
            Target::Single { url } => {
                let info = url.into_connection_info().map_err(|error| configuration(&error))?;
                let config = within(connect_timeout);
                let manager = Manager::new_with_config(info.set_tcp_settings(at_once()), config)
                    .map_err(|error| configuration(&error))?;
                let pool = deadpool_redis::Pool::builder(manager).runtime(Runtime::Tokio1).build();
                pool.map(Self::Pool).map_err(|error| configuration(&error))
            }
            Target::Cluster { urls } => ClusterClientBuilder::new(urls)
                .connection_timeout(connect_timeout)
                .tcp_settings(at_once())
                .build()
                .map(|client| Self::Cluster(Box::new(client)))
                .map_err(|error| configuration(&error)),
            Target::Sentinel { urls, service, server } => sentinel(urls, service, server),
        }
    }

    /// Whether keys of different slots live on different servers.
    pub(super) fn is_cluster(&self) -> bool {
        matches!(self, Self::Cluster(_))
    }

    pub(super) async fn connect(&self, connect_timeout: Duration) -> Result<Link, StorageError> {
        let unreachable = |error: RedisError| failure(&not_connected(&error.to_string()), error);
        match self {
            Self::Pool(pool) => {
                let object = pool.get().await.map_err(|error| pool_failure(&error))?;
                let_in(deadpool_redis::Connection::take(object)).await.map_err(unreachable)
            }
            Self::Sentinel(pool) => {
                let object = pool.get().await.map_err(|error| pool_failure(&error))?;
                Ok(Link::Single(deadpool_redis::sentinel::Connection::take(object)))
            }
            Self::Client(client) => {
                let config = within(connect_timeout);
                let connection = client.get_multiplexed_async_connection_with_config(&config).await;
                let_in(connection.map_err(unreachable)?).await.map_err(unreachable)
            }
            Self::Cluster(client) => {
                let connection = client.get_async_connection().await;
                connection.map(Link::Cluster).map_err(unreachable)
            }
        }
    }
}

/// A server with a password accepts a connection without one, and closes it at the first script,
/// often before the reason is read. A `PING` gets the reason. (Clusters and sentinels give it when
/// the client looks up their servers.)
async fn let_in(mut connection: MultiplexedConnection) -> RedisResult<Link> {
    match cmd("PING").query_async::<Value>(&mut connection).await {
        Err(error) if error.code() == Some("NOAUTH") => Err(error),
        // With any other answer the login is accepted.
        _ => Ok(Link::Single(connection)),
    }
}

/// The default of the client is one second.
fn within(connect_timeout: Duration) -> AsyncConnectionConfig {
    AsyncConnectionConfig::new().set_connection_timeout(Some(connect_timeout))
}

/// Without Nagle's algorithm: requests share a connection, and a command must not wait until the
/// one before it is acknowledged.
fn at_once() -> TcpSettings {
    TcpSettings::default().set_nodelay(true)
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
    // Connections are taken out of the pool, so that one made after a promotion is always new; the
    // size bounds attempts only.
    let config = deadpool_redis::sentinel::Config { pool: Some(PoolConfig::new(64)), ..config };
    let pool = config.create_pool(Some(Runtime::Tokio1));
    pool.map(Source::Sentinel).map_err(|error| configuration(&error))
}

fn pool_failure(error: &deadpool_redis::PoolError) -> StorageError {
    let error = error.to_string();
    StorageError::new(format!("{}: {error}", not_connected(&error)))
}

fn not_connected(error: &str) -> String {
    refusal::remedy(error).unwrap_or_else(|| "the server cannot be reached".to_owned())
}

/// The error of the client may quote the URI with its password, so it is not repeated.
fn configuration(error: &dyn fmt::Display) -> StorageError {
    let _ = error;
    StorageError::new(
        "expected a URI that the Redis client understands: check host, port, user, password (special \
         characters percent-encoded) and database",
    )
}
