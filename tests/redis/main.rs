//! What the Redis storage promises beyond the rules of every storage, asked of real servers: how
//! often it asks, what it leaves there, whom it can log in as.
//!
//! How it decides is compared with the pure functions in `matrix`; what happens when a server or
//! the way to it is ill, in `faults`.

#![allow(clippy::unwrap_used, reason = "a test that panics says where, and has failed")]

mod clearing;
mod counter_names;
mod eviction;
mod expiry;
mod foreign;
mod gathering;
mod logins;
mod names;
mod processes;
mod raw;
mod round_trips;
mod size;
mod slots;
mod slots_apart;
mod tls;
mod uris;
