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

use crate::process::program;

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

/// How long each app is loaded in a round.
const TURN: Duration = Duration::from_millis(1_000);

/// Requests a second of each app: the medians of so many rounds, in which they take turns.
pub fn rates(rounds: usize) -> Vec<(&'static str, f64)> {
    let redis = Redis::start();
    let apps: Vec<Served> = NAMES.iter().map(|name| Served::start(name, redis.port)).collect();
    let mut rates = vec![Vec::new(); apps.len()];
    for round in 0..=rounds {
        for (app, rates) in apps.iter().zip(&mut rates) {
            let rate = load(&app.address);
            // The first round warms up.
            if round > 0 {
                rates.push(rate);
            }
        }
    }
    NAMES
        .into_iter()
        .zip(rates)
        .map(|(name, mut rates)| {
            rates.sort_by(f64::total_cmp);
            (name, rates[rates.len() / 2])
        })
        .collect()
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
