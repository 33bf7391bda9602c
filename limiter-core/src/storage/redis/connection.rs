//! One connection, to a server or to a cluster.

use deadpool_redis::redis::{
    Cmd, FromRedisValue, Pipeline, RedisFuture, RedisResult, Value,
    aio::{ConnectionLike, MultiplexedConnection},
    cluster_async::ClusterConnection,
    cluster_routing::{RoutingInfo, SingleNodeRoutingInfo},
};

/// A connection that many requests use at the same time.
#[derive(Clone)]
pub(super) struct Connection {
    link: Link,
    /// Distinguishes it from the connection that replaces it.
    number: u64,
}

/// To one server, or to a cluster of them.
#[derive(Clone)]
pub(super) enum Link {
    Single(MultiplexedConnection),
    Cluster(ClusterConnection),
}

/// Host and port of one server of a cluster.
pub(super) type Node = (String, u16);

impl Connection {
    pub(super) fn new(link: Link, number: u64) -> Self {
        Self { link, number }
    }

    /// Whether both are clones of one connection.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.number == other.number
    }

    pub(super) async fn query<T: FromRedisValue>(&mut self, command: &Cmd) -> RedisResult<T> {
        command.query_async(self).await
    }

    /// Sends a command to one node of a cluster.
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
