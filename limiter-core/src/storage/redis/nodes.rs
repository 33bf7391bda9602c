//! The servers that have counters: one, or every primary of a cluster.

use deadpool_redis::redis::{RedisResult, Value, cmd};

use super::connection::{Connection, Node};

/// Every server that has counters; a single `None` where there is only one.
pub(super) async fn nodes(
    connection: &mut Connection,
    is_cluster: bool,
) -> RedisResult<Vec<Option<Node>>> {
    if !is_cluster {
        return Ok(vec![None]);
    }
    let slots = connection.query(cmd("CLUSTER").arg("SLOTS")).await?;
    Ok(primaries(&slots).into_iter().map(Some).collect())
}

/// Host and port of every primary, from the reply of `CLUSTER SLOTS`.
fn primaries(slots: &Value) -> Vec<Node> {
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
