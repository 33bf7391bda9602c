//! Every form in which a server can be named.

use limiter_core::{Key, Outcome, Storage, Strategy, storage::redis::RedisStorage};
use limiter_tests::redis::{RedisCluster, RedisServer, RedisService};

use crate::raw::{Raw, hit, per_day, storage};

async fn counts(storage: &RedisStorage) {
    storage.ping().await.unwrap();
    let (limit, key) = (per_day(1, Strategy::FixedWindow, "uri"), Key::text("client"));
    assert_eq!(hit(storage, &limit, &key).await, Outcome::Admit);
    assert_eq!(hit(storage, &limit, &key).await, Outcome::Deny);
    storage.clear().await.unwrap();
}

#[tokio::test]
async fn a_single_server_is_found_by_either_name_with_login_and_database() {
    let server = RedisServer::start();
    let address = server.address();
    server.cli(&["ACL", "SETUSER", "app", "on", ">p@ss:/w", "~*", "+@all"]);
    for uri in [
        format!("redis://{address}"),
        format!("valkey://{address}"),
        format!("REDIS://{address}/"),
        format!("redis://localhost:{}", address.port()),
        format!("redis://app:p%40ss%3A%2Fw@{address}/3"),
    ] {
        counts(&storage(&uri)).await;
    }
    let in_third = storage(&format!("redis://{address}/3"));
    hit(&in_third, &per_day(1, Strategy::FixedWindow, "database"), &Key::text("client")).await;
    let mut raw = Raw::to(address);
    assert_eq!(raw.keys().len(), 0);
    let _: () = raw.ask(&[b"SELECT", b"3"]);
    assert_eq!(raw.keys().len(), 1);
}

#[tokio::test]
async fn a_socket_of_the_file_system_is_found() {
    let folder = std::env::temp_dir().join(format!("limiter-socket-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let socket = folder.join("redis.sock");
    let path = socket.to_str().unwrap();
    let _server = RedisServer::with(&["--unixsocket", path]);
    for family in ["redis", "valkey"] {
        counts(&storage(&format!("{family}+unix://{path}"))).await;
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn a_cluster_is_found_by_any_of_its_nodes_with_login() {
    let cluster = RedisCluster::start();
    for node in &cluster.nodes {
        node.cli(&["ACL", "SETUSER", "app", "on", ">p@ss", "~*", "+@all"]);
    }
    let nodes = cluster.uri().split_once("://").unwrap().1.to_owned();
    let one = cluster.nodes[4].address();
    for uri in [
        cluster.uri(),
        format!("valkey+cluster://{nodes}"),
        format!("redis+cluster://127.0.0.1:1,{one}/"),
        format!("redis+cluster://app:p%40ss@{nodes}"),
    ] {
        counts(&storage(&uri)).await;
    }
}

#[tokio::test]
async fn a_primary_is_found_by_its_sentinels_with_login_and_database() {
    let service = RedisService::start();
    service.servers[0].cli(&["ACL", "SETUSER", "app", "on", ">p@ss", "~*", "+@all"]);
    let sentinels = service.sentinels.iter().map(|sentinel| sentinel.address().to_string());
    let sentinels = sentinels.collect::<Vec<_>>().join(",");
    for uri in [
        service.uri(),
        format!("valkey+sentinel://127.0.0.1:1,{sentinels}/service"),
        format!("redis+sentinel://app:p%40ss@{sentinels}/service/2"),
    ] {
        counts(&storage(&uri)).await;
    }
    let error = storage(&format!("redis+sentinel://{sentinels}/unknown")).ping().await.unwrap_err();
    assert!(error.to_string().contains("cannot be reached"), "{error}");
}

#[test]
fn a_malformed_uri_is_refused_without_telling_its_password() {
    for (uri, words) in [
        ("", "scheme"),
        ("127.0.0.1:6379", "scheme"),
        ("http://user:s3cret@host", "`http`"),
        ("redis+tcp://user:s3cret@host", "`redis+tcp`"),
        ("rediss+unix:///tmp/s3cret", "`rediss+unix`"),
        ("redis://user:s3cret@", "host"),
        ("redis://user:s3cret@host:port", "port"),
        ("redis://user:s3cret@host:6379/database", "database"),
        ("redis://user:s3cret@host:99999", "port"),
        ("redis+unix://", "path"),
        ("redis+cluster://", "host:port"),
        ("redis+cluster://user:s3cret@", "host:port"),
        ("redis+cluster://user:s3cret@host:1/3", "database"),
        ("redis+sentinel://user:s3cret@host:26379", "mymaster"),
        ("redis+sentinel://user:s3cret@host:26379/", "mymaster"),
        ("redis+sentinel://user:s3cret@/mymaster", "host:port"),
        ("redis+sentinel://user:s3cret@host:26379/mymaster/x", "database"),
    ] {
        let error = RedisStorage::new(uri).expect_err(uri);
        for text in [error.to_string(), format!("{error:?}")] {
            assert!(!text.contains("s3cret"), "{uri}: {text}");
        }
        assert!(error.to_string().contains(words), "{uri}: {error}");
    }
}

#[tokio::test]
async fn no_error_and_no_name_of_a_storage_tells_a_password() {
    for uri in [
        "redis://user:s3cret@127.0.0.1:1",
        "redis+cluster://user:s3cret@127.0.0.1:1",
        "redis+sentinel://user:s3cret@127.0.0.1:1/service",
    ] {
        let storage = storage(uri);
        let error = storage.ping().await.unwrap_err();
        for text in [
            error.to_string(),
            format!("{error:?}"),
            format!("{storage:?}"),
            storage.name().to_owned(),
        ] {
            assert!(!text.contains("s3cret"), "{text}");
        }
        assert!(storage.name().contains("127.0.0.1:1"), "{}", storage.name());
        assert!(error.to_string().contains("127.0.0.1:1"), "says where: {error}");
    }
}
