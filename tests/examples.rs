//! Runs the examples as a new user would.

use std::{
    env,
    io::{BufRead, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use limiter_tests::get;

/// Builds an example and tells where its program is.
fn build(example: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests is in the workspace");
    let built = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--quiet", "-p", "limiter-examples", "--bin", example])
        .current_dir(root)
        .status()
        .expect("cargo runs");
    assert!(built.success(), "{example} does not build");
    // The directory of temporary files is in the target directory.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("tmp is in target");
    target.join("debug").join(example)
}

/// A running example, ended with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_quick_start_prints_its_routes_and_limits_them() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("bound");
    let mut child = Command::new(build("quickstart"))
        .env("BIND", free.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the example starts");
    let output = BufReader::new(child.stdout.take().expect("it is piped"));
    let _running = Running(child);
    let mut lines = Vec::new();
    for line in output.lines() {
        let line = line.expect("it prints text");
        lines.push(line.clone());
        if line.ends_with("/ping; done") {
            break;
        }
    }
    let printed = lines.join("\n");
    for route in [
        "GET /slow    1 per 1 day",
        "GET /medium  1 per 1 second, 50 per 1 hour, 200 per 1 day",
        "GET /fast    50 per 1 hour, 200 per 1 day",
        "GET /ping    exempt",
    ] {
        assert!(printed.contains(route), "expected {route:?} in:\n{printed}");
    }
    assert_eq!(printed.matches("curl").count(), 4);

    let statuses = |path: &str, requests| -> Vec<u16> {
        (0..requests).map(|_| get(free, path).status).collect()
    };
    assert_eq!(statuses("/slow", 3), [200, 429, 429]);
    assert_eq!(statuses("/ping", 100), [200; 100]);
    assert_eq!(statuses("/fast", 51)[49..], [200, 429]);
    assert_eq!(get(free, "/medium").body, ":|");
}
