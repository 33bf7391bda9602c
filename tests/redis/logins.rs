//! Whom the storage can log in as, and how.

use std::time::Duration;

use limiter_core::{
    Charge, FakeClock, Key, Outcome, Storage, StorageError, Strategy, Verb,
    storage::redis::RedisStorage,
};
use limiter_tests::redis::{RedisCluster, RedisServer, RedisService};

use crate::raw::{hit, per_day, storage};

/// What the documentation of the storage says that deciding needs.
pub(crate) const RIGHTS: [&str; 15] = [
    "eval", "evalsha", "time", "mget", "exists", "set", "del", "lindex", "llen", "lrange", "lset",
    "ltrim", "lrem", "rpush", "pexpire",
];

/// And clearing.
const RIGHTS_TO_CLEAR: [&str; 2] = ["scan", "unlink"];

/// A user with just these rights.
pub(crate) fn add_user<'a>(server: &RedisServer, rights: impl IntoIterator<Item = &'a str>) {
    let mut words: Vec<_> =
        ["ACL", "SETUSER", "app", "reset", "on", ">pw", "~limiter:*"].map(str::to_owned).into();
    words.extend(rights.into_iter().map(|right| format!("+{right}")));
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    assert_eq!(server.cli(&words), "OK");
}

/// Everything that a limiter asks of a storage, on new and old counters.
async fn use_everything(server: &RedisServer) -> Result<(), StorageError> {
    server.cli(&["SCRIPT", "FLUSH"]);
    server.cli(&["FLUSHALL"]);
    let uri = format!("redis://app:pw@{}", server.address());
    let key = Key::text("client");
    for strategy in Strategy::ALL {
        let (timed, clock) = (storage(&uri), FakeClock::new());
        let limit = per_day(5, strategy, "timed");
        timed.apply(Verb::Hit, &mut [Charge::new(&limit, &key)]).await?;

        // Another moment each, so that the log of a moving window has several entries.
        let storage = RedisStorage::builder(&uri).clock(clock.clone()).build()?;
        let limit = per_day(10, strategy, "clock");
        let hit = async |cost| {
            clock.advance(Duration::from_secs(1));
            let mut charges = [Charge::new(&limit, &key).cost(cost)];
            storage.apply(Verb::Hit, &mut charges).await.map(|_| charges)
        };
        hit(1).await?;
        hit(2).await?;
        // Some of the last one, and all of it.
        for cost in [1, 2] {
            let mut charges = hit(2).await?.map(|charge| charge.cost(cost));
            storage.apply(Verb::Refund, &mut charges).await?;
        }
        hit(7).await?;
        clock.step_back(Duration::from_secs(3));
        storage.apply(Verb::Hit, &mut [Charge::new(&limit, &key)]).await?;
        clock.advance(Duration::from_secs(86_399));
        hit(1).await?;
        clock.advance(Duration::from_secs(86_400));
        hit(1).await?;
        storage.apply(Verb::Reset, &mut [Charge::new(&limit, &key)]).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_user_with_just_the_documented_rights_can_decide() {
    let server = RedisServer::start();
    add_user(&server, RIGHTS);
    use_everything(&server).await.unwrap();
    let storage = storage(&format!("redis://app:pw@{}", server.address()));
    let error = storage.clear().await.unwrap_err().to_string();
    assert!(error.contains("scan"), "{error}");
    add_user(&server, RIGHTS.into_iter().chain(RIGHTS_TO_CLEAR));
    hit(&storage, &per_day(5, Strategy::FixedWindow, "clear"), &Key::text("client")).await;
    storage.clear().await.unwrap();
    assert_eq!(server.cli(&["DBSIZE"]), "0");
}

#[tokio::test]
async fn a_user_without_one_of_the_documented_rights_is_told_which_and_what_to_do() {
    let server = RedisServer::start();
    for missing in RIGHTS {
        add_user(&server, RIGHTS.into_iter().filter(|right| *right != missing));
        let error = use_everything(&server).await.expect_err(missing).to_string();
        // A script that passes an error on names all that it calls.
        let named = error.split('`').nth(1).unwrap();
        let rights: Vec<_> = named.split(' ').map(|right| right.trim_start_matches('+')).collect();
        assert!(error.contains("the user lacks") && rights.contains(&missing), "{error}");
    }
    add_user(&server, RIGHTS);
    server.cli(&["ACL", "SETUSER", "app", "resetkeys", "~other:*"]);
    let error = use_everything(&server).await.unwrap_err().to_string();
    assert!(error.contains("lacks a right to the keys"), "{error}");
}

/// The password that servers want in the next tests.
const RIGHT: &str = "right";

/// What the first question says, which asks for a connection, and what a hit says.
async fn refusals(uri: &str) -> [String; 2] {
    let (limit, key) = (per_day(5, Strategy::FixedWindow, "refused"), Key::text("client"));
    let storage = storage(uri);
    let hit = storage.apply(Verb::Hit, &mut [Charge::new(&limit, &key)]).await;
    [storage.ping().await.expect_err(uri), hit.expect_err(uri)].map(|error| {
        let text = error.to_string();
        assert!(!text.contains("s3cret"), "no credentials: {text}");
        text
    })
}

async fn every_wrong_login_is_told(scheme: &str, hosts: &str) {
    for (login, words) in [
        ("", "wants a password: give it in the URI"),
        (":s3cret@", "does not accept user and password: check both"),
        ("default:s3cret@", "does not accept user and password: check both"),
        ("nobody:s3cret@", "does not accept user and password: check both"),
    ] {
        for error in refusals(&format!("{scheme}://{login}{hosts}")).await {
            assert!(error.contains(words), "{scheme}, `{login}`: {error}");
        }
    }
    storage(&format!("{scheme}://:{RIGHT}@{hosts}")).ping().await.unwrap();
}

#[tokio::test]
async fn a_server_that_wants_a_password_says_so_or_does_not_accept_another() {
    let server = RedisServer::with(&["--requirepass", RIGHT]);
    every_wrong_login_is_told("redis", &server.address().to_string()).await;
}

/// The server says the same to a user who is switched off, and to one who need not log in.
#[tokio::test]
async fn a_user_that_is_switched_off_or_a_password_that_nobody_has_is_told() {
    let server = RedisServer::start();
    server.cli(&["ACL", "SETUSER", "app", "off", ">s3cret", "~*", "+@all"]);
    for login in ["app:s3cret", ":s3cret"] {
        for error in refusals(&format!("redis://{login}@{}", server.address())).await {
            assert!(error.contains("does not accept user and password"), "{login}: {error}");
        }
    }
}

#[tokio::test]
async fn a_cluster_that_wants_a_password_says_so_or_does_not_accept_another() {
    let cluster = RedisCluster::start();
    for node in &cluster.nodes {
        for setting in ["masterauth", "requirepass"] {
            assert_eq!(node.cli(&["CONFIG", "SET", setting, RIGHT]), "OK");
        }
    }
    let hosts = cluster.uri().split_once("://").unwrap().1.to_owned();
    every_wrong_login_is_told("redis+cluster", &hosts).await;
}

#[tokio::test]
async fn servers_behind_sentinels_that_want_a_password_say_so_or_do_not_accept_another() {
    let service = RedisService::start();
    assert_eq!(service.servers[0].cli(&["CONFIG", "SET", "requirepass", RIGHT]), "OK");
    let hosts = service.uri().split_once("://").unwrap().1.to_owned();
    every_wrong_login_is_told("redis+sentinel", &hosts).await;
}

/// A database other than the first is chosen while the connection is made.
#[tokio::test]
async fn a_user_that_may_not_choose_its_database_is_told_which_right_is_missing() {
    let server = RedisServer::start();
    add_user(&server, RIGHTS);
    let [ping, hit] = refusals(&format!("redis://app:pw@{}/2", server.address())).await;
    for error in [ping, hit] {
        assert!(error.contains("lacks the right `+select`"), "{error}");
    }
}

#[tokio::test]
async fn on_a_cluster_a_user_needs_to_see_the_slots_besides() {
    let cluster = RedisCluster::start();
    let rights = RIGHTS.into_iter().chain(RIGHTS_TO_CLEAR).chain(["cluster|slots"]);
    for node in &cluster.nodes {
        add_user(node, rights.clone());
    }
    let nodes = cluster.uri().split_once("://").unwrap().1.to_owned();
    let storage = storage(&format!("redis+cluster://app:pw@{nodes}"));
    let limit = per_day(5, Strategy::MovingWindow, "cluster");
    for client in 0..20 {
        assert_eq!(hit(&storage, &limit, &Key::number(client)).await, Outcome::Admit);
    }
    storage.clear().await.unwrap();
}
