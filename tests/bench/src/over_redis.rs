//! Served apps whose counters are in Redis, and the load on them.

use std::{
    env,
    ffi::OsStr,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use crate::{
    interleave::{Random, median},
    process::{output, program},
};

/// The apps of the program `over_redis`, in the order of the table.
pub const NAMES: [&str; 7] = [
    "ours",
    "ours, five limits",
    "ours, denied",
    "ours in memory",
    "ours in memory, denied",
    "actix-extensible-rate-limit",
    "actix-limitation",
];

/// An app, another one, and how many of its requests a second it should have at the least.
pub const GOALS: [(&str, &str, f64); 4] = [
    ("ours", "actix-limitation", 3.0),
    ("ours", "actix-extensible-rate-limit", 1.1),
    ("ours, five limits", "ours", 0.8),
    ("ours, denied", "ours in memory, denied", 0.9),
];

/// How many connections the load comes over.
pub const CONNECTIONS: usize = 128;

/// The app has one processor, Redis and the load share another one: else a run depends on who
/// happens to meet whom.
const OF_APP: usize = 0;
const OF_OTHERS: usize = 1;

/// How long each app is loaded in a round: no longer than wrk must, so that all of a round meet the
/// same machine.
const TURN: Duration = Duration::from_secs(1);

/// Requests a second of an app, of each round.
pub struct Rates {
    pub name: &'static str,
    rounds: Vec<f64>,
}

impl Rates {
    /// The median over all rounds.
    pub fn per_second(&self) -> f64 {
        median(self.rounds.clone())
    }

    /// The median over all rounds of this one divided by that one in the same round.
    pub fn ratio(&self, to: &Self) -> f64 {
        median(self.rounds.iter().zip(&to.rounds).map(|(of, to)| of / to).collect())
    }
}

/// Loads all apps in turns for so many rounds. Each round has another order, so that nobody always
/// follows the same neighbour.
pub fn rates(rounds: usize) -> Vec<Rates> {
    let redis = Redis::start();
    let apps: Vec<Served> = NAMES.iter().map(|name| Served::start(name, redis.port)).collect();
    // They warm up.
    apps.iter().for_each(|app| {
        load(app);
    });
    let mut rates = NAMES.map(|name| Rates { name, rounds: Vec::with_capacity(rounds) });
    let mut order: Vec<usize> = (0..apps.len()).collect();
    let mut random = Random(1);
    for _ in 0..rounds {
        random.shuffle(&mut order);
        for &place in &order {
            rates[place].rounds.push(load(&apps[place]));
        }
    }
    rates.into()
}

/// Requests a second over all connections: those that were admitted, or, where the app denies, those
/// that were not. One more request tells that it was 200 or 429.
///
/// Load comes from wrk, one thread for all connections. A thread for each took more of the machine
/// than the apps did, so that all of them looked alike.
fn load(app: &Served) -> f64 {
    let mut wrk = pinned(OF_OTHERS, "wrk");
    wrk.args(["--threads", "1", "--connections", &CONNECTIONS.to_string()]);
    wrk.args(["--duration", &format!("{}s", TURN.as_secs())]);
    let report = output(wrk.arg(format!("http://{}/hello", app.address)));
    assert!(!report.contains("Socket errors"), "{} does not keep up: {report}", app.name);
    let number = |label: &str| -> Option<f64> {
        let line = report.lines().find_map(|line| line.trim().strip_prefix(label))?;
        line.trim().parse().ok()
    };
    let all = report.lines().find_map(|line| line.trim().split_once(" requests in "));
    let all: f64 = all.and_then(|(count, _)| count.parse().ok()).expect("a count of requests");
    let refused = number("Non-2xx or 3xx responses:").unwrap_or_default();
    let is_denied = app.name.ends_with("denied");
    let status = app.status();
    assert_eq!(status, if is_denied { "429" } else { "200" }, "{}", app.name);
    let expected = if is_denied { refused } else { all - refused };
    number("Requests/sec:").expect("a rate") * expected / all
}

/// A program that runs on one processor.
fn pinned(processor: usize, program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", &processor.to_string()]).arg(program);
    command
}

/// A Redis server of our own.
struct Redis {
    child: Child,
    port: u16,
}

impl Redis {
    fn start() -> Self {
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = free.local_addr().expect("bound").port();
        drop(free);
        let child = pinned(OF_OTHERS, "redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""])
            .current_dir(env::temp_dir())
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is installed");
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            thread::yield_now();
        }
        Self { child, port }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_file(env::temp_dir().join("dump.rdb"));
    }
}

/// An app in a process of its own, which ends with its standard input.
struct Served {
    name: &'static str,
    child: Child,
    address: String,
}

impl Served {
    fn start(name: &'static str, redis: u16) -> Self {
        // Two of the peers call a client's counter the same, so each app has a database of its own.
        let database = NAMES.iter().position(|other| *other == name).unwrap_or_default();
        let mut child = pinned(OF_APP, program("over_redis"))
            .args([name, &format!("redis://127.0.0.1:{redis}/{database}")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the app starts");
        let mut address = String::new();
        let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        stdout.read_line(&mut address).expect("the app tells its address");
        Self { name, child, address: address.trim().to_owned() }
    }

    /// The status of one answer.
    fn status(&self) -> String {
        let mut connection = TcpStream::connect(&self.address).expect("the server listens");
        let request = b"GET /hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        connection.write_all(request).expect("it is sent");
        let mut answer = String::new();
        connection.read_to_string(&mut answer).expect("an answer");
        answer.split(' ').nth(1).unwrap_or_default().to_owned()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
