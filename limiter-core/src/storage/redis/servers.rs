//! The servers of a storage: how they are reached, and what their errors mean.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use deadpool_redis::redis::{ErrorKind, RedisError, ServerErrorKind, Value, cmd};

use super::{
    connection::Connection,
    connections::Connections,
    gather::Gathering,
    refusal::{self, failure},
};
use crate::{
    clock::{Clock, Timestamp},
    error::StorageError,
};

/// The servers of a storage, and what their counters are called.
pub(super) struct Servers {
    name: String,
    prefix: String,
    connections: Connections,
    /// Whether a call may not span slots, although there is one address: what stands there is a
    /// node of a cluster, or a proxy before one.
    keeps_slots_apart: AtomicBool,
    /// For tests, in place of the server's.
    clock: Option<Arc<dyn Clock>>,
}

impl Servers {
    pub(super) fn new(
        name: String,
        prefix: String,
        connections: Connections,
        clock: Option<Arc<dyn Clock>>,
    ) -> Self {
        let keeps_slots_apart = AtomicBool::new(false);
        Self { name, prefix, connections, keeps_slots_apart, clock }
    }

    /// The name of the storage.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// What the names of all counters start with.
    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The moment that a call is to be decided for; `None` is the server's.
    pub(super) fn now(&self) -> Option<Timestamp> {
        self.clock.as_ref().map(|clock| clock.now())
    }

    pub(super) fn is_cluster(&self) -> bool {
        self.connections.is_cluster()
    }

    /// Whether one call may be about counters in several slots.
    pub(super) fn may_span_slots(&self) -> bool {
        !self.is_cluster() && !self.keeps_slots_apart.load(Ordering::Relaxed)
    }

    /// From now on every call is about one slot.
    pub(super) fn keep_slots_apart(&self) {
        self.keeps_slots_apart.store(true, Ordering::Relaxed);
    }

    /// The batches of this runtime that wait for the next call.
    pub(super) fn gathering(&self) -> Result<Arc<Gathering>, StorageError> {
        self.connections.gathering()
    }

    /// Sends a `PING`.
    pub(super) async fn ping(&self) -> Result<(), StorageError> {
        let mut connection = self.connect().await?;
        let reply: Result<Value, RedisError> = connection.query(&cmd("PING")).await;
        reply.map(|_| ()).map_err(|error| self.failed(&connection, error))
    }

    /// The connection of this runtime.
    pub(super) async fn connect(&self) -> Result<Connection, StorageError> {
        let connection = self.connections.get().await;
        connection.map_err(|error| StorageError::new(format!("{}: {error}", self.name)))
    }

    /// The error of a server or of the connection, with what to check. A connection that cannot be
    /// used any more is forgotten.
    pub(super) fn failed(&self, connection: &Connection, error: RedisError) -> StorageError {
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

impl fmt::Debug for Servers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Servers").field("name", &self.name).field("prefix", &self.prefix).finish()
    }
}

/// Whether the server refuses what spans several slots. Then it has done nothing of it.
pub(super) fn is_cross_slot(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::CrossSlot)
}
