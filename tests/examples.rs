//! Runs the examples as a new user would.

use std::{
    env,
    io::{BufRead, BufReader, Lines},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::Once,
};

use limiter_tests::{
    get,
    redis::{RedisServer, wait_until},
    request,
};

/// Builds all examples, once, and tells where a program is.
fn build(example: &str) -> PathBuf {
    static BUILT: Once = Once::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests is in the workspace");
    BUILT.call_once(|| {
        let built = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(["build", "--quiet", "-p", "limiter-examples", "--features", "cli,redis"])
            .current_dir(root)
            .status()
            .expect("cargo runs");
        assert!(built.success(), "the examples do not build");
    });
    // The directory of temporary files is in the target directory.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("tmp is in target");
    target.join("debug").join(example)
}

/// A running example, ended with the test.
struct Running {
    program: Child,
    address: SocketAddr,
    /// What it printed until it was ready.
    printed: String,
    /// Kept open, for it may print more.
    _output: Lines<BufReader<ChildStdout>>,
}

impl Running {
    /// Starts an example on a free port and waits until it prints a line that ends like this.
    fn start(example: &str, last_line: &str) -> Self {
        Self::start_with(example, last_line, &[])
    }

    /// The same, with variables of the environment.
    fn start_with(example: &str, last_line: &str, variables: &[(&str, &str)]) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = free.local_addr().expect("bound");
        drop(free);
        let mut program = Command::new(build(example))
            .env("BIND", address.to_string())
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the example starts");
        let mut output = BufReader::new(program.stdout.take().expect("it is piped")).lines();
        let mut printed = String::new();
        for line in output.by_ref() {
            let line = line.expect("it prints text");
            printed.push_str(&line);
            printed.push('\n');
            if line.ends_with(last_line) {
                break;
            }
        }
        let mut running = Self { program, address, printed, _output: output };
        running.wait_until_it_listens();
        running
    }

    /// The line is printed before the server accepts.
    fn wait_until_it_listens(&mut self) {
        while TcpStream::connect(self.address).is_err() {
            let ended = self.program.try_wait().expect("its state can be asked for");
            assert!(ended.is_none(), "the example ended: {ended:?}\n{}", self.printed);
            std::thread::yield_now();
        }
    }

    /// The statuses of several equal requests.
    fn statuses(&self, method: &str, path: &str, headers: &[(&str, &str)], n: usize) -> Vec<u16> {
        (0..n).map(|_| request(self.address, method, path, headers, b"").status).collect()
    }

    fn gets(&self, path: &str, requests: usize) -> Vec<u16> {
        self.statuses("GET", path, &[], requests)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

#[test]
fn the_quick_start_prints_its_routes_and_limits_them() {
    let running = Running::start("quickstart", "/ping; done");
    let printed = &running.printed;
    for route in [
        "GET /slow    1 per 1 day",
        "GET /medium  1 per 1 second, 50 per 1 hour, 200 per 1 day",
        "GET /fast    50 per 1 hour, 200 per 1 day",
        "GET /ping    exempt",
    ] {
        assert!(printed.contains(route), "expected {route:?} in:\n{printed}");
    }
    assert_eq!(printed.matches("curl").count(), 4);

    assert_eq!(running.gets("/slow", 3), [200, 429, 429]);
    assert_eq!(running.gets("/ping", 100), [200; 100]);
    assert_eq!(running.gets("/fast", 51)[49..], [200, 429]);
    assert_eq!(get(running.address, "/medium").body, ":|");
}

/// Starts an example that prints nothing but where it listens.
fn start(example: &str) -> Running {
    Running::start(example, "")
}

#[test]
fn tiers_come_from_the_plan() {
    let running = start("tiers");
    let with = |key, n| running.statuses("GET", "/report", &[("x-api-key", key)], n);
    assert_eq!(with("gold-7", 6), [200, 200, 200, 200, 200, 429]);
    assert_eq!(with("silver-7", 3), [200, 200, 429]);
    assert_eq!(with("free-7", 2), [200, 429]);
}

#[test]
fn uploads_pay_by_the_kilobyte_and_queries_by_the_row() {
    let running = start("upload");
    let upload = |bytes: usize| {
        let length = bytes.to_string();
        let headers = [("content-length", &*length)];
        request(running.address, "POST", "/upload", &headers, &vec![0; bytes])
    };
    assert_eq!(upload(60_000).status, 200);
    assert_eq!(upload(38_000).status, 200, "61 of 100 are used, and 39 are left");
    assert_eq!(upload(10).status, 429);

    assert_eq!(get(running.address, "/query/998").header("x-ratelimit-remaining"), Some("1"));
    assert_eq!(running.gets("/query/0", 2), [200, 429]);
}

#[test]
fn failed_logins_count_and_a_good_one_forgets_them() {
    let running = start("failed_logins");
    let login = |body: &str| {
        let length = body.len().to_string();
        let headers =
            [("content-type", "application/x-www-form-urlencoded"), ("content-length", &*length)];
        request(running.address, "POST", "/login", &headers, body.as_bytes()).status
    };
    let (wrong, right) = ("user=ada&password=guess", "user=ada&password=secret");
    let attempts = [wrong, wrong, right, wrong, wrong, wrong, wrong, right];
    assert_eq!(attempts.map(login), [401, 401, 200, 401, 401, 401, 429, 429]);
}

#[test]
fn handlers_share_the_database() {
    let running = start("shared_database");
    assert_eq!(running.gets("/orders", 4), [200; 4]);
    assert_eq!(running.gets("/statistics", 1), [200]);
    assert_eq!(running.gets("/orders", 2), [200, 429]);
    assert_eq!(running.gets("/vacuum", 3), [200, 200, 429]);
}

#[test]
fn penalties_outlast_the_limit() {
    let running = start("penalties");
    let answers: Vec<_> = (0..6).map(|_| get(running.address, "/search")).collect();
    assert_eq!(answers[5].status, 429);
    // The third breach blocks for ten minutes; a second is not enough.
    let wait: u64 = answers[5].header("retry-after").expect("a wait").parse().expect("seconds");
    assert!(wait > 500, "{wait}");
    assert_eq!(running.gets("/ping", 3), [200; 3]);
}

#[test]
fn behind_a_proxy_clients_are_told_apart() {
    let running = start("behind_proxy");
    let from = |chain, n| running.statuses("GET", "/", &[("x-forwarded-for", chain)], n);
    assert_eq!(from("203.0.113.7", 3), [200, 200, 429]);
    assert_eq!(from("203.0.113.7, 203.0.113.8", 3), [200, 200, 429]);
    assert_eq!(from("198.51.100.1", 5), [200; 5]);
    assert_eq!(from("192.0.2.1", 1), [403]);
}

#[test]
fn denials_are_written_by_the_app() {
    let running = start("custom_response");
    assert_eq!(running.gets("/coffee", 1), [200]);
    assert_eq!(get(running.address, "/coffee").body, "too-busy: at most 1 per 1 minute");
    assert_eq!(running.gets("/tea", 2), [200, 418]);
}

#[test]
fn a_block_is_limited_and_the_rest_is_not() {
    let running = start("block");
    let bodies: Vec<String> = (0..2).map(|_| get(running.address, "/search?all").body).collect();
    assert_eq!(bodies, ["near, far, archive\n", "near, far\n"]);
    assert_eq!(running.gets("/search?all", 1), [429]);
    assert_eq!(running.gets("/search", 3), [200; 3]);
}

#[test]
fn two_processes_share_a_limit_and_go_on_without_redis() {
    let mut redis = RedisServer::start();
    let uri = redis.uri();
    let [one, other] =
        [0, 1].map(|_| Running::start_with("two_processes", "", &[("REDIS_URL", &uri)]));
    assert_eq!(one.gets("/", 3), [200; 3]);
    assert_eq!(other.gets("/", 2), [200, 429]);
    assert_eq!(one.gets("/", 1), [429]);

    redis.kill();
    // Each process has half of the limit: nobody is let in unchecked, and nobody is locked out.
    for process in [&one, &other] {
        assert_eq!(process.gets("/search", 4), [200, 200, 429, 429]);
        assert_eq!(process.gets("/login", 2), [503, 503]);
        assert!(get(process.address, "/health").body.contains("Open"));
    }

    redis.run();
    // The storage is asked again in the background.
    wait_until("the storage is asked again", || {
        one.gets("/search", 1);
        get(one.address, "/health").body.contains("Closed")
    });
    assert_eq!(one.gets("/login", 5), [200, 200, 200, 200, 429]);
}

/// The command line is a process of its own: it knows the clients of the one that serves.
#[test]
fn command_line_tells_and_clears_what_another_process_counted() {
    let mut redis = RedisServer::start();
    let uri = redis.uri();
    let server = Running::start_with("command_line", "", &[("REDIS_URL", &uri)]);
    assert_eq!(server.gets("/search", 4), [200, 200, 200, 429]);
    assert_eq!(server.gets("/items/7", 1), [200]);

    let ask = |question: &str| {
        let mut command = Command::new(build("command_line"));
        command.arg("limiter").args(question.split(' ')).env("REDIS_URL", &uri);
        let output = command.stdin(Stdio::null()).output().expect("the example runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        (text(output.stdout), text(output.stderr), output.status.code())
    };
    let answer = |question: &str| {
        let (out, problems, status) = ask(question);
        assert_eq!((problems.as_str(), status), ("", Some(0)), "{question}");
        out
    };
    let config = answer("config");
    assert!(config.contains("shop") && config.contains(&format!("redis at {}", redis.address())));
    let limits = answer("limits --key 127.0.0.1");
    assert!(
        limits.contains("`search-per-hour` [fixed-window]: Fail (0 of 3 remaining"),
        "{limits}"
    );
    assert!(limits.contains("[fixed-window, meta]: Pass (4 of 5 remaining)"), "{limits}");
    let item = answer("limits --key 127.0.0.1 --path /items/9");
    assert!(item.contains("Pass (99 of 100 remaining)"), "{item}");

    let cleared = answer("clear --key 127.0.0.1 -y");
    assert!(cleared.contains("`search-per-hour` [fixed-window]: Cleared"), "{cleared}");
    for question in ["limits --key 127.0.0.1", "limits --key 127.0.0.1 --path /items/9"] {
        let left = answer(question);
        assert!(!left.contains("Fail") && !left.contains("99 of 100"), "{left}");
    }

    redis.kill();
    let (out, problems, status) = ask("limits --key 127.0.0.1 --endpoint search");
    assert!(out.contains("`search-per-hour` [fixed-window]: Storage not available"), "{out}");
    assert!(problems.contains("expected an answer of the storage redis"), "{problems}");
    assert_eq!(status, Some(1));
    assert_eq!(ask("clear --key 127.0.0.1 -y").2, Some(1));
}

#[test]
fn limits_are_tested_with_a_fake_clock() {
    let output = Command::new(build("testing")).output().expect("the example runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.stdout, b"the limits are as they should be\n");
}
