//! How counters are forgotten: by their names, or all that match.

use deadpool_redis::redis::{RedisError, RedisResult, Value, cmd};

use super::{
    connection::{Connection, Node},
    key_name,
    nodes::nodes,
    servers::{Servers, is_cross_slot},
};
use crate::{charge::Charge, decision::Outcome, error::StorageError};

impl Servers {
    /// Forgets the counters of these charges.
    pub(super) async fn reset(&self, charges: &mut [Charge<'_>]) -> Result<Outcome, StorageError> {
        let name = |charge: &Charge<'_>| {
            let mut name = Vec::with_capacity(key_name::USUAL_LEN);
            key_name::extend(&mut name, self.prefix(), charge);
            name
        };
        let names = charges.iter().map(name).collect();
        let connection = self.connect().await?;
        self.delete(&connection, "DEL", names).await.map(|()| Outcome::Admit)
    }

    /// Deletes keys with one command, or one by one where the server refuses to span slots.
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
    pub(super) async fn clear(&self, pattern: &[u8]) -> Result<(), StorageError> {
        let mut connection = self.connect().await?;
        let nodes = nodes(&mut connection, self.is_cluster()).await;
        let nodes = nodes.map_err(|error| self.failed(&connection, error))?;
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
}
