//! What every storage must do, the same for each: `for_every_storage!` is the list of them.
//!
//! `equivalence` lets random traces decide whether a storage answers as the pure functions of
//! `limiter_core::strategy` do; `extremes` and `step_back` do so with the largest numbers there are
//! and with a clock that goes back; `behaviours` names what a caller relies on, one test each.

#![allow(clippy::unwrap_used, reason = "a test that panics says where, and has failed")]

mod behaviours;
mod concurrency;
mod equivalence;
mod extremes;
mod model;
mod operation;
mod step_back;
mod world;
