//! A cluster whose slots move and whose primaries die.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use limiter_core::{DecidedBy, Key, Limit, storage::guarded::GuardedStorage};
use limiter_tests::redis::{RedisCluster, RedisServer, wait_until};

use crate::{
    load::Load,
    ward::{guard, hit, per_hour, redis, used},
};

/// Three primaries with a replica each.
struct Cluster(RedisCluster);

impl Cluster {
    fn start() -> Self {
        Self(RedisCluster::start())
    }

    fn uri(&self) -> String {
        self.0.uri()
    }

    /// The node that has the counter, and the counter's name.
    fn owner(&self) -> (usize, String) {
        for (place, node) in self.0.nodes.iter().enumerate() {
            if node.is_running()
                && node.cli(&["ROLE"]).starts_with("master")
                && let Some(key) = node.lasting_keys().pop()
            {
                return (place, key);
            }
        }
        panic!("no primary has the counter");
    }

    fn id(&self, node: usize) -> String {
        self.0.nodes[node].cli(&["CLUSTER", "MYID"])
    }

    /// Another primary.
    fn other_primary(&self, than: usize) -> usize {
        let primary = |node: &usize| self.0.nodes[*node].cli(&["ROLE"]).starts_with("master");
        (0..self.0.nodes.len())
            .find(|node| *node != than && primary(node))
            .expect("three primaries")
    }
}

fn client() -> Key {
    Key::text("client")
}

async fn guarded(cluster: &Cluster, limit: &Limit) -> GuardedStorage {
    let guard = guard(&cluster.uri(), |guard| guard);
    guard.check().await.expect("the cluster is well at first");
    assert_eq!(hit(&guard, limit, &client()).await.by, DecidedBy::Storage);
    guard
}

/// [12] [13] Some answers are `MOVED` or `ASK`. None need be `TRYAGAIN`: a request with one limit
/// has one key.
#[tokio::test(flavor = "multi_thread")]
async fn slots_that_move_under_load_lose_and_double_nothing() {
    let cluster = Cluster::start();
    let limit = Arc::new(per_hour(1_000_000, "moving"));
    let guard = guarded(&cluster, &limit).await;
    let load = Load::start(&guard, &limit, &client(), 8);
    for _ in 0..4 {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let (from, key) = cluster.owner();
        let to = cluster.other_primary(from);
        let slot = cluster.0.nodes[from].cli(&["--quoted-input", "CLUSTER", "KEYSLOT", &key]);
        let (source, target) = (cluster.id(from), cluster.id(to));
        let set_slot = |node: usize, to: &[&str]| {
            let answer = cluster.0.nodes[node].cli(&[&["CLUSTER", "SETSLOT", &slot], to].concat());
            assert_eq!(answer, "OK");
        };
        set_slot(to, &["IMPORTING", &source]);
        set_slot(from, &["MIGRATING", &target]);
        tokio::time::sleep(Duration::from_millis(50)).await;
        let port = cluster.0.nodes[to].address().port().to_string();
        let migrate = ["--quoted-input", "MIGRATE", "127.0.0.1", &port, &key, "0", "5000"];
        assert_eq!(cluster.0.nodes[from].cli(&migrate), "OK");
        tokio::time::sleep(Duration::from_millis(50)).await;
        for node in [to, from] {
            set_slot(node, &["NODE", &target]);
        }
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let hits = load.stop().await;
    let used = used(&*redis(&cluster.uri()), &limit, &client()).await;
    // A hit that failed may have been counted all the same, with its answer lost.
    let counted = hits.by_storage + 1;
    assert!((counted..=counted + guard.health().failures).contains(&used), "{used} of {hits:?}");
    assert!(hits.by_storage > 500, "most redirections are followed: {hits:?}");
}

/// [12]
#[tokio::test(flavor = "multi_thread")]
async fn a_primary_that_dies_under_load_is_replaced_by_its_replica() {
    let mut cluster = Cluster::start();
    let limit = Arc::new(per_hour(1_000_000, "failover"));
    let guard = guarded(&cluster, &limit).await;
    let load = Load::start(&guard, &limit, &client(), 8);
    tokio::time::sleep(Duration::from_millis(500)).await;
    let before = load.hits();
    let (primary, _) = cluster.owner();
    cluster.0.nodes[primary].kill();
    let began = Instant::now();
    while load.hits().by_storage < before.by_storage + 500 {
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", guard.health());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let hits = load.stop().await;
    assert!(hits.by_fallback > 0, "there was an outage: {hits:?}");
    let used = used(&guard, &limit, &client()).await;
    let counted = hits.by_storage + 1;
    // The replica may have missed the last writes, at most one of each task and some on their way.
    assert!(
        (counted - 100..=counted + guard.health().failures).contains(&used),
        "{used} of {hits:?}"
    );
}

/// [12] `CLUSTERDOWN`
#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_lost_a_primary_and_its_replica_is_ill_until_one_is_back() {
    let mut cluster = Cluster::start();
    let limit = Arc::new(per_hour(1_000_000, "down"));
    let guard = guarded(&cluster, &limit).await;
    // Not the one with the counter: the whole cluster says no.
    let (owner, _) = cluster.owner();
    let lost = cluster.other_primary(owner);
    let id = cluster.id(lost);
    let nodes = cluster.0.nodes[owner].cli(&["CLUSTER", "NODES"]);
    let replica = nodes.lines().find(|line| line.contains("slave") && line.contains(&id)).unwrap();
    let port = replica.split(&[':', '@'][..]).nth(1).unwrap().to_owned();
    let is_replica = |node: &RedisServer| node.address().port().to_string() == port;
    let replica = cluster.0.nodes.iter().position(is_replica).unwrap();
    for node in [replica, lost] {
        cluster.0.nodes[node].kill();
    }
    wait_until("the cluster is down", || {
        cluster.0.nodes[owner].cli(&["CLUSTER", "INFO"]).contains("cluster_state:fail")
    });
    let load = Load::start(&guard, &limit, &client(), 8);
    tokio::time::sleep(Duration::from_millis(500)).await;
    let hits = load.stop().await;
    assert_eq!(hits.by_storage, 0, "{hits:?}");
    cluster.0.nodes[lost].run();
    let began = Instant::now();
    while hit(&guard, &limit, &client()).await.by != DecidedBy::Storage {
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", guard.cause());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
