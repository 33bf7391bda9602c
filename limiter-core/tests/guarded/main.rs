//! The guard around a storage that may be ill. Time is advanced, never waited for; the storage
//! behind it is the in-process one, which falls ill when it is told to. (What real servers do when
//! they are ill is tested by the workspace's faults.)

#![cfg(feature = "remote")]
#![allow(clippy::unwrap_used, reason = "a test that panics says where, and has failed")]

mod breaker;
mod deadline;
mod fallback_limits;
mod patient;
mod policy;
mod refund;
