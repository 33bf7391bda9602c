//! The strategies as what they are: pure functions of state, quota, cost and moment.
//!
//! `laws` holds what is true of every strategy, for random and hostile traces; `models` compares
//! each strategy with a naive one that is obviously right; `bounds` reaches the bounds that the
//! documentation publishes; `reference` has the named behaviours of the reference.

#![allow(clippy::unwrap_used, reason = "a test that panics says where, and has failed")]

mod bounds;
mod laws;
mod models;
mod reference;
mod support;
mod token_bucket;
