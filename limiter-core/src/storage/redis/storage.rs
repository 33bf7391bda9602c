//! The storage itself: batches, slots and compensation.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use deadpool_redis::redis::{
    Client, ConnectionAddr, ErrorKind, RedisError, RedisResult, ServerErrorKind, Value, cmd,
};

use super::{
    answer::{Answer, strange},
    batch::Batch,
    call::Call,
    connection::{Connection, Connections, Node, Source, failure},
    key_name, refusal,
    uri::{Target, check_tls},
};
use crate::{
    charge::Charge,
    clock::Clock,
    decision::Outcome,
    error::StorageError,
    key::Key,
    quota::Quota,
    storage::interface::{BoxFuture, Storage, Verb},
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
    /// Whether a call may not span slots, although there is one address: what stands there is a
    /// node of a cluster, or a proxy before one.
    keeps_slots_apart: AtomicBool,
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
        let keeps_slots_apart = AtomicBool::new(false);
        let inner = Inner { name, prefix, connections, keeps_slots_apart, clock };
        Ok(RedisStorage { inner: Arc::new(inner) })
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
                Verb::Reset => Box::pin(self.inner.reset(charges)).await,
                Verb::Hit | Verb::Test | Verb::Refund => self.inner.decide(verb, charges).await,
            }
        })
    }

    fn forget<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<bool, StorageError>> {
        Box::pin(async move {
            let pattern = key_name::pattern_of_client(&self.inner.prefix, key);
            self.inner.clear(&pattern).await.map(|()| true)
        })
    }

    fn clear(&self) -> BoxFuture<'_, Result<(), StorageError>> {
        Box::pin(async move { self.inner.clear(&key_name::pattern(&self.inner.prefix)).await })
    }
}

/// The charges of one client in a batch.
type Group<'a, 'b> = Vec<&'a mut Charge<'b>>;

impl Inner {
    async fn decide(
        self: &Arc<Self>,
        verb: Verb,
        charges: &mut [Charge<'_>],
    ) -> Result<Outcome, StorageError> {
        if !self.connections.is_cluster() && !self.keeps_slots_apart.load(Ordering::Relaxed) {
            let batch = Batch::new(verb, &self.prefix, charges.iter());
            if batch.questions.is_empty() {
                return Ok(Outcome::Admit);
            }
            let inner = Arc::clone(self);
            let call = move |batches| Arc::clone(&inner).call(batches);
            if let Some(answer) = self.connections.gathering()?.ask(batch, call).await? {
                return answer.write(verb, charges);
            }
        }
        // Boxed: seldom needed, it would make every decision large.
        Box::pin(self.decide_groups(verb, &mut groups(charges))).await
    }

    /// Asks the script about the batches of several requests; `None` where the server wants one
    /// slot at a time, and did nothing.
    async fn call(
        self: Arc<Self>,
        batches: Vec<Batch>,
    ) -> Result<Option<Vec<Answer>>, StorageError> {
        let connection = self.connect().await?;
        match self.run(&connection, &batches).await {
            Ok(answers) => answers.map(Some).ok_or_else(strange),
            Err(error) if is_cross_slot(&error) => {
                self.keeps_slots_apart.store(true, Ordering::Relaxed);
                Ok(None)
            }
            Err(error) => Err(self.failed(&connection, error)),
        }
    }

    /// Asks several slots side by side; where one denies, the others get back what they took.
    async fn decide_groups(
        &self,
        verb: Verb,
        groups: &mut [Group<'_, '_>],
    ) -> Result<Outcome, StorageError> {
        let connection = &self.connect().await?;
        let calls = groups.iter_mut().map(|group| async move {
            let batch = Batch::new(verb, &self.prefix, group.iter().map(|charge| &**charge));
            if batch.questions.is_empty() {
                return Ok(Outcome::Admit);
            }
            let answer = self.ask(connection, batch).await?;
            answer.write(verb, group.iter_mut().map(|charge| &mut **charge))
        });
        let mut outcome = Ok(Outcome::Admit);
        for answer in futures_util::future::join_all(calls).await {
            match answer {
                Ok(Outcome::Admit) => {}
                Ok(Outcome::Deny) if outcome.is_ok() => outcome = Ok(Outcome::Deny),
                Ok(Outcome::Deny) => {}
                Err(error) => outcome = Err(error),
            }
        }
        if verb == Verb::Hit && groups.len() > 1 && !matches!(outcome, Ok(Outcome::Admit)) {
            self.give_back(connection, groups).await;
        }
        outcome
    }

    async fn give_back(&self, connection: &Connection, groups: &mut [Group<'_, '_>]) {
        for group in groups {
            let taken =
                Batch::new(Verb::Refund, &self.prefix, group.iter().map(|charge| &**charge));
            if taken.questions.is_empty() {
                continue;
            }
            // What cannot be given back denies somebody too early, and admits nobody too many.
            let _ = self.ask(connection, taken).await;
            for charge in group {
                charge.charged_at = None;
            }
        }
    }

    /// Asks the script about one batch, whose counters are in one slot.
    async fn ask(&self, connection: &Connection, batch: Batch) -> Result<Answer, StorageError> {
        let answers = self.run(connection, &[batch]).await;
        let answers = answers.map_err(|error| self.failed(connection, error))?;
        answers.and_then(|mut answers| answers.pop()).ok_or_else(strange)
    }

    async fn run(
        &self,
        connection: &Connection,
        batches: &[Batch],
    ) -> RedisResult<Option<Vec<Answer>>> {
        let now = self.clock.as_ref().map(|clock| clock.now());
        Call::new(batches, now).run(&mut connection.clone()).await
    }

    async fn reset(&self, charges: &mut [Charge<'_>]) -> Result<Outcome, StorageError> {
        let name = |charge: &Charge<'_>| {
            let mut name = Vec::with_capacity(key_name::USUAL_LEN);
            key_name::extend(&mut name, &self.prefix, charge);
            name
        };
        let names = charges.iter().map(name).collect();
        let connection = self.connect().await?;
        self.delete(&connection, "DEL", names).await.map(|()| Outcome::Admit)
    }

    /// Deletes keys with a command, at once where the server lets us.
    async fn delete(
        &self,
        connection: &Connection,
        command: &str,
        names: Vec<Vec<u8>>,
    ) -> Result<(), StorageError> {
        let delete = async |names: &[Vec<u8>]| -> RedisResult<Value> {
            connection.clone().query(cmd(command).arg(names)).await
        };
        match delete(&names).await {
            Err(error) if is_cross_slot(&error) => {
                for name in names {
                    delete(&[name]).await.map_err(|error| self.failed(connection, error))?;
                }
                Ok(())
            }
            deleted => deleted.map(|_| ()).map_err(|error| self.failed(connection, error)),
        }
    }

    /// Deletes every key that matches, node by node, a page at a time.
    async fn clear(&self, pattern: &[u8]) -> Result<(), StorageError> {
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
            self.clear_node(&mut connection, node.as_ref(), pattern).await?;
        }
        Ok(())
    }

    async fn clear_node(
        &self,
        connection: &mut Connection,
        node: Option<&Node>,
        pattern: &[u8],
    ) -> Result<(), StorageError> {
        let mut cursor: u64 = 0;
        loop {
            let mut scan = cmd("SCAN");
            scan.arg(cursor).arg("MATCH").arg(pattern).arg("COUNT").arg(1000);
            let page: Result<(u64, Vec<Vec<u8>>), RedisError> =
                connection.query_at(node, scan).await;
            let (next, keys) = page.map_err(|error| self.failed(connection, error))?;
            if !keys.is_empty() {
                self.delete(connection, "UNLINK", keys).await?;
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

/// Whether the server refuses what spans several slots. Then it has done nothing of it.
fn is_cross_slot(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::CrossSlot)
}

/// The charges by client: on a cluster one call can decide those of one.
fn groups<'a, 'b>(charges: &'a mut [Charge<'b>]) -> Vec<Group<'a, 'b>> {
    let mut groups: Vec<Group<'_, '_>> = Vec::new();
    for charge in charges {
        match groups.iter().position(|group| group[0].key == charge.key) {
            Some(place) => groups[place].push(charge),
            None => groups.push(vec![charge]),
        }
    }
    groups
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
