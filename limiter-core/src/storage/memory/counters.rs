//! The counters of all clients in shards: which shard a client has, its lock, and the number of
//! entries.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use parking_lot::{Mutex, MutexGuard};
use smallvec::SmallVec;

use super::{
    clock_source::ClockSource,
    lock::{LockedTable, LockedTables, Tables},
    overflow::Overflow,
    table::Table,
};
use crate::{charge::Charge, clock::Timestamp, key::Key};

/// Every counter of a storage.
#[derive(Debug)]
pub(super) struct Counters {
    shards: Box<[Shard]>,
    clock: ClockSource,
    capacity: usize,
    overflow: Overflow,
    /// Counters and logged hits in all shards together.
    entries: AtomicUsize,
    overflowed: AtomicU64,
}

/// Padded to a cache line, so that two shards' locks do not share one.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Shard(Mutex<Table>);

/// Windows from here on are measured with the coarse clock, which may be some milliseconds
/// behind: 1 % of a second at most, the jitter of any network.
const COARSE_FROM_MICROS: u64 = 1_000_000;

impl Counters {
    pub(super) fn new(
        shards: usize,
        capacity: usize,
        overflow: Overflow,
        clock: ClockSource,
    ) -> Self {
        Self {
            shards: (0..shards).map(|_| Shard::default()).collect(),
            clock,
            capacity,
            overflow,
            entries: AtomicUsize::new(0),
            overflowed: AtomicU64::new(0),
        }
    }

    /// How many counters and logged hits there are.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.entries.load(Ordering::Relaxed)
    }

    /// The cap on [`len`](Self::len).
    #[inline]
    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    /// What happens to newcomers when the storage is full.
    pub(super) fn overflow(&self) -> Overflow {
        self.overflow
    }

    /// How many charges [`Overflow`] decided.
    pub(super) fn overflowed(&self) -> u64 {
        self.overflowed.load(Ordering::Relaxed)
    }

    pub(super) fn count_overflowed(&self) {
        self.overflowed.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes back what these charges took.
    pub(super) fn refund(&self, charges: &mut [Charge<'_>]) {
        let mut shards = self.lock(charges);
        let now = self.now(charges);
        for charge in charges {
            if let Some(charged_at) = charge.charged_at.take() {
                let table = shards.table(self.shard(charge.key));
                if let Some(place) = table.find(charge.counter()) {
                    table.refund(place, charge.limit, charge.cost, charged_at, now);
                }
            }
        }
    }

    /// Forgets the counters of these charges.
    pub(super) fn reset(&self, charges: &[Charge<'_>]) {
        let mut shards = self.lock(charges);
        for charge in charges {
            let table = shards.table(self.shard(charge.key));
            if let Some(place) = table.find(charge.counter()) {
                table.remove(place);
            }
        }
    }

    /// Forgets every counter.
    pub(super) fn clear(&self) {
        for shard in 0..self.shards.len() {
            *self.lock_one(shard).table(shard) = Table::default();
        }
    }

    /// The shard of a client: all its limits are in one.
    #[inline]
    pub(super) fn shard(&self, key: &Key) -> usize {
        // The upper half of the hash, scaled to the number of shards.
        let hash = key.hash() >> 64;
        ((hash * self.shards.len() as u128) >> 64) as usize
    }

    /// Locks the shards of a batch, in one order everywhere, so that two batches never wait for
    /// each other.
    pub(super) fn lock(&self, charges: &[Charge<'_>]) -> LockedTables<'_> {
        let mut shards: SmallVec<[usize; 8]> =
            charges.iter().map(|charge| self.shard(charge.key)).collect();
        shards.sort_unstable();
        shards.dedup();
        shards.into_iter().map(|shard| (shard, self.lock_one(shard))).collect()
    }

    fn lock_one(&self, shard: usize) -> LockedTable<'_> {
        self.counted(self.table(shard))
    }

    /// The table of one shard, locked. Its entries may change only once it is
    /// [counted](Self::counted).
    #[inline]
    pub(super) fn table(&self, shard: usize) -> MutexGuard<'_, Table> {
        self.shards[shard].0.lock()
    }

    /// A locked table whose entries may change.
    pub(super) fn counted<'a>(&'a self, table: MutexGuard<'a, Table>) -> LockedTable<'a> {
        LockedTable::new(table, &self.entries)
    }

    /// The shard of all charges, if it is only one: most requests have one client.
    #[inline]
    pub(super) fn only_shard(&self, charges: &[Charge<'_>]) -> Option<usize> {
        let (first, others) = charges.split_first()?;
        let shard = self.shard(first.key);
        let same = |charge: &Charge<'_>| {
            std::ptr::eq(charge.key, first.key) || self.shard(charge.key) == shard
        };
        others.iter().all(same).then_some(shard)
    }

    #[inline]
    pub(super) fn now(&self, charges: &[Charge<'_>]) -> Timestamp {
        let coarse =
            charges.iter().all(|charge| charge.limit.quota().window_micros() >= COARSE_FROM_MICROS);
        self.clock.read(coarse)
    }

    /// Every count equals what it counts, and everything is where it is looked for.
    #[cfg(test)]
    pub(super) fn audit(&self) {
        let mut entries = 0;
        for shard in &self.shards {
            let table = shard.0.lock();
            table.audit();
            entries += table.entries();
        }
        assert_eq!(self.len(), entries);
    }
}
