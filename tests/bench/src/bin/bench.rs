//! Runs everything and prints the tables. See the crate documentation for how it measures.
//!
//! `bench [--quick] [<group> | served | memory | redis]...`; everything where nothing is named.

use std::env;

use limiter_bench::{
    apps,
    contender::Contender,
    group::{GROUPS, Group},
    interleave::interleave,
    memory::{self, Store},
    over_redis, process, served,
    table::Table,
};

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (options, only): (Vec<_>, Vec<_>) =
        arguments.iter().map(String::as_str).partition(|argument| argument.starts_with("--"));
    let quick = match options[..] {
        [] => false,
        ["--quick"] => true,
        _ => panic!("expected --quick, found {options:?}"),
    };
    let wanted = |name: &str| only.is_empty() || only.contains(&name);

    for group in GROUPS.iter().filter(|group| wanted(group.name)) {
        compare(group, if quick { 15 } else { 101 });
    }
    if wanted("served") {
        serve(if quick { 1_000 } else { 3_000 });
    }
    if wanted("memory") {
        remember();
    }
    if wanted("redis") {
        over_redis(if quick { 5 } else { 21 });
    }
}

/// Time, allocations and instructions of a group.
fn compare(group: &Group, rounds: usize) {
    let mut contenders = (group.contenders)();
    let timings = interleave(&mut contenders, rounds, group.times);
    let baseline = place(&contenders, group.baseline);
    // A million entries less for the processes that follow.
    drop(contenders);

    let instructions: Vec<Option<f64>> = timings
        .iter()
        .map(|timing| Some(process::instructions(group.name, timing.name, group.counted?)))
        .collect();
    let unit = format!("one {}", group.unit);
    let columns = ["time", "goal", "instructions", "", "ns", "allocations"];
    let mut table = Table::new(&[&[unit.as_str()], &columns[..]].concat());
    for (timing, count) in timings.iter().zip(&instructions) {
        let ratio = timing.ratios[baseline];
        let goal = group.goals.iter().find(|goal| goal.contender == timing.name);
        let compared = count.zip(instructions[baseline]);
        table.row(vec![
            timing.name.to_owned(),
            format!("{ratio:.2}"),
            goal.map_or_else(String::new, |goal| verdict(ratio, goal.ratio)),
            compared
                .map_or_else(String::new, |(count, baseline)| format!("{:.2}", count / baseline)),
            count.map_or_else(String::new, |count| format!("{count:.0}")),
            format!("{:.0}", timing.nanos),
            format!("{:.2}", process::allocations(group.name, timing.name)),
        ]);
    }
    table.print(&format!("{}; ratios to: {}", group.title, group.baseline));
}

fn place(contenders: &[Contender], name: &str) -> usize {
    contenders.iter().position(|contender| contender.name == name).expect("a contender")
}

/// Instructions of a request to a served app.
fn serve(requests: u32) {
    let counts: Vec<f64> =
        apps::NAMES.iter().map(|name| served::instructions(name, requests)).collect();
    let mut table = Table::new(&["one request", "instructions", "goal", ""]);
    for (name, count) in apps::NAMES.iter().zip(&counts) {
        let ratio = count / counts[0];
        let goal = match *name {
            "ours" => Some(1.04),
            "ours, three headers" => Some(1.09),
            _ => None,
        };
        table.row(vec![
            (*name).to_owned(),
            format!("{ratio:.3}"),
            goal.map_or_else(String::new, |goal| verdict(ratio, goal)),
            format!("{count:.0}"),
        ]);
    }
    table.print(&format!("A served Actix app, one limit; ratios to: {}", apps::NAMES[0]));
}

/// Requests a second of served apps whose counters are in Redis.
fn over_redis(rounds: usize) {
    let apps = over_redis::rates(rounds);
    let named = |name: &str| apps.iter().find(|app| app.name == name).expect("an app");
    let title = format!("one app, {} connections", over_redis::CONNECTIONS);
    let mut table = Table::new(&[&title, "requests/s", "goal"]);
    for app in &apps {
        let goals = over_redis::GOALS.iter().filter(|(of, ..)| *of == app.name);
        let verdicts: Vec<String> = goals
            .map(|(_, other, least)| {
                let ratio = app.ratio(named(other));
                let word = if ratio >= *least { "reached" } else { "MISSED" };
                format!("{ratio:.2} of {other}: ≥ {least} {word}")
            })
            .collect();
        let per_second = format!("{:.0}", app.per_second());
        table.row(vec![app.name.to_owned(), per_second, verdicts.join("; ")]);
    }
    table.print("Counters in Redis, one worker, medians");
}

/// Bytes of a client among a million.
fn remember() {
    let clients = f64::from(memory::CLIENTS);
    let mut table = Table::new(&["one client", "allocated", "goal", "resident"]);
    for Store { name, .. } in memory::STORES {
        let (allocated, resident) = process::memory(name);
        let (allocated, resident) = (allocated / clients, resident / clients);
        let goal = name.starts_with("ours").then(|| verdict(allocated, 40.0));
        table.row(vec![
            name.to_owned(),
            format!("{allocated:.1}"),
            goal.unwrap_or_default(),
            format!("{resident:.1}"),
        ]);
    }
    table.print("Bytes a client, among a million");
}

fn verdict(measured: f64, goal: f64) -> String {
    let word = if measured <= goal { "reached" } else { "MISSED" };
    format!("≤ {goal} {word}")
}
