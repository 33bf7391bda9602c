//! Redis servers of the test's own, alone, in a cluster or watched by sentinels. They end with the
//! value that stands for them.

use std::{
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        atomic::{AtomicU32, Ordering::Relaxed},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

/// Runs on a free port until it is dropped.
#[derive(Debug)]
pub struct RedisServer {
    port: u16,
    folder: PathBuf,
    options: Vec<String>,
    child: Option<Child>,
}

impl RedisServer {
    /// With the defaults, but that it does not save, nor let a replica wait for others.
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// With options of the command line: `["--maxmemory", "1mb"]`.
    pub fn with(options: &[&str]) -> Self {
        let port = free_port();
        let folder = folder(port);
        let mut options: Vec<_> = options.iter().map(|option| (*option).to_owned()).collect();
        options.extend(["--save", "", "--repl-diskless-sync-delay", "0"].map(str::to_owned));
        let mut server = Self { port, folder, options, child: None };
        server.run();
        server
    }

    /// A sentinel with a configuration, which it writes to.
    pub fn sentinel(configuration: &str) -> Self {
        let port = free_port();
        let folder = folder(port);
        std::fs::write(folder.join("sentinel.conf"), configuration).expect("a configuration");
        let configuration = folder.join("sentinel.conf").to_string_lossy().into_owned();
        let options = vec![configuration, "--sentinel".to_owned()];
        let mut server = Self { port, folder, options, child: None };
        server.run();
        server
    }

    /// The names of counters that last for more than a minute, quoted: they are not text.
    pub fn lasting_keys(&self) -> Vec<String> {
        let keys = self.cli(&["--no-raw", "KEYS", "*"]);
        let names = keys.lines().filter_map(|line| Some(line[line.find('"')?..].to_owned()));
        let lasts = |name: &String| {
            let left = self.cli(&["--quoted-input", "PTTL", name]);
            left.parse::<i64>().is_ok_and(|left| left == -1 || left > 60_000)
        };
        names.filter(lasts).collect()
    }

    /// Whether a replica has what its primary has.
    pub fn is_in_step(&self) -> bool {
        self.cli(&["INFO", "replication"]).contains("master_link_status:up")
    }

    /// Waits until something is true of it.
    pub fn wait_until(&self, what: &str, done: impl Fn(&Self) -> bool) {
        wait_until(&format!("{}: {what}", self.address()), || done(self));
    }

    /// Whether it was not killed.
    pub fn is_running(&self) -> bool {
        self.child.is_some()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    /// Where the storage finds it.
    pub fn uri(&self) -> String {
        format!("redis://{}", self.address())
    }

    /// Options for the next start.
    pub fn options(&mut self, options: &[&str]) {
        self.options.extend(options.iter().map(|option| (*option).to_owned()));
    }

    /// Starts it again, on the same port and with what it saved.
    pub fn run(&mut self) {
        // It ends with the thread that started it, should that end without a drop.
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "redis-server"])
            // First of all the name of a configuration, where there is one.
            .args(&self.options)
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"])
            .arg("--dir")
            .arg(&self.folder)
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is installed");
        self.child = Some(child);
        self.wait_until("it listens", |server| TcpStream::connect(server.address()).is_ok());
    }

    /// Ends it at once, as a power cut does.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("the server runs");
            child.wait().expect("a killed server ends");
        }
    }

    /// Stops it as if it were busy for ever: connections stay, and nothing is answered.
    pub fn stall(&self) {
        self.signal("STOP");
    }

    /// Lets it go on after [`stall`](Self::stall).
    pub fn go_on(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let process = self.child.as_ref().expect("the server runs").id().to_string();
        let sent = Command::new("kill").args(["-s", name, &process]).status();
        assert!(sent.expect("kill is installed").success());
    }

    /// Runs a command of `redis-cli` and returns what it prints.
    pub fn cli(&self, arguments: &[&str]) -> String {
        let output = Command::new("redis-cli")
            .args(["-p", &self.port.to_string()])
            .args(arguments)
            .output()
            .expect("redis-cli is installed");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
        // The folder is in the way of nobody.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Waits for what servers do among themselves, which takes some seconds at the most.
pub fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < Duration::from_secs(40), "{what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// An empty folder for a server. An earlier one on the same port may have left its own, with the
/// cluster that it belonged to.
fn folder(port: u16) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("limiter-redis-{port}"));
    if folder.exists() {
        std::fs::remove_dir_all(&folder).expect("nobody uses it");
    }
    std::fs::create_dir(&folder).expect("a folder can be made");
    folder
}

/// A port below those that the system gives to outgoing connections, with the one 10,000 above,
/// which the nodes of a cluster talk on.
pub fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let is_free = |port: &u16| {
        let free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
        free(*port) && free(*port + 10_000)
    };
    (0..20_000)
        // Other processes of these tests begin elsewhere.
        .map(|_| std::process::id().wrapping_mul(997).wrapping_add(NEXT.fetch_add(1, Relaxed)))
        .map(|number| 12_000 + (number % 20_000) as u16)
        .find(is_free)
        .expect("a free port on the loopback")
}

/// Starts servers for the whole process: in a thread that lives as long, for servers end with the
/// thread that started them. `tell` says where they are.
pub fn for_the_process<S: 'static>(start: fn() -> S, tell: fn(&S) -> String) -> String {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let servers = start();
        sender.send(tell(&servers)).expect("somebody waits for it");
        loop {
            thread::park();
        }
    });
    receiver.recv().expect("the servers start")
}

/// A cluster of three primaries with a replica each.
#[derive(Debug)]
pub struct RedisCluster {
    /// All of them, in the order in which they were started.
    pub nodes: Vec<RedisServer>,
}

impl RedisCluster {
    /// What every node is told.
    pub const OPTIONS: [&str; 4] = ["--cluster-enabled", "yes", "--cluster-node-timeout", "1000"];

    /// Starts it, and waits until all nodes agree.
    pub fn start() -> Self {
        let nodes: Vec<_> = (0..6).map(|_| RedisServer::with(&Self::OPTIONS)).collect();
        let addresses: Vec<_> = nodes.iter().map(RedisServer::address).collect();
        Self::join(nodes, &addresses, &[])
    }

    /// Joins six nodes that know each other by these addresses, with options for `redis-cli`, and
    /// waits until all agree.
    pub fn join(nodes: Vec<RedisServer>, addresses: &[SocketAddr], options: &[&str]) -> Self {
        let addresses: Vec<_> = addresses.iter().map(SocketAddr::to_string).collect();
        let mut create = options.to_vec();
        create.extend(["--cluster", "create"]);
        create.extend(addresses.iter().map(String::as_str));
        create.extend(["--cluster-replicas", "1", "--cluster-yes"]);
        nodes[0].cli(&create);
        let cluster = Self { nodes };
        wait_until("all nodes agree", || {
            let is_ready =
                |node: &RedisServer| node.cli(&["CLUSTER", "INFO"]).contains("cluster_state:ok");
            // By their own word: the others may know it before they do.
            let follows =
                |node: &&RedisServer| node.cli(&["ROLE"]).starts_with("slave") && node.is_in_step();
            let nodes = &cluster.nodes;
            let known = nodes[0].cli(&["CLUSTER", "NODES"]).matches("slave ").count();
            nodes.iter().all(is_ready) && known == 3 && nodes.iter().filter(follows).count() == 3
        });
        cluster
    }

    /// Where the storage finds it.
    pub fn uri(&self) -> String {
        let addresses: Vec<_> = self.nodes.iter().map(|node| node.address().to_string()).collect();
        format!("redis+cluster://{}", addresses.join(","))
    }
}

/// A primary with two replicas, and three sentinels that watch over them under the name `service`.
#[derive(Debug)]
pub struct RedisService {
    /// The primary first.
    pub servers: Vec<RedisServer>,
    /// All three.
    pub sentinels: Vec<RedisServer>,
}

impl RedisService {
    /// Starts it, and waits until everybody knows everybody.
    pub fn start() -> Self {
        let mut servers = vec![RedisServer::start()];
        let primary = servers[0].address().port().to_string();
        for _ in 0..2 {
            let replica = RedisServer::with(&["--replicaof", "127.0.0.1", &primary]);
            replica.wait_until("it has its primary's data", RedisServer::is_in_step);
            servers.push(replica);
        }
        let watch = format!(
            "sentinel monitor service 127.0.0.1 {primary} 2\n\
             sentinel down-after-milliseconds service 1000\n\
             sentinel failover-timeout service 3000\n"
        );
        let sentinels: Vec<_> = (0..3).map(|_| RedisServer::sentinel(&watch)).collect();
        let knows = |sentinel: &RedisServer| {
            let known = sentinel.cli(&["SENTINEL", "MASTER", "service"]);
            let lines: Vec<_> = known.lines().collect();
            let is = |name: &str, value: &str| lines.windows(2).any(|pair| pair == [name, value]);
            is("num-slaves", "2") && is("num-other-sentinels", "2")
        };
        for sentinel in &sentinels {
            sentinel.wait_until("it knows all others", knows);
        }
        Self { servers, sentinels }
    }

    /// Where the storage finds it.
    pub fn uri(&self) -> String {
        let addresses: Vec<_> =
            self.sentinels.iter().map(|sentinel| sentinel.address().to_string()).collect();
        format!("redis+sentinel://{}/service", addresses.join(","))
    }
}
