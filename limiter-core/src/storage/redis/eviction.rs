//! A check whether full servers remove counters in use.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicBool, Ordering},
};

use deadpool_redis::redis::{ErrorKind, RedisResult, cmd};

use super::{
    connection::{Connection, Node},
    nodes::nodes,
};

/// Checks once in the life of a storage, and logs a warning.
#[derive(Debug)]
pub(super) struct EvictionCheck {
    /// Of the storage.
    name: String,
    done: AtomicBool,
}

impl EvictionCheck {
    pub(super) fn new(name: String) -> Self {
        Self { name, done: AtomicBool::new(false) }
    }

    /// Warns of servers that would remove counters in use. A server that does not show its
    /// configuration, as many managed ones, is skipped. If the connection breaks, the next one
    /// checks.
    pub(super) async fn run(&self, mut connection: Connection, is_cluster: bool) {
        if self.done.load(Ordering::Relaxed) {
            return;
        }
        let mut found = Vec::new();
        for node in nodes(&mut connection, is_cluster).await.unwrap_or_default() {
            match policy(&mut connection, node.as_ref()).await {
                Ok(policy) => found.extend(policy),
                Err(error) if matches!(error.kind(), ErrorKind::Server(_)) => {}
                Err(_) => return,
            }
        }
        // Two runtimes may have checked side by side.
        if self.done.swap(true, Ordering::Relaxed) {
            return;
        }
        if let Some(policy) = found.first() {
            tracing::warn!(
                storage = %self.name,
                policy,
                servers = found.len(),
                "when its memory is full, the server removes counters in use, and their clients get \
                 a new quota: set its `maxmemory-policy` to `noeviction`"
            );
        }
    }
}

/// The policy of a server, if it removes counters in use: all expire, so `volatile-*` covers them
/// too.
async fn policy(connection: &mut Connection, node: Option<&Node>) -> RedisResult<Option<String>> {
    let mut command = cmd("CONFIG");
    // Several names at once are understood since Redis 7 only.
    command.arg("GET").arg("maxmemory*");
    let mut settings: HashMap<String, String> = connection.query_at(node, command).await?;
    let is_bounded = settings.get("maxmemory").is_some_and(|bytes| bytes != "0");
    let policy = settings.remove("maxmemory-policy");
    Ok(policy.filter(|policy| is_bounded && policy != "noeviction"))
}
