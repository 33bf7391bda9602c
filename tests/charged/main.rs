//! Which limits a request is charged: a function of the counters and of the route that Actix takes,
//! and of nothing that other requests did before.
//!
//! In process requests are asked one after another or at once, and dropped at any poll; over sockets
//! connections are reset or half closed. Where an inner layer makes exactness impossible, the tests
//! assert the stated bound, and that the limit itself is served: see `asking`.

#![allow(clippy::unwrap_used, reason = "a test that panics says where, and has failed")]

#[macro_use(limiter, serve)]
extern crate limiter_tests;

#[macro_use]
#[path = "../http/macros.rs"]
mod macros;

mod asking;
mod attacks;
mod connections;
mod counted;
mod fresh;
mod guards;
mod hang_ups;
mod identity;
mod layers;
mod learned;
mod logins;
mod redis;
mod resets;
mod twice;
mod unmatched;
