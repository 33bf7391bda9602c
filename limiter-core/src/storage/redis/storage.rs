//! The storage itself: batches, slots and compensation.

use std::{fmt, sync::Arc, time::Duration};

use deadpool_redis::redis::{
    Client, ConnectionAddr, ErrorKind, RedisError, ServerErrorKind, Value, cmd,
};

use super::{
    connection::{Connection, Connections, Node, Source, failure},
    key_name, refusal,
    script::{Call, Reply},
    uri::{Target, check_tls},
};
use crate::{
    Quota,
    charge::Charge,
    clock::Clock,
    decision::Outcome,
    error::StorageError,
    storage::{BoxFuture, Storage, Verb},
    strategy::Strategy,
};

/// Counters in Redis or Valkey: see the [module](super) docs. Clones share them.
#[derive(Clone, Debug)]
pub struct RedisStorage {
    inner: Arc<Inner>,
}

struct Inner {
    name: String,
    prefix: String,
    connections: Connections,
    /// For tests, in place of the server's.
    clock: Option<Arc<dyn Clock>>,
}

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

/// The longest window, and the longest time in which a bucket refills.
const MAX_WINDOW_MICROS: u64 = 1 << 51;

impl RedisStorage {
    /// The servers at a URI, with the defaults of the [builder](Self::builder).
    ///
    /// # Errors
    /// The URI is malformed, or asks for TLS that is not built in.
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

    /// Options for a pool of your own. A few connections are taken out of it and kept: one for
    /// each runtime that asks.
    pub fn from_pool(pool: deadpool_redis::Pool) -> RedisStorageBuilder {
        RedisStorageBuilder::new(Origin::Ready(Source::Pool(pool)))
    }

    /// Asks the server whether it is there.
    ///
    /// # Errors
    /// It is not, or it does not let us in: the error says what to check.
    pub async fn ping(&self) -> Result<(), StorageError> {
        let mut connection = self.inner.connect().await?;
        let reply: Result<Value, RedisError> = connection.query(&cmd("PING")).await;
        reply.map(|_| ()).map_err(|error| self.inner.failed(&connection, error))
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
    /// The URI is malformed, or asks for TLS that is not built in or has no crypto provider, or the
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
        let connections = Connections::new(source, self.connect_timeout, name.clone());
        let Self { prefix, clock, .. } = self;
        Ok(RedisStorage { inner: Arc::new(Inner { name, prefix, connections, clock }) })
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

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner").field("name", &self.name).field("prefix", &self.prefix).finish()
    }
}

/// The hosts of a URI, which may be shown.
fn without_login(uri: &str) -> &str {
    let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    let authority = rest.split('?').next().unwrap_or_default();
    authority.rsplit_once('@').map_or(authority, |(_, hosts)| hosts)
}

impl Storage for RedisStorage {
    fn name(&self) -> &str {
        &self.inner.name
    }

    fn supports(&self, _strategy: Strategy) -> bool {
        true
    }

    fn check_quota(&self, strategy: Strategy, quota: &Quota) -> Result<(), StorageError> {
        let refill = quota.window_micros() as u128 * u128::from(quota.capacity())
            / u128::from(quota.amount().max(1));
        let longest = match strategy {
            Strategy::TokenBucket => refill.max(u128::from(quota.window_micros())),
            _ => u128::from(quota.window_micros()),
        };
        if longest <= u128::from(MAX_WINDOW_MICROS) {
            return Ok(());
        }
        Err(StorageError::new(format!(
            "expected a window (and a bucket that is full again) within 71 years, found `{quota}`: \
             Redis counts no further"
        )))
    }

    fn apply_now(&self, _verb: Verb, charges: &mut [Charge<'_>]) -> Option<Outcome> {
        // Nothing to ask needs no server.
        charges.is_empty().then_some(Outcome::Admit)
    }

    fn apply<'a>(
        &'a self,
        verb: Verb,
        charges: &'a mut [Charge<'_>],
    ) -> BoxFuture<'a, Result<Outcome, StorageError>> {
        Box::pin(async move {
            match verb {
                _ if charges.is_empty() => Ok(Outcome::Admit),
                Verb::Reset => self.inner.reset(charges).await,
                Verb::Hit | Verb::Test | Verb::Refund => self.inner.decide(verb, charges).await,
            }
        })
    }

    fn clear(&self) -> BoxFuture<'_, Result<(), StorageError>> {
        Box::pin(self.inner.clear())
    }
}

/// The charges of a batch that one script call can decide.
struct Group<'a, 'b> {
    names: Vec<Vec<u8>>,
    places: Vec<usize>,
    charges: Vec<&'a mut Charge<'b>>,
}

impl Inner {
    async fn decide(
        &self,
        verb: Verb,
        charges: &mut [Charge<'_>],
    ) -> Result<Outcome, StorageError> {
        let mut groups = self.groups(verb, charges);
        let outcome = match &mut groups[..] {
            [group] => self.call(verb, group).await?,
            several => self.call_all(verb, several).await?,
        };
        Ok(outcome)
    }

    /// The charges by what one call can decide: all of them on a single server; on a cluster those
    /// of one client. To be refunded are only those that were taken.
    fn groups<'a, 'b>(&self, verb: Verb, charges: &'a mut [Charge<'b>]) -> Vec<Group<'a, 'b>> {
        let mut groups: Vec<(Option<Vec<u8>>, Group<'a, 'b>)> = Vec::new();
        for charge in charges {
            if verb == Verb::Refund && charge.charged_at.is_none() {
                continue;
            }
            let name = key_name::of(&self.prefix, charge);
            let client = self.connections.is_cluster().then(|| charge.key().to_bytes().to_vec());
            let group = match groups.iter_mut().position(|(of, _)| *of == client) {
                Some(place) => &mut groups[place].1,
                None => {
                    let empty =
                        Group { names: Vec::new(), places: Vec::new(), charges: Vec::new() };
                    groups.push((client, empty));
                    // It was pushed a moment ago.
                    let last = groups.len() - 1;
                    &mut groups[last].1
                }
            };
            let place = group.names.iter().position(|other| *other == name);
            group.places.push(place.unwrap_or(group.names.len()));
            if place.is_none() {
                group.names.push(name);
            }
            group.charges.push(charge);
        }
        groups.into_iter().map(|(_, group)| group).collect()
    }

    async fn call(&self, verb: Verb, group: &mut Group<'_, '_>) -> Result<Outcome, StorageError> {
        let mut connection = self.connect().await?;
        let reply = self.run(&mut connection, verb, group).await?;
        self.accept(verb, group, &reply)
    }

    /// Asks several slots side by side; where one denies, the others get back what they took.
    async fn call_all(
        &self,
        verb: Verb,
        groups: &mut [Group<'_, '_>],
    ) -> Result<Outcome, StorageError> {
        let connection = self.connect().await?;
        let calls = groups.iter().map(|group| {
            let mut connection = connection.clone();
            async move { self.run(&mut connection, verb, group).await }
        });
        let replies = futures_util::future::join_all(calls).await;
        let mut outcome = Ok(Outcome::Admit);
        for (group, reply) in groups.iter_mut().zip(replies) {
            match reply.and_then(|reply| self.accept(verb, group, &reply)) {
                Ok(Outcome::Admit) => {}
                Ok(Outcome::Deny) if outcome.is_ok() => outcome = Ok(Outcome::Deny),
                Ok(Outcome::Deny) => {}
                Err(error) => outcome = Err(error),
            }
        }
        if verb == Verb::Hit && !matches!(outcome, Ok(Outcome::Admit)) {
            self.give_back(&connection, groups).await;
        }
        outcome
    }

    async fn give_back(&self, connection: &Connection, groups: &mut [Group<'_, '_>]) {
        for group in groups {
            if group.charges.iter().all(|charge| charge.charged_at.is_none()) {
                continue;
            }
            let mut connection = connection.clone();
            // What cannot be given back denies somebody too early, and admits nobody too many.
            let _ = self.run(&mut connection, Verb::Refund, group).await;
            for charge in &mut group.charges {
                charge.charged_at = None;
            }
        }
    }

    async fn run(
        &self,
        connection: &mut Connection,
        verb: Verb,
        group: &Group<'_, '_>,
    ) -> Result<Reply, StorageError> {
        let Group { names, places, charges } = group;
        let now = self.clock.as_ref().map(|clock| clock.now());
        let call = Call { verb, now, names, places, charges };
        call.run(connection).await.map_err(|error| self.failed(connection, error))
    }

    fn accept(
        &self,
        verb: Verb,
        group: &mut Group<'_, '_>,
        reply: &Reply,
    ) -> Result<Outcome, StorageError> {
        let strange = || StorageError::new("expected the reply of the script, found another one");
        let admitted = reply.admitted().ok_or_else(strange)?;
        if verb == Verb::Refund {
            for charge in &mut group.charges {
                charge.charged_at = None;
            }
        } else if !reply.write(&mut group.charges) {
            return Err(strange());
        }
        Ok(if admitted { Outcome::Admit } else { Outcome::Deny })
    }

    async fn reset(&self, charges: &mut [Charge<'_>]) -> Result<Outcome, StorageError> {
        let mut command = cmd("DEL");
        for charge in charges.iter() {
            command.arg(key_name::of(&self.prefix, charge));
        }
        let mut connection = self.connect().await?;
        let reply: Result<i64, RedisError> = connection.query(&command).await;
        reply.map(|_| Outcome::Admit).map_err(|error| self.failed(&connection, error))
    }

    /// Deletes every key with the prefix, node by node, a page at a time.
    async fn clear(&self) -> Result<(), StorageError> {
        let mut connection = self.connect().await?;
        let nodes = if self.connections.is_cluster() {
            let slots: Result<Value, RedisError> =
                connection.query(cmd("CLUSTER").arg("SLOTS")).await;
            let slots = slots.map_err(|error| self.failed(&connection, error))?;
            primaries(&slots).into_iter().map(Some).collect()
        } else {
            vec![None]
        };
        for node in nodes {
            self.clear_node(&mut connection, node.as_ref()).await?;
        }
        Ok(())
    }

    async fn clear_node(
        &self,
        connection: &mut Connection,
        node: Option<&Node>,
    ) -> Result<(), StorageError> {
        let pattern = key_name::pattern(&self.prefix);
        let mut cursor: u64 = 0;
        loop {
            let mut scan = cmd("SCAN");
            scan.arg(cursor).arg("MATCH").arg(&pattern).arg("COUNT").arg(1000);
            let page: Result<(u64, Vec<Vec<u8>>), RedisError> =
                connection.query_at(node, scan).await;
            let (next, keys) = page.map_err(|error| self.failed(connection, error))?;
            if !keys.is_empty() {
                let unlinked: Result<i64, RedisError> =
                    connection.query(cmd("UNLINK").arg(&keys)).await;
                unlinked.map_err(|error| self.failed(connection, error))?;
            }
            if next == 0 {
                return Ok(());
            }
            cursor = next;
        }
    }

    async fn connect(&self) -> Result<Connection, StorageError> {
        let connection = self.connections.get().await;
        connection.map_err(|error| StorageError::new(format!("{}: {error}", self.name)))
    }

    /// What the server or the way to it said, with what to check; a connection that is of no more
    /// use is forgotten.
    fn failed(&self, connection: &Connection, error: RedisError) -> StorageError {
        let refusal = refusal::remedy(&error.to_string());
        let remedy = match error.kind() {
            ErrorKind::Server(ServerErrorKind::ReadOnly) => {
                self.connections.discard(connection);
                "the server is a replica now"
            }
            _ if refusal.is_some() => refusal.as_deref().unwrap_or_default(),
            ErrorKind::Server(ServerErrorKind::BusyLoading) => "the server is loading its data",
            ErrorKind::Server(_) if error.code() == Some("WRONGTYPE") => {
                "a key with the prefix holds something else: choose another `key_prefix`"
            }
            ErrorKind::Server(_) if error.code() == Some("OOM") => "the server is out of memory",
            _ if error.is_unrecoverable_error() || error.is_connection_dropped() => {
                self.connections.discard(connection);
                "the connection broke"
            }
            _ => "the server could not decide",
        };
        failure(&format!("{}: {remedy}", self.name), error)
    }
}

/// Host and port of every primary, from the reply of `CLUSTER SLOTS`.
pub(super) fn primaries(slots: &Value) -> Vec<Node> {
    let mut primaries = Vec::new();
    let Value::Array(ranges) = slots else { return primaries };
    for range in ranges {
        let Value::Array(range) = range else { continue };
        let Some(Value::Array(primary)) = range.get(2) else { continue };
        let (Some(Value::BulkString(host)), Some(Value::Int(port))) =
            (primary.first(), primary.get(1))
        else {
            continue;
        };
        let host = String::from_utf8_lossy(host).into_owned();
        if let Ok(port) = u16::try_from(*port)
            && !primaries.contains(&(host.clone(), port))
        {
            primaries.push((host, port));
        }
    }
    primaries
}
