//! The groups of contenders that are compared with each other: one table each.

use crate::{apps, checks, contender::Contender};

/// Contenders that are compared with each other.
pub struct Group {
    /// Its name on the command line of `probe`.
    pub name: &'static str,
    pub title: &'static str,
    /// What is counted: a check, a batch, a request.
    pub unit: &'static str,
    pub contenders: fn() -> Vec<Contender>,
    /// The contender that all others are divided by.
    pub baseline: &'static str,
    /// How many clients there are.
    pub clients: usize,
    /// How often it is done in one turn: some milliseconds.
    pub times: usize,
    /// How often it is done under callgrind; none where that would show nothing new.
    pub counted: Option<usize>,
    pub goals: &'static [Goal],
}

/// The most that a contender may take, divided by the baseline's time.
pub struct Goal {
    pub contender: &'static str,
    pub ratio: f64,
}

pub const GROUPS: [Group; 6] = [
    Group {
        name: "hot-key",
        title: "One limit, one client",
        unit: "check",
        contenders: checks::hot_key,
        baseline: "governor, IpAddr",
        clients: 1,
        times: 40_000,
        counted: Some(2_000),
        goals: &[
            Goal { contender: "ours, fixed window, IpAddr", ratio: 0.5 },
            Goal { contender: "ours, token bucket, IpAddr", ratio: 0.5 },
        ],
    },
    Group {
        name: "denied",
        title: "One limit, one client who is denied",
        unit: "check",
        contenders: checks::denied,
        baseline: "governor, IpAddr",
        clients: 1,
        times: 40_000,
        counted: Some(2_000),
        goals: &[],
    },
    Group {
        name: "many-keys",
        title: "One limit, 100,000 clients",
        unit: "check",
        contenders: checks::many_keys,
        baseline: "governor, IpAddr",
        clients: checks::CLIENTS,
        times: checks::CLIENTS,
        counted: None,
        goals: &[
            Goal { contender: "ours, fixed window, IpAddr", ratio: 0.35 },
            Goal { contender: "ours, token bucket, IpAddr", ratio: 0.35 },
        ],
    },
    Group {
        name: "three-limits",
        title: "Three limits, one client",
        unit: "batch",
        contenders: checks::three_limits,
        baseline: "ours, one limit",
        clients: 1,
        times: 40_000,
        counted: Some(2_000),
        goals: &[Goal { contender: "ours, three limits in one batch", ratio: 1.7 }],
    },
    Group {
        name: "app",
        title: "An Actix app in process, one limit",
        unit: "request",
        contenders: apps::in_process,
        baseline: "bare",
        clients: 1,
        times: 4_000,
        counted: Some(2_000),
        goals: &[Goal { contender: "ours", ratio: 1.10 }],
    },
    Group {
        name: "app-call",
        title: "The same without building the request",
        unit: "call",
        contenders: apps::calls,
        baseline: "bare",
        clients: 1,
        times: 4_000,
        counted: Some(2_000),
        goals: &[],
    },
];

/// # Panics
/// If there is no such group.
pub fn by_name(name: &str) -> Group {
    GROUPS.into_iter().find(|group| group.name == name).expect("a group")
}
