//! Exactly the declared number, whoever counts.

use std::{
    collections::BTreeSet,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use limiter_core::{
    Charge, FakeClock, Key, Limit, Outcome, Quota, Scope, Storage, Strategy, Unit, Verb,
    storage::denied::DeniedCache,
};

use limiter_tests::redis::RedisServer;

use crate::ward::{Ward, guard, hit, per_hour, redis, used};

/// [34]
#[tokio::test(flavor = "multi_thread")]
async fn of_64_tasks_on_a_limit_of_100_exactly_100_are_admitted() {
    let ward = Ward::with(|guard| guard.deadline(Duration::from_secs(5))).await;
    for strategy in Strategy::ALL {
        let limit = Arc::new(Limit::new(Quota::per_day(100), strategy, &Scope::new("tasks")));
        let tasks: Vec<_> = (0..64)
            .map(|_| {
                let (guard, limit, key) =
                    (ward.guard.clone(), Arc::clone(&limit), ward.key.clone());
                tokio::spawn(async move {
                    let mut admitted = 0;
                    for _ in 0..10 {
                        admitted += u64::from(hit(&guard, &limit, &key).await.admitted);
                    }
                    admitted
                })
            })
            .collect();
        let mut admitted = 0;
        for task in tasks {
            admitted += task.await.unwrap();
        }
        assert_eq!(admitted, 100, "{strategy}");
    }
}

/// [35]
#[test]
fn of_4_processes_with_16_tasks_each_exactly_100_hits_are_admitted() {
    let server = RedisServer::start();
    let uri = format!("redis://{}", server.address());
    let processes: Vec<_> = (0..4)
        .map(|_| {
            Command::new(env!("CARGO_BIN_EXE_hitter"))
                .args([&uri, "16", "20", "100"])
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    let admitted: u64 = processes
        .into_iter()
        .map(|process| {
            let output = process.wait_with_output().unwrap();
            assert!(output.status.success());
            String::from_utf8_lossy(&output.stdout).trim().parse::<u64>().unwrap()
        })
        .sum();
    assert_eq!(admitted, 100);
}

/// [26] Whatever the clocks of the processes say, the server's is asked.
#[tokio::test(flavor = "multi_thread")]
async fn processes_whose_clocks_differ_by_ten_minutes_admit_the_same() {
    let server = RedisServer::start();
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    let clocks: Vec<_> = [5, 0, 10]
        .map(|late| {
            let clock = FakeClock::new();
            clock.advance(minutes(late));
            clock
        })
        .into();
    let processes: Vec<_> = clocks
        .iter()
        .map(|clock| {
            let guard = guard(&format!("redis://{}", server.address()), |guard| {
                guard.clock(clock.clone()).deadline(Duration::from_secs(5))
            });
            DeniedCache::builder(Arc::new(guard)).clock(clock.clone()).build()
        })
        .collect();
    let (limit, key) = (per_hour(10, "clocks"), Key::text("client"));
    let mut admitted = 0;
    for round in 0..10 {
        // One of them steps about while it counts.
        match round % 2 {
            0 => clocks[2].step_back(minutes(20)),
            _ => clocks[2].advance(minutes(20)),
        }
        for process in &processes {
            admitted += usize::from(hit(process, &limit, &key).await.admitted);
        }
    }
    assert_eq!(admitted, 10);
    assert_eq!(used(&*redis(&format!("redis://{}", server.address())), &limit, &key).await, 10);
}

/// [36]
#[tokio::test(flavor = "multi_thread")]
async fn of_two_limits_one_of_which_denies_neither_is_charged() {
    let ward = Ward::new().await;
    let (minute, day) = (per_hour(1, "minute"), per_hour(100, "day"));
    let batch = || [Charge::new(&minute, &ward.key), Charge::new(&day, &ward.key)];
    assert_eq!(ward.guard.apply(Verb::Hit, &mut batch()).await.unwrap(), Outcome::Admit);
    for _ in 0..5 {
        assert_eq!(ward.guard.apply(Verb::Hit, &mut batch()).await.unwrap(), Outcome::Deny);
    }
    assert_eq!((ward.used(&minute).await, ward.used(&day).await), (1, 1));
}

/// [37]
#[tokio::test(flavor = "multi_thread")]
async fn costs_above_what_is_left_or_above_the_limit_change_nothing() {
    let ward = Ward::new().await;
    for strategy in Strategy::ALL {
        let limit = Limit::new(Quota::per_day(5), strategy, &Scope::new("costs"));
        let apply = async |cost| {
            let mut charges = [Charge::new(&limit, &ward.key).cost(cost)];
            let outcome = ward.guard.apply(Verb::Hit, &mut charges).await.unwrap();
            (outcome, *charges[0].decision().unwrap())
        };
        assert_eq!(apply(2).await.0, Outcome::Admit, "{strategy}");
        for (cost, outcome) in
            [(4, Outcome::Deny), (6, Outcome::Deny), (u64::MAX, Outcome::Deny), (0, Outcome::Admit)]
        {
            let (decided, decision) = apply(cost).await;
            assert_eq!((decided, decision.remaining()), (outcome, 3), "{strategy}: {cost}");
            assert_eq!(decision.retry_after().is_none(), cost > 5, "{strategy}: {cost}");
        }
        assert_eq!(apply(3).await.1.remaining(), 0, "{strategy}");
    }
}

/// [38] [39]
#[tokio::test(flavor = "multi_thread")]
async fn a_refund_after_the_end_of_the_window_and_a_second_one_change_nothing() {
    let ward = Ward::new().await;
    let short = Quota::new(5, 100, Unit::Millisecond).unwrap();
    for strategy in Strategy::ALL {
        let limit = Limit::new(short, strategy, &Scope::new("late refund"));
        let mut charges = [Charge::new(&limit, &ward.key).cost(2)];
        ward.guard.apply(Verb::Hit, &mut charges).await.unwrap();
        // The server's clock cannot be advanced.
        tokio::time::sleep(Duration::from_millis(250)).await;
        let before = names(&ward.server);
        ward.guard.apply(Verb::Refund, &mut charges).await.unwrap();
        let made: Vec<_> = names(&ward.server).difference(&before).cloned().collect();
        assert!(made.is_empty(), "{strategy}: a refund makes no key: {made:?}");
        assert_eq!(ward.used(&limit).await, 0, "{strategy}");
        let limit = Limit::new(Quota::per_day(5), strategy, &Scope::new("refund twice"));
        let mut first = [Charge::new(&limit, &ward.key).cost(2)];
        ward.guard.apply(Verb::Hit, &mut first).await.unwrap();
        ward.guard.apply(Verb::Hit, &mut [Charge::new(&limit, &ward.key)]).await.unwrap();
        for _ in 0..3 {
            ward.guard.apply(Verb::Refund, &mut first).await.unwrap();
            assert_eq!(ward.used(&limit).await, 1, "{strategy}");
        }
    }
}

/// The names of all keys, quoted.
fn names(server: &RedisServer) -> BTreeSet<String> {
    let keys = server.cli(&["--no-raw", "KEYS", "*"]);
    keys.lines().filter_map(|line| Some(line[line.find('"')?..].to_owned())).collect()
}

/// [47] What a process had reserved when it was killed comes back with its window.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_process_had_reserved_expires_with_its_window() {
    let server = RedisServer::start();
    let uri = format!("redis://{}", server.address());
    let mut process = Command::new(env!("CARGO_BIN_EXE_hitter"))
        .args([&uri, "1", "5", "5"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let (limit, key) = (limiter_tests::hitter::limit(5), limiter_tests::hitter::key());
    let storage = redis(&uri);
    while used(&*storage, &limit, &key).await < 5 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    process.kill().unwrap();
    process.wait().unwrap();
    assert!(!hit(&*storage, &limit, &key).await.admitted);
    tokio::time::sleep(limit.quota().window()).await;
    assert!(hit(&*storage, &limit, &key).await.admitted);
    assert_eq!(used(&*storage, &limit, &key).await, 1);
}
