//! Counts that are taken in a process of their own.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{self, Command, Stdio},
};

/// Allocations each time.
pub fn allocations(group: &str, contender: &str) -> f64 {
    let answer = output(Command::new(program("probe")).args(["allocations", group, contender]));
    answer.parse().expect("a number")
}

/// Allocated and resident bytes of a store of a million clients.
pub fn memory(store: &str) -> (f64, f64) {
    let answer = output(Command::new(program("probe")).args(["memory", store]));
    let (allocated, resident) = answer.split_once(' ').expect("two numbers");
    (allocated.parse().expect("a number"), resident.parse().expect("a number"))
}

/// Instructions each time.
pub fn instructions(group: &str, contender: &str, times: usize) -> f64 {
    let counts = Counts::new();
    let mut command = callgrind(&counts, &program("probe"), &["--toggle-collect=probe::counted*"]);
    let times = output(command.args(["run", group, contender, &times.to_string()]));
    counts.read() / times.parse::<f64>().expect("a number")
}

/// A program under callgrind, which writes to `counts`.
pub fn callgrind(counts: &Counts, program: &Path, options: &[&str]) -> Command {
    let mut command = Command::new("valgrind");
    command
        .args(["--quiet", "--tool=callgrind"])
        .arg(format!("--callgrind-out-file={}", counts.0.display()))
        .args(options)
        .arg(program);
    command
}

/// Another program of this package.
pub fn program(name: &str) -> PathBuf {
    env::current_exe().expect("a path").with_file_name(name)
}

/// The file with callgrind's counts. It goes when this goes.
pub struct Counts(PathBuf);

impl Counts {
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Self(env::temp_dir().join(format!("limiter-bench-{}.callgrind", process::id())))
    }

    /// All instructions that were counted.
    ///
    /// # Panics
    /// If callgrind counted none.
    pub fn read(&self) -> f64 {
        let counts = fs::read_to_string(&self.0).expect("callgrind writes its counts");
        let total = counts.lines().find_map(|line| line.strip_prefix("totals: "));
        let total = total.expect("a total").trim().parse().expect("a number");
        assert!(total > 0.0, "callgrind has collected nothing");
        total
    }
}

impl Drop for Counts {
    fn drop(&mut self) {
        // Nothing is lost if it is not there.
        let _ = fs::remove_file(&self.0);
    }
}

/// What a command prints.
pub fn output(command: &mut Command) -> String {
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", output.status);
    String::from_utf8(output.stdout).expect("text").trim().to_owned()
}
