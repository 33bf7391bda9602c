//! Encrypted connections, to a server, a cluster, and a primary that encrypted sentinels name.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use deadpool_redis::redis::{Client, TlsCertificates};
use limiter_core::{Key, Outcome, Strategy, storage::redis::RedisStorage};
use limiter_tests::redis::{RedisCluster, RedisServer, free_port, wait_until};

use crate::{
    logins::{RIGHTS, add_user},
    raw::{hit, per_day, storage},
};

/// A certificate authority of our own, and a certificate for this machine.
struct Authority(PathBuf);

impl Authority {
    /// With a name of its own: tests of one process run side by side.
    fn new(name: &str) -> Self {
        let folder = format!("limiter-tls-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        fs::create_dir_all(&folder).unwrap();
        let names = "subjectAltName=DNS:localhost,IP:127.0.0.1";
        fs::write(folder.join("names"), names).unwrap();
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
        let authority = Self(folder);
        for command in [
            &format!("req -x509 {key} -days 2 -subj /CN=authority -keyout ca.key -out ca.crt"),
            &format!("req {key} -subj /CN=localhost -keyout server.key -out server.csr"),
            "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile names \
             -out server.crt",
        ] {
            let mut openssl = Command::new("openssl");
            openssl.args(command.split_whitespace()).current_dir(&authority.0);
            let output = openssl.output().expect("openssl is installed");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        authority
    }

    fn path(&self, name: &str) -> String {
        Path::new(&self.0).join(name).to_string_lossy().into_owned()
    }

    /// What a server is told to speak TLS on a port, besides.
    fn options(&self, port: u16) -> Vec<String> {
        let [certificate, key, authority] =
            ["server.crt", "server.key", "ca.crt"].map(|name| self.path(name));
        let port = port.to_string();
        let options = [
            ("--tls-port", &*port),
            ("--tls-cert-file", &certificate),
            ("--tls-key-file", &key),
            ("--tls-ca-cert-file", &authority),
            ("--tls-auth-clients", "no"),
            ("--tls-replication", "yes"),
        ];
        options.iter().flat_map(|(name, value)| [*name, value].map(str::to_owned)).collect()
    }

    /// A server that speaks TLS, and where it does.
    fn serve(&self, options: &[&str]) -> (RedisServer, SocketAddr) {
        let port = free_port();
        let own = self.options(port);
        let options: Vec<_> =
            own.iter().map(String::as_str).chain(options.iter().copied()).collect();
        (RedisServer::with(&options), ([127, 0, 0, 1], port).into())
    }

    /// Sees that nobody is reached whose certificate the system does not trust, as it does not here.
    async fn is_unknown(uri: &str) {
        // Once in this process, which another test may have done.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let error = storage(uri).ping().await.unwrap_err().to_string();
        assert!(error.to_lowercase().contains("certificate"), "{error}");
    }

    /// How many of five hits another process, whose system trusts this authority, has admitted of
    /// three.
    fn admitted_of_three(&self, uri: &str) -> String {
        let mut process = Command::new(env!("CARGO_BIN_EXE_hitter"));
        process.args([uri, "1", "5", "3", "fixed-window"]).stdin(Stdio::null());
        process.env("SSL_CERT_FILE", self.path("ca.crt"));
        let output = process.output().expect("the program runs");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{uri}: {error}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        // The folder is in the way of nobody.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn a_private_authority_is_trusted_through_a_client_of_ones_own_and_not_otherwise() {
    // Once in this process, which another test may have done.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let authority = Authority::new("single");
    let (server, address) = authority.serve(&[]);
    let port = address.port();
    add_user(&server, RIGHTS);
    for host in ["localhost", "127.0.0.1"] {
        let uri = format!("rediss://app:pw@{host}:{port}");
        let error = storage(&uri).ping().await.unwrap_err().to_string();
        assert!(error.to_lowercase().contains("certificate"), "{error}");

        let root_cert = Some(fs::read(authority.path("ca.crt")).unwrap());
        let certificates = TlsCertificates { client_tls: None, root_cert };
        let client = Client::build_with_tls(uri, certificates).unwrap();
        let storage = RedisStorage::from_client(client).build().unwrap();
        let (limit, key) = (per_day(1, Strategy::FixedWindow, host), Key::text("client"));
        assert_eq!(hit(&storage, &limit, &key).await, Outcome::Admit);
        assert_eq!(hit(&storage, &limit, &key).await, Outcome::Deny);
        let debug = format!("{storage:?}");
        assert!(!debug.contains("pw"), "{debug}");
    }
}

/// The URI takes no certificates: those that the system trusts are asked, which is how a private
/// authority is made known.
#[tokio::test]
async fn a_cluster_is_reached_over_tls_by_its_uri() {
    let authority = Authority::new("cluster");
    let options = [&RedisCluster::OPTIONS[..], &["--tls-cluster", "yes"]].concat();
    let (nodes, addresses): (Vec<_>, Vec<_>) = (0..6).map(|_| authority.serve(&options)).unzip();
    let trust = authority.path("ca.crt");
    let cluster = RedisCluster::join(nodes, &addresses, &["--tls", "--cacert", &trust]);
    let hosts = addresses.iter().map(SocketAddr::to_string).collect::<Vec<_>>().join(",");
    for scheme in ["rediss", "valkeys"] {
        cluster.nodes.iter().for_each(|node| drop(node.cli(&["FLUSHALL"])));
        let uri = format!("{scheme}+cluster://{hosts}");
        Authority::is_unknown(&uri).await;
        assert_eq!(authority.admitted_of_three(&uri), "3");
    }
}

/// Sentinels and servers alike speak TLS to each other and to us.
#[tokio::test]
async fn a_primary_is_found_and_reached_over_tls_by_its_sentinels() {
    let authority = Authority::new("sentinel");
    let (primary, address) = authority.serve(&[]);
    let (sentinels, addresses): (Vec<_>, Vec<_>) = (0..3)
        .map(|_| {
            let port = free_port();
            let options = authority.options(port);
            let mut configuration = String::new();
            for option in options.chunks(2) {
                configuration += &format!("{} {}\n", option[0].trim_start_matches("--"), option[1]);
            }
            configuration += &format!("sentinel monitor service 127.0.0.1 {} 2\n", address.port());
            (RedisServer::sentinel(&configuration), SocketAddr::from(([127, 0, 0, 1], port)))
        })
        .unzip();
    wait_until("the sentinels know each other", || {
        let knows = |sentinel: &RedisServer| {
            let known = sentinel.cli(&["SENTINEL", "MASTER", "service"]);
            known
                .lines()
                .collect::<Vec<_>>()
                .windows(2)
                .any(|pair| pair == ["num-other-sentinels", "2"])
        };
        sentinels.iter().all(knows)
    });
    let hosts = addresses.iter().map(SocketAddr::to_string).collect::<Vec<_>>().join(",");
    for scheme in ["rediss", "valkeys"] {
        primary.cli(&["FLUSHALL"]);
        let uri = format!("{scheme}+sentinel://{hosts}/service");
        Authority::is_unknown(&uri).await;
        assert_eq!(authority.admitted_of_three(&uri), "3");
    }
}
