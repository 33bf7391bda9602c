//! A Redis server of the test's own.

use std::{
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

/// Runs on a free port until it is dropped.
#[derive(Debug)]
pub(crate) struct RedisServer {
    port: u16,
    folder: PathBuf,
    options: Vec<String>,
    child: Option<Child>,
}

impl RedisServer {
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    /// With options of the command line: `["--maxmemory", "1mb"]`.
    pub(crate) fn with(options: &[&str]) -> Self {
        let port = free_port();
        let folder = folder(port);
        let mut options: Vec<_> = options.iter().map(|option| (*option).to_owned()).collect();
        options.extend(["--save", "", "--repl-diskless-sync-delay", "0"].map(str::to_owned));
        let mut server = Self { port, folder, options, child: None };
        server.run();
        server
    }

    /// A sentinel with a configuration, which it writes to.
    pub(crate) fn sentinel(configuration: &str) -> Self {
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
    pub(crate) fn lasting_keys(&self) -> Vec<String> {
        let keys = self.cli(&["--no-raw", "KEYS", "*"]);
        let names = keys.lines().filter_map(|line| Some(line[line.find('"')?..].to_owned()));
        let lasts = |name: &String| {
            let left = self.cli(&["--quoted-input", "PTTL", name]);
            left.parse::<i64>().is_ok_and(|left| left == -1 || left > 60_000)
        };
        names.filter(lasts).collect()
    }

    /// Whether a replica has what its primary has.
    pub(crate) fn is_in_step(&self) -> bool {
        self.cli(&["INFO", "replication"]).contains("master_link_status:up")
    }

    pub(crate) fn wait_until(&self, what: &str, done: impl Fn(&Self) -> bool) {
        wait_until(&format!("{}: {what}", self.address()), || done(self));
    }

    pub(crate) fn is_running(&self) -> bool {
        self.child.is_some()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    /// Options for the next start.
    pub(crate) fn options(&mut self, options: &[&str]) {
        self.options.extend(options.iter().map(|option| (*option).to_owned()));
    }

    /// Starts it again, on the same port and with what it saved.
    pub(crate) fn run(&mut self) {
        let child = Command::new("redis-server")
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
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("the server runs");
            child.wait().expect("a killed server ends");
        }
    }

    /// Runs a command of `redis-cli` and returns what it prints.
    pub(crate) fn cli(&self, arguments: &[&str]) -> String {
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
pub(crate) fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < Duration::from_secs(40), "{what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// A folder for a server.
fn folder(port: u16) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("limiter-redis-{port}"));
    std::fs::create_dir_all(&folder).expect("a folder can be made");
    folder
}

/// A port below those that the system gives to outgoing connections, with the one 10,000 above,
/// which the nodes of a cluster talk on.
fn free_port() -> u16 {
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
