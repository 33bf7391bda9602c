//! This library beside Flask-Limiter: the same declarations, the same random traces of requests,
//! and every answer compared. What is compared, and where the two differ on purpose, is told by
//! the README of this folder.
//!
//! `LIMITER_SEED=17` runs the trace of that seed only, `LIMITER_TRACES=1000` so many of each world.

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
