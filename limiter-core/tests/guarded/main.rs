//! The guard around a storage that may fail. Time is advanced, never waited for; the storage behind
//! it is the in-process one, which fails when a test says so. (Real servers that fail are the
//! subject of the workspace's faults.)

#![cfg(feature = "remote")]
#![allow(clippy::unwrap_used, reason = "a test that panics says where, and has failed")]

mod breaker;
mod deadline;
mod fallback_limits;
mod patient;
mod policy;
mod refund;
