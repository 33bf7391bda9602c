//! The options of the memory storage.

use std::sync::Arc;

use super::{
    clock_source::ClockSource, counters::Counters, overflow::Overflow, storage::MemoryStorage,
};
use crate::clock::Clock;

/// Options of a [`MemoryStorage`].
#[derive(Clone, Debug)]
pub struct MemoryStorageBuilder {
    capacity: usize,
    overflow: Overflow,
    clock: ClockSource,
}

/// At the capacity a shard holds about this many counters: small enough that growing one takes
/// microseconds, and 80 % of a power of two, where its index is compact.
const COUNTERS_PER_SHARD: usize = 3_300;

/// Enough that 64 threads rarely wait for the same shard.
const MIN_SHARDS: usize = 64;

impl MemoryStorage {
    /// A storage with the defaults of the [builder](Self::builder).
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// A storage with options of your own.
    pub fn builder() -> MemoryStorageBuilder {
        MemoryStorageBuilder::default()
    }
}

impl Default for MemoryStorage {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryStorageBuilder {
    /// The hard cap on counters and logged hits, at most about 40 bytes each. (A moving window
    /// takes more: 140 bytes for the first hit of a client, 16 to 32 for every further one.)
    /// Default: 1,000,000, which holds a full day of clients of a large site in 40 MB.
    ///
    /// In a full storage the log of a known client stops growing: its hits are merged, and leave
    /// the window with the latest of them. So it may admit less than its amount, never more.
    ///
    /// Batches that run at the very same moment may pass it by their own few counters, and so may
    /// the one shared counter per limit and shard of [`Overflow::Share`].
    #[must_use]
    pub fn capacity(self, capacity: usize) -> Self {
        Self { capacity, ..self }
    }

    /// What happens to newcomers when the storage is full. Default: [`Overflow::Share`].
    #[must_use]
    pub fn overflow(self, overflow: Overflow) -> Self {
        Self { overflow, ..self }
    }

    /// The clock. Default: [`MonotonicClock`](crate::clock::MonotonicClock).
    #[must_use]
    pub fn clock(self, clock: impl Clock) -> Self {
        Self { clock: ClockSource::Custom(Arc::new(clock)), ..self }
    }

    /// A clock that is shared with others.
    #[must_use]
    pub fn shared_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock: ClockSource::Custom(clock), ..self }
    }

    /// The storage.
    pub fn build(self) -> MemoryStorage {
        let shards = (self.capacity / COUNTERS_PER_SHARD).max(MIN_SHARDS);
        let counters = Counters::new(shards, self.capacity, self.overflow, self.clock);
        MemoryStorage::over(counters)
    }
}

impl Default for MemoryStorageBuilder {
    fn default() -> Self {
        Self { capacity: 1_000_000, overflow: Overflow::Share, clock: ClockSource::Monotonic }
    }
}
