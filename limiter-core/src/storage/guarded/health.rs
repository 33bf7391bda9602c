//! The health of a guarded storage, for metrics and health checks.

use std::sync::atomic::{AtomicU64, Ordering};

/// Whether the storage is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Circuit {
    /// It is called: it works, or has not failed often enough.
    Closed,
    /// It is not called: the failure policy decides.
    Open,
    /// It is not called, but a probe is on its way.
    HalfOpen,
}

/// The state of a guarded storage, and what happened since it was built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// Whether the storage is called.
    pub circuit: Circuit,
    /// Calls that failed or passed the deadline, without probes.
    pub failures: u64,
    /// How often the circuit opened.
    pub opened: u64,
    /// How often it closed again.
    pub closed: u64,
    /// Probes that were sent.
    pub probes: u64,
    /// Batches that were decided by this process.
    pub decided_locally: u64,
    /// Batches that failed with the storage's error.
    pub failed: u64,
    /// Charges that were admitted without a decision.
    pub left_out: u64,
}

/// A number that only grows.
#[derive(Debug, Default)]
pub(super) struct Count(AtomicU64);

impl Count {
    pub(super) fn add(&self, count: usize) {
        self.0.fetch_add(count as u64, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
