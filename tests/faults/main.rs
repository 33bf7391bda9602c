//! Redis when it is ill, and networks that do not deliver. Every fault is a real one: of a server
//! that the test starts, or of the proxy in between.
//!
//! What is expected every time: no panic, no wait beyond the deadline, no more admitted than
//! documented, and each change of state told once. The numbers in brackets are those of the list of
//! faults that the suite was written from.

#![allow(clippy::unwrap_used, reason = "a test that panics says where, and has failed")]

mod answers;
mod cluster;
mod counting;
mod http;
mod load;
mod log;
mod network;
mod outage;
mod promotion;
mod ward;
