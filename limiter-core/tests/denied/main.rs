//! The memory of who is denied: never wrong about anybody, and never a round trip too many.

#![cfg(feature = "remote")]
#![allow(clippy::unwrap_used, reason = "a test that panics says where, and has failed")]

mod behaviours;
mod far;
mod laws;
