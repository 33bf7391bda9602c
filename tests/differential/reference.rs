//! Flask-Limiter itself, in a virtual environment of its own, as a server beside the test.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::LazyLock,
};

use crate::{trace::seconds, world::World};

const REQUIREMENTS: &str = include_str!("requirements.txt");

/// The reference serving a world. It ends when its standard input does.
pub(crate) struct Reference {
    process: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    address: SocketAddr,
}

impl Reference {
    pub(crate) fn start(world: &World) -> Self {
        static PYTHON: LazyLock<PathBuf> = LazyLock::new(python);
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("differential/reference.py");
        let mut process = Command::new(&*PYTHON)
            .arg(script)
            .arg(world.name)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the virtual environment has a Python");
        let orders = process.stdin.take().expect("it is piped");
        let mut answers = BufReader::new(process.stdout.take().expect("it is piped"));
        let port = line(&mut answers).parse().expect("the reference prints its port");
        Self { process, orders, answers, address: ([127, 0, 0, 1], port).into() }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Forgets all counters, and sets the clock to these microseconds since the epoch.
    pub(crate) fn reset(&mut self, now: u64) {
        self.order(&format!("reset {}", seconds(now)));
    }

    /// Sets the clock forward.
    pub(crate) fn set_clock(&mut self, now: u64) {
        self.order(&format!("now {}", seconds(now)));
    }

    fn order(&mut self, order: &str) {
        writeln!(self.orders, "{order}").expect("the reference reads");
        assert_eq!(line(&mut self.answers), "done", "the answer to `{order}`");
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn line(from: &mut impl BufRead) -> String {
    let mut line = String::new();
    from.read_line(&mut line).expect("the reference prints text");
    line.trim_end().to_owned()
}

/// The Python of a virtual environment with the requirements, which is made once.
fn python() -> PathBuf {
    let environment = Path::new(env!("CARGO_TARGET_TMPDIR")).join("flask-limiter");
    let python = environment.join("bin/python");
    let stamp = environment.join("requirements.txt");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == REQUIREMENTS) {
        return python;
    }
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment));
    let requirements = Path::new(env!("CARGO_MANIFEST_DIR")).join("differential/requirements.txt");
    run(Command::new(&python)
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"])
        .arg(requirements));
    fs::write(stamp, REQUIREMENTS).expect("the virtual environment can be written to");
    python
}

fn run(command: &mut Command) {
    let status = command.status();
    let done = status.as_ref().is_ok_and(|status| status.success());
    assert!(
        done,
        "expected {command:?} to succeed, found {status:?}: the reference needs the Debian packages \
         `python3` and `python3-venv`, and PyPI for the first time"
    );
}
