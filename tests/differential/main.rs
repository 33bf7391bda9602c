//! This library beside Flask-Limiter: the same declarations, the same random traces of requests,
//! and every answer compared. What is compared, and where the two differ on purpose, is told by
//! the README of this folder.
//!
//! `LIMITER_SEED=17` runs the trace of that seed only, `LIMITER_TRACES=1000` so many new ones of each
//! world beside the fixed ones.

// Helpers of tests may panic as tests do; clippy knows the tests only.
#![allow(clippy::unwrap_used)]

mod client;
mod compare;
mod counter;
mod model;
mod reference;
mod trace;
mod world;
mod worlds;

use self::trace::{Ask, Step, Trace};

/// Compares a world of `worlds.rs`, in a test of its name.
macro_rules! compare {
    ($($world:ident),+ $(,)?) => {
        $(
            #[test]
            fn $world() {
                compare::traces_of(&worlds::$world());
            }
        )+
    };
}

compare! {
    one_limit,
    moving_window,
    sliding_window,
    several_limits,
    every_breach,
    several_moving,
    application,
    partly_exempt,
    variants,
    costs,
    moving_costs,
    sliding_costs,
    unmatched,
    unmatched_free,
    head,
    identity,
    identity_skipped,
    counters,
    order,
    overrides,
    repeats,
    dynamic,
    filtered,
    deducted,
    meta_limits,
    own_meta_limits,
    scopes,
    nested_scopes,
}

const SECOND: u64 = 1_000_000;

/// The meta limit resets in 30 seconds, and the default limit in 60.
#[test]
fn who_is_locked_out_is_told_to_wait_for_the_other_limits_too() {
    let get = |path| Step::Ask(Ask { client: 1, method: "GET", path, cost: None, api_key: None });
    let steps = vec![
        // The first of three breaches starts the window of 5 minutes.
        get("/fast"),
        get("/fast"),
        Step::Wait(270 * SECOND),
        // The default limit is used up, and with two more breaches the meta limit.
        get("/plain"),
        get("/plain"),
        get("/plain"),
        get("/plain"),
        get("/plain"),
        // As long as the meta limit alone would ask for, and the rest.
        Step::Wait(30 * SECOND),
        get("/plain"),
        Step::Wait(30 * SECOND),
        get("/plain"),
    ];
    let starts_at = 1_700_000_000 * SECOND;
    compare::trace_of(&worlds::meta_limits(), &Trace { starts_at, steps });
}
