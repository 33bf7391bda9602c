//! Connections: one per runtime, shared by all its requests, made at the first one.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use deadpool_redis::{
    Manager, PoolConfig, RedisConnectionInfo, Runtime,
    redis::{
        AsyncConnectionConfig, Client, Cmd, FromRedisValue, IntoConnectionInfo, Pipeline,
        RedisError, RedisFuture, RedisResult, Value,
        aio::{ConnectionLike, MultiplexedConnection},
        cluster::{ClusterClient, ClusterClientBuilder},
        cluster_async::ClusterConnection,
        cluster_routing::{RoutingInfo, SingleNodeRoutingInfo},
        cmd,
        io::tcp::TcpSettings,
    },
    sentinel::{SentinelNodeConnectionInfo, SentinelServerType, TlsMode},
};
use parking_lot::Mutex;
use tokio::{runtime, time::Instant};

use super::{
    eviction::EvictionCheck,
    gather::Gathering,
    refusal,
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

/// The connections of a storage.
pub(super) struct Connections {
    maker: Arc<Maker>,
    /// A connection is driven by the runtime that made it, and ends with it.
    of_runtimes: Mutex<HashMap<runtime::Id, Arc<Place>>>,
}

/// Makes them, one after the other.
struct Maker {
    source: Source,
    connect_timeout: Duration,
    made: AtomicU64,
    eviction: EvictionCheck,
}

/// The place of one runtime's connection.
#[derive(Default)]
struct Place {
    connection: Mutex<Option<Connection>>,
    /// Held while connecting, so that a thousand requests make one attempt.
    connecting: Arc<tokio::sync::Mutex<LastFailure>>,
    gathering: Arc<Gathering>,
}

/// The last attempt, if it failed: whoever waited for it fails with it.
type LastFailure = Option<(Instant, StorageError)>;

/// For how long a failed attempt answers for those that waited meanwhile.
const FAILURE_HOLDS: Duration = Duration::from_millis(50);

/// A connection that many requests use at the same time.
#[derive(Clone)]
pub(super) struct Connection {
    link: Link,
    /// Tells it from the one that is made in its place.
    number: u64,
}

#[derive(Clone)]
enum Link {
    Single(MultiplexedConnection),
    Cluster(ClusterConnection),
}

/// Host and port of one server of a cluster.
pub(super) type Node = (String, u16);

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

    fn is_cluster(&self) -> bool {
        matches!(self, Self::Cluster(_))
    }

    async fn connect(&self, connect_timeout: Duration) -> Result<Link, StorageError> {
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

/// A server that wants a password takes the connection of whoever has none, and closes it at the
/// first script, often before anybody reads why. (Clusters and sentinels are asked for their servers
/// first, and say it then.)
async fn let_in(mut connection: MultiplexedConnection) -> RedisResult<Link> {
    match cmd("PING").query_async::<Value>(&mut connection).await {
        Err(error) if error.code() == Some("NOAUTH") => Err(error),
        // Any other answer is that of a server which knows us.
        _ => Ok(Link::Single(connection)),
    }
}

/// By itself the client gives up after a second.
fn within(connect_timeout: Duration) -> AsyncConnectionConfig {
    AsyncConnectionConfig::new().set_connection_timeout(Some(connect_timeout))
}

/// A command must not wait until the one before it was acknowledged: requests share a connection.
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

impl Connections {
    /// With the name of the storage.
    pub(super) fn new(source: Source, connect_timeout: Duration, name: String) -> Self {
        let eviction = EvictionCheck::new(name);
        let maker = Arc::new(Maker { source, connect_timeout, made: AtomicU64::new(0), eviction });
        Self { maker, of_runtimes: Mutex::default() }
    }

    /// Whether keys of different slots live on different servers.
    pub(super) fn is_cluster(&self) -> bool {
        self.maker.source.is_cluster()
    }

    /// The connection of this runtime.
    pub(super) async fn get(&self) -> Result<Connection, StorageError> {
        let place = self.place()?;
        if let Some(connection) = &*place.connection.lock() {
            return Ok(connection.clone());
        }
        self.connect(place).await
    }

    /// What the requests of this runtime ask together.
    pub(super) fn gathering(&self) -> Result<Arc<Gathering>, StorageError> {
        Ok(Arc::clone(&self.place()?.gathering))
    }

    /// Forgets a connection of this runtime: the next request makes a new one, and finds the server
    /// that is the primary then. One that was made since stays.
    pub(super) fn discard(&self, broken: &Connection) {
        if let Ok(place) = self.place() {
            place.connection.lock().take_if(|connection| connection.number == broken.number);
        }
    }

    fn place(&self) -> Result<Arc<Place>, StorageError> {
        let runtime = runtime::Handle::try_current().map_err(|error| {
            StorageError::new("expected a tokio runtime, found none").with_source(error)
        })?;
        Ok(Arc::clone(self.of_runtimes.lock().entry(runtime.id()).or_default()))
    }

    async fn connect(&self, place: Arc<Place>) -> Result<Connection, StorageError> {
        let mut last_failure = Arc::clone(&place.connecting).lock_owned().await;
        if let Some(connection) = &*place.connection.lock() {
            return Ok(connection.clone());
        }
        if let Some((at, error)) = &*last_failure
            && at.elapsed() < FAILURE_HOLDS
        {
            return Err(error.clone());
        }
        let maker = Arc::clone(&self.maker);
        // In a task, because connecting may take longer than a decision: it goes on when the
        // request that began it is dropped, and the next one finds its connection.
        let attempt = tokio::spawn(async move {
            let made = maker.make().await;
            *last_failure = match &made {
                Ok(connection) => {
                    *place.connection.lock() = Some(connection.clone());
                    None
                }
                Err(error) => Some((Instant::now(), error.clone())),
            };
            if let Ok(connection) = &made {
                let is_cluster = maker.source.is_cluster();
                let connection = connection.clone();
                // In a task of its own: no request waits for it.
                tokio::spawn(async move { maker.eviction.run(connection, is_cluster).await });
            }
            made
        });
        attempt.await.unwrap_or_else(|error| {
            Err(StorageError::new("connecting was given up").with_source(error))
        })
    }
}

impl Maker {
    async fn make(&self) -> Result<Connection, StorageError> {
        let connect = self.source.connect(self.connect_timeout);
        let Ok(connected) = tokio::time::timeout(self.connect_timeout, connect).await else {
            return Err(StorageError::new(format!(
                "the server cannot be reached within {} ms: check host, port and firewall",
                self.connect_timeout.as_millis()
            )));
        };
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        connected.map(|link| Connection { link, number })
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

    /// Asks one node of a cluster.
    pub(super) async fn query_at<T: FromRedisValue>(
        &mut self,
        node: Option<&Node>,
        command: Cmd,
    ) -> RedisResult<T> {
        match (&mut self.link, node) {
            (Link::Cluster(cluster), Some((host, port))) => {
                let (host, port) = (host.clone(), *port);
                let at = SingleNodeRoutingInfo::ByAddress { host, port };
                let value = cluster.route_command(command, RoutingInfo::SingleNode(at)).await?;
                Ok(T::from_redis_value(value)?)
            }
            _ => self.query(&command).await,
        }
    }
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        match &mut self.link {
            Link::Single(connection) => connection.req_packed_command(cmd),
            Link::Cluster(connection) => connection.req_packed_command(cmd),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        cmd: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match &mut self.link {
            Link::Single(connection) => connection.req_packed_commands(cmd, offset, count),
            Link::Cluster(connection) => connection.req_packed_commands(cmd, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match &self.link {
            Link::Single(connection) => connection.get_db(),
            Link::Cluster(connection) => connection.get_db(),
        }
    }
}

/// An error of the server or of the way to it.
pub(super) fn failure(what: &str, error: RedisError) -> StorageError {
    StorageError::new(format!("{what}: {error}")).with_source(error)
}

fn pool_failure(error: &deadpool_redis::PoolError) -> StorageError {
    let error = error.to_string();
    StorageError::new(format!("{}: {error}", not_connected(&error)))
}

fn not_connected(error: &str) -> String {
    refusal::remedy(error).unwrap_or_else(|| "the server cannot be reached".to_owned())
}

/// What the client says of a URI may quote it, so it is not repeated.
fn configuration(error: &dyn fmt::Display) -> StorageError {
    let _ = error;
    StorageError::new(
        "expected a URI that the Redis client understands: check host, port, user, password (special \
         characters percent-encoded) and database",
    )
}
