//! A cluster whose slots move and whose primaries die.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use limiter_core::{
    Charge, DecidedBy, Key, Limit, Outcome, Storage, Verb, storage::guarded::GuardedStorage,
};
use limiter_tests::redis::{RedisCluster, RedisServer, wait_until};

use crate::{
    load::Load,
    ward::{SOON, guard, hit, per_hour, redis, used},
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

    /// Two clients whose counters are on different nodes, and the node of the second.
    async fn distant_clients(&self, storage: &dyn Storage) -> (Key, Key, usize) {
        let limit = per_hour(1_000, "where");
        let owner = async |key: &Key| {
            hit(storage, &limit, key).await;
            let (node, _) = self.owner();
            storage.apply(Verb::Reset, &mut [Charge::new(&limit, key)]).await.unwrap();
            node
        };
        let first = owner(&Key::number(0)).await;
        for number in 1..100 {
            let other = owner(&Key::number(number)).await;
            if other != first {
                return (Key::number(0), Key::number(number), other);
            }
        }
        panic!("all clients are on one node");
    }

    /// How often its nodes answered with an error.
    fn errors(&self, code: &str) -> u64 {
        let name = format!("errorstat_{code}:count=");
        let count = |node: &RedisServer| {
            let stats = node.cli(&["INFO", "errorstats"]);
            let count =
                stats.lines().find_map(|line| line.strip_prefix(&name)?.parse::<u64>().ok());
            count.unwrap_or_default()
        };
        self.0.nodes.iter().map(count).sum()
    }

    /// Begins to move a slot; what was asked for is still on the first node.
    fn begin_to_move(&self, slot: &str, from: usize, to: usize) {
        self.set_slot(to, slot, &["IMPORTING", &self.id(from)]);
        self.set_slot(from, slot, &["MIGRATING", &self.id(to)]);
    }

    fn migrate(&self, key: &str, from: usize, to: usize) {
        let port = self.0.nodes[to].address().port().to_string();
        let migrate = ["--quoted-input", "MIGRATE", "127.0.0.1", &port, key, "0", "5000"];
        assert_eq!(self.0.nodes[from].cli(&migrate), "OK");
    }

    fn end_move(&self, slot: &str, from: usize, to: usize) {
        let target = self.id(to);
        for node in [to, from] {
            self.set_slot(node, slot, &["NODE", &target]);
        }
    }

    fn set_slot(&self, node: usize, slot: &str, to: &[&str]) {
        let answer = self.0.nodes[node].cli(&[&["CLUSTER", "SETSLOT", slot], to].concat());
        assert_eq!(answer, "OK");
    }

    fn slot_of(&self, key: &str) -> String {
        self.0.nodes[0].cli(&["--quoted-input", "CLUSTER", "KEYSLOT", key])
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
        let slot = cluster.slot_of(&key);
        cluster.begin_to_move(&slot, from, to);
        tokio::time::sleep(Duration::from_millis(50)).await;
        cluster.migrate(&key, from, to);
        tokio::time::sleep(Duration::from_millis(50)).await;
        cluster.end_move(&slot, from, to);
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let hits = load.stop().await;
    let used = used(&*redis(&cluster.uri()), &limit, &client()).await;
    // A hit that failed may have been counted all the same, with its answer lost.
    let counted = hits.by_storage + 1;
    assert!((counted..=counted + guard.health().failures).contains(&used), "{used} of {hits:?}");
    assert!(hits.by_storage > 500, "most redirections are followed: {hits:?}");
    assert!(cluster.errors("MOVED") > 0 && cluster.errors("ASK") > 0, "there were some");
}

/// [12] `TRYAGAIN`: of two counters of a client one has moved, and the other has not.
#[tokio::test(flavor = "multi_thread")]
async fn a_batch_whose_counters_are_on_two_nodes_for_a_moment_is_decided_by_the_policy() {
    let cluster = Cluster::start();
    let guard = guard(&cluster.uri(), |guard| guard.opens_after(1_000));
    let limits = [per_hour(100, "first"), per_hour(100, "second")];
    let client = client();
    let hit_both = async || {
        let mut charges = limits.each_ref().map(|limit| Charge::new(limit, &client));
        let began = Instant::now();
        assert_eq!(guard.apply(Verb::Hit, &mut charges).await.unwrap(), Outcome::Admit);
        assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
        charges[0].decided_by()
    };
    let direct = redis(&cluster.uri());
    assert_eq!(hit_both().await, DecidedBy::Storage);
    let (from, _) = cluster.owner();
    let keys = cluster.0.nodes[from].lasting_keys();
    let (to, slot) = (cluster.other_primary(from), cluster.slot_of(&keys[0]));
    cluster.begin_to_move(&slot, from, to);
    cluster.migrate(&keys[0], from, to);
    assert_eq!(hit_both().await, DecidedBy::Fallback);
    assert!(cluster.errors("TRYAGAIN") > 0, "that is what the node said");
    cluster.migrate(&keys[1], from, to);
    cluster.end_move(&slot, from, to);
    let began = Instant::now();
    while hit_both().await != DecidedBy::Storage {
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", guard.cause());
    }
    let failures = guard.health().failures;
    for limit in &limits {
        let used = used(&*direct, limit, &client).await;
        assert!((2..=2 + failures).contains(&used), "{used} with {failures} failures");
    }
}

/// [43] A batch over two slots, one of which does not answer in time.
#[tokio::test(flavor = "multi_thread")]
async fn a_batch_over_two_slots_one_of_which_stalls_admits_nobody_too_many() {
    let cluster = Cluster::start();
    let direct = redis(&cluster.uri());
    let (near, far, stalled) = cluster.distant_clients(&*direct).await;
    let guard = guard(&cluster.uri(), |guard| guard.opens_after(1_000));
    let (own, shared) = (per_hour(8, "own"), per_hour(8, "shared"));
    let mut by_storage = 0;
    let mut hit_both = async || {
        let mut charges = [Charge::new(&own, &near), Charge::new(&shared, &far)];
        let began = Instant::now();
        let outcome = guard.apply(Verb::Hit, &mut charges).await.unwrap();
        assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
        let by = charges[0].decided_by();
        by_storage += u64::from(by == DecidedBy::Storage && outcome == Outcome::Admit);
        (outcome, by)
    };
    assert_eq!(hit_both().await, (Outcome::Admit, DecidedBy::Storage));
    // Shorter than it takes the others to replace it.
    cluster.0.nodes[stalled].stall();
    for _ in 0..3 {
        assert_eq!(hit_both().await.1, DecidedBy::Fallback);
    }
    cluster.0.nodes[stalled].go_on();
    tokio::time::sleep(Duration::from_millis(500)).await;
    // One that is dropped gives nothing back: both slots may have counted it, each once at most.
    for (limit, key) in [(&own, &near), (&shared, &far)] {
        let used = used(&*direct, limit, key).await;
        assert!((1..=4).contains(&used), "four batches, of which {used} were counted");
    }
    for _ in 0..20 {
        hit_both().await;
    }
    assert!((1..=8).contains(&by_storage), "{by_storage} of 8");
    for (limit, key) in [(&own, &near), (&shared, &far)] {
        assert!(used(&*direct, limit, key).await >= by_storage);
    }
}

/// [43]
#[tokio::test(flavor = "multi_thread")]
async fn a_batch_over_two_slots_that_is_dropped_half_way_is_counted_once_at_most() {
    let cluster = Cluster::start();
    let direct = redis(&cluster.uri());
    let (near, far, _) = cluster.distant_clients(&*direct).await;
    let (own, shared) = (per_hour(30, "own"), per_hour(60, "shared"));
    let (mut admitted, rounds) = (0, 100);
    for round in 0..rounds {
        let mut charges = [Charge::new(&own, &near), Charge::new(&shared, &far)];
        let request = direct.apply(Verb::Hit, &mut charges);
        // From "before anything was sent" to "both replies are nearly here", and beyond.
        let answer = tokio::time::timeout(Duration::from_micros(20 * round), request).await;
        admitted += u64::from(matches!(answer, Ok(Ok(Outcome::Admit))));
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    let used = [used(&*direct, &own, &near).await, used(&*direct, &shared, &far).await];
    assert!(admitted <= 30, "{admitted} admitted of 30");
    assert!(used.iter().all(|used| (admitted..=rounds).contains(used)), "{used:?}, {admitted}");
    // The connection goes on.
    let other = per_hour(1, "other");
    assert!(hit(&*direct, &other, &near).await.admitted);
    assert!(!hit(&*direct, &other, &near).await.admitted);
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
