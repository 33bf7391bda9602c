//! The locked tables of a batch, which keep the count of all entries.

use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::MutexGuard;
use smallvec::SmallVec;

use super::table::Table;
use crate::clock::Timestamp;

/// The tables of a batch, locked.
pub(super) trait Tables {
    /// The table of one of the batch's shards.
    fn table(&mut self, shard: usize) -> &mut Table;

    /// Sweeps each of them a little.
    fn sweep(&mut self, steps: usize, now: Timestamp);
}

/// The one table of a batch. Keeps the count of entries.
pub(super) struct LockedTable<'a> {
    entries: &'a AtomicUsize,
    entries_before: usize,
    table: MutexGuard<'a, Table>,
}

impl<'a> LockedTable<'a> {
    pub(super) fn new(table: MutexGuard<'a, Table>, entries: &'a AtomicUsize) -> Self {
        Self { entries, entries_before: table.entries(), table }
    }

    #[inline]
    fn count(&mut self) {
        let after = self.table.entries();
        if after != self.entries_before {
            // Wraps around on a decrease, which is what `fetch_add` does with it.
            self.entries.fetch_add(after.wrapping_sub(self.entries_before), Ordering::Relaxed);
            self.entries_before = after;
        }
    }
}

impl Tables for LockedTable<'_> {
    #[inline]
    fn table(&mut self, _shard: usize) -> &mut Table {
        &mut self.table
    }

    #[cold]
    fn sweep(&mut self, steps: usize, now: Timestamp) {
        self.table.sweep(steps, now);
        self.count();
    }
}

impl Drop for LockedTable<'_> {
    #[inline]
    fn drop(&mut self) {
        self.count();
    }
}

/// The tables of a batch that spans clients, locked in order.
pub(super) struct LockedTables<'a>(SmallVec<[(usize, LockedTable<'a>); 2]>);

impl<'a> FromIterator<(usize, LockedTable<'a>)> for LockedTables<'a> {
    fn from_iter<I: IntoIterator<Item = (usize, LockedTable<'a>)>>(tables: I) -> Self {
        Self(tables.into_iter().collect())
    }
}

impl Tables for LockedTables<'_> {
    #[inline]
    fn table(&mut self, shard: usize) -> &mut Table {
        // Every shard of the batch was locked, so the fallback is never taken.
        let index = self.0.iter().position(|(locked, _)| *locked == shard).unwrap_or(0);
        &mut self.0[index].1.table
    }

    #[cold]
    fn sweep(&mut self, steps: usize, now: Timestamp) {
        for (_, table) in &mut self.0 {
            table.sweep(steps, now);
        }
    }
}
