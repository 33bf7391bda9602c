//! Served apps whose counters are in Redis, and the load on them.

use std::{
    env, fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use crate::{
    interleave::{Random, median},
    process::program,
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

const CONNECTIONS: usize = 32;

/// How long each app is loaded in a round: short, so that all of a round meet the same machine.
const TURN: Duration = Duration::from_millis(250);

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
        load(&app.address);
    });
    let mut rates = NAMES.map(|name| Rates { name, rounds: Vec::with_capacity(rounds) });
    let mut order: Vec<usize> = (0..apps.len()).collect();
    let mut random = Random(1);
    for _ in 0..rounds {
        random.shuffle(&mut order);
        for &place in &order {
            rates[place].rounds.push(load(&apps[place].address));
        }
    }
    rates.into()
}

/// Requests a second over all connections.
fn load(address: &str) -> f64 {
    let (stop, answered) = (AtomicBool::new(false), AtomicU64::new(0));
    let began = Instant::now();
    thread::scope(|scope| {
        for _ in 0..CONNECTIONS {
            scope.spawn(|| {
                let mut connection = TcpStream::connect(address).expect("the server listens");
                connection.set_nodelay(true).expect("an option of TCP");
                let mut answers = BufReader::new(connection.try_clone().expect("a handle"));
                while !stop.load(Ordering::Relaxed) {
                    if exchange(&mut connection, &mut answers) {
                        answered.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        thread::sleep(TURN);
        stop.store(true, Ordering::Relaxed);
    });
    answered.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64()
}

/// Sends a request and reads its answer; whether it is one, and not an error of the server.
fn exchange(connection: &mut TcpStream, answers: &mut BufReader<TcpStream>) -> bool {
    connection.write_all(b"GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("it is sent");
    let (mut line, mut length, mut is_answer) = (String::new(), 0, true);
    while line != "\r\n" {
        line.clear();
        answers.read_line(&mut line).expect("a header");
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.trim().parse().expect("a length");
        }
        is_answer &= !line.starts_with("HTTP/1.1 5");
    }
    answers.read_exact(&mut vec![0; length]).expect("a body");
    is_answer
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
        let child = Command::new("redis-server")
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
    child: Child,
    address: String,
}

impl Served {
    fn start(name: &str, redis: u16) -> Self {
        // Two of the peers call a client's counter the same, so each app has a database of its own.
        let database = NAMES.iter().position(|other| *other == name).unwrap_or_default();
        let mut child = Command::new(program("over_redis"))
            .args([name, &format!("redis://127.0.0.1:{redis}/{database}")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the app starts");
        let mut address = String::new();
        let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        stdout.read_line(&mut address).expect("the app tells its address");
        Self { child, address: address.trim().to_owned() }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
