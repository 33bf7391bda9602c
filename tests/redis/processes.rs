//! Several processes that count as one.

use std::process::{Command, Stdio};

use limiter_core::Strategy;
use limiter_tests::redis::RedisServer;

#[test]
fn of_4_processes_with_64_tasks_each_exactly_the_declared_number_is_admitted() {
    let server = RedisServer::start();
    for strategy in Strategy::ALL {
        let processes: Vec<_> = (0..4)
            .map(|_| {
                Command::new(env!("CARGO_BIN_EXE_hitter"))
                    .args([&server.uri(), "64", "5", "777", strategy.name()])
                    .stdin(Stdio::null())
                    .stdout(Stdio::piped())
                    .spawn()
                    .unwrap()
            })
            .collect();
        let mut admitted = 0;
        for process in processes {
            let output = process.wait_with_output().unwrap();
            assert!(output.status.success(), "{strategy}");
            admitted += String::from_utf8_lossy(&output.stdout).trim().parse::<u64>().unwrap();
        }
        assert_eq!(admitted, 777, "{strategy}: of 1,280 hits");
    }
}
