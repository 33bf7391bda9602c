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

use parking_lot::Mutex;
use tokio::{runtime, time::Instant};

use super::{connection::Connection, gather::Gathering, source::Source};
use crate::error::StorageError;

/// The connections of a storage.
pub(super) struct Connections {
    maker: Arc<Maker>,
    /// A connection is driven by the runtime that made it, and ends with it.
    of_runtimes: Mutex<HashMap<runtime::Id, Arc<Place>>>,
}

/// What happens with a connection as soon as it is made: in a task of the runtime that it belongs
/// to.
pub(super) type OnConnected = Box<dyn Fn(Connection) + Send + Sync>;

/// Makes them, one after the other.
struct Maker {
    source: Source,
    connect_timeout: Duration,
    made: AtomicU64,
    on_connected: OnConnected,
}

/// The place of one runtime's connection.
#[derive(Default)]
struct Place {
    connection: Mutex<Option<Connection>>,
    /// Held while connecting, so that a thousand requests make one attempt.
    connecting: Arc<tokio::sync::Mutex<LastFailure>>,
    gathering: Arc<Gathering>,
}

/// The last attempt, if it failed: requests that waited for it fail with it.
type LastFailure = Option<(Instant, StorageError)>;

/// For how long a failed attempt counts for the requests that waited meanwhile.
const FAILURE_HOLDS: Duration = Duration::from_millis(50);

impl Connections {
    /// From a source. Each connection that is made goes to `on_connected`, too.
    pub(super) fn new(
        source: Source,
        connect_timeout: Duration,
        on_connected: OnConnected,
    ) -> Self {
        let maker = Maker { source, connect_timeout, made: AtomicU64::new(0), on_connected };
        Self { maker: Arc::new(maker), of_runtimes: Mutex::default() }
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

    /// The batches of this runtime that wait for the next call.
    pub(super) fn gathering(&self) -> Result<Arc<Gathering>, StorageError> {
        Ok(Arc::clone(&self.place()?.gathering))
    }

    /// Forgets a broken connection of this runtime: the next request makes a new one, to the server
    /// that is the primary then. A connection that was made since is kept.
    pub(super) fn discard(&self, broken: &Connection) {
        if let Ok(place) = self.place() {
            place.connection.lock().take_if(|connection| connection.is_same(broken));
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
        // In a task, because connecting may take longer than the deadline of a decision: the task
        // goes on when its request is dropped, and a later request finds the connection.
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
                (maker.on_connected)(connection.clone());
            }
            made
        });
        attempt.await.unwrap_or_else(|error| {
            Err(StorageError::new("the attempt to connect was cancelled").with_source(error))
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
        connected.map(|link| Connection::new(link, number))
    }
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections")
            .field("is_cluster", &self.is_cluster())
            .finish_non_exhaustive()
    }
}
