//! Decorated and undecorated handlers behind the middleware: in process, and in a server over
//! sockets.

// Helpers of tests may panic as tests do; clippy knows the tests only.
#![allow(clippy::unwrap_used)]

#[macro_use(limiter)]
extern crate limiter_tests;

#[macro_use]
mod macros;

mod costs;
mod declared;
mod endpoints;
mod handle;
mod handlers;
mod headers;
mod scopes;
mod sockets;
mod storages;
mod wiring;
