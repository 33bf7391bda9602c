//! Counters in this process: nothing to install, nothing to wait for.
//!
//! # How it is built
//!
//! Keys are numbers: a limit has a 128-bit seed, a client's key a 128-bit hash, and their
//! exclusive or names the counter. No string is built and nothing is allocated on the way of a
//! known client. Counters are sharded by *client*, so one short lock covers all limits of a
//! request; a batch that spans clients takes its locks in order.
//!
//! # What happens when memory is full
//!
//! The number of counters has a hard cap ([`MemoryStorageBuilder::capacity`], a million by default: about
//! 40 MB). An active counter is never forgotten to make room: then an attacker with many addresses
//! could wipe the counters of others, and his own. Expired counters are reused as new ones come
//! (a few are swept with every newcomer, so no request pays for many). When all are active,
//! [`Overflow`] decides, and [`MemoryStorage::overflowed`] counts.

mod builder;
mod table;

use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use parking_lot::{Mutex, MutexGuard};
use smallvec::SmallVec;

pub use self::builder::{MemoryStorageBuilder, Overflow};
use self::{
    builder::ClockSource,
    table::{Slot, Table, Words},
};
use super::{BoxFuture, Storage, Verb};
use crate::{
    charge::{Charge, Mode},
    clock::Timestamp,
    decision::{Decision, Outcome},
    error::StorageError,
    key::Key,
    limit::Limit,
    strategy::Strategy,
};

/// Counters in this process. Clones share them.
#[derive(Clone, Debug)]
pub struct MemoryStorage {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
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

/// How many counters are looked at for every new one: more than one, so that the sweep overtakes
/// a flood of newcomers.
const SWEEP_PER_NEWCOMER: usize = 2;

/// What a shard keeps free of newcomers, for the shared counters of [`Overflow::Share`].
const KEPT_FREE_PER_SHARD: usize = 1 << 10;

/// How many counters are swept when the storage is full and a newcomer comes.
const SWEEP_WHEN_FULL: usize = 64;

impl MemoryStorage {
    /// A storage with the defaults of the [builder](Self::builder).
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// A storage with options of your own.
    pub fn builder() -> MemoryStorageBuilder {
        MemoryStorageBuilder::default()
    }

    /// Decides one charge and takes it if admitted.
    pub fn hit(&self, limit: &Limit, key: &Key, cost: u64) -> Decision {
        let mut charges = [Charge::new(limit, key).cost(cost)];
        self.decide(&mut charges, true);
        decided(&charges[0])
    }

    /// Decides one charge and takes nothing.
    pub fn test(&self, limit: &Limit, key: &Key, cost: u64) -> Decision {
        let mut charges = [Charge::new(limit, key).cost(cost)];
        self.decide(&mut charges, false);
        decided(&charges[0])
    }

    /// What is left in the window and when some of it comes back. Takes nothing.
    pub fn peek(&self, limit: &Limit, key: &Key) -> Decision {
        self.test(limit, key, 0)
    }

    /// Decides a batch: all charges are taken, or none is. Every charge carries its decision
    /// afterwards.
    pub fn hit_all(&self, charges: &mut [Charge<'_>]) -> Outcome {
        self.decide(charges, true)
    }

    /// Decides a batch and takes nothing.
    pub fn test_all(&self, charges: &mut [Charge<'_>]) -> Outcome {
        self.decide(charges, false)
    }

    /// Takes back the charges that [`hit_all`](Self::hit_all) took, each at most once: never below
    /// nothing, never from a later window.
    pub fn refund_all(&self, charges: &mut [Charge<'_>]) {
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

    /// Forgets the counter of a limit for a key: the next hit is the first.
    pub fn reset(&self, limit: &Limit, key: &Key) {
        self.reset_all(&[Charge::new(limit, key)]);
    }

    /// Forgets every counter of every client.
    pub fn clear(&self) {
        for shard in 0..self.inner.shards.len() {
            *self.lock_one(shard).table = Table::default();
        }
    }

    /// How many counters and logged hits are kept, expired ones that were not swept yet included.
    pub fn len(&self) -> usize {
        self.inner.entries.load(Ordering::Relaxed)
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The hard cap on [`len`](Self::len).
    pub fn capacity(&self) -> usize {
        self.inner.capacity
    }

    /// How many charges met a full storage so far and were decided by [`Overflow`].
    pub fn overflowed(&self) -> u64 {
        self.inner.overflowed.load(Ordering::Relaxed)
    }

    fn reset_all(&self, charges: &[Charge<'_>]) {
        let mut shards = self.lock(charges);
        for charge in charges {
            let table = shards.table(self.shard(charge.key));
            if let Some(place) = table.find(charge.counter()) {
                table.remove(place);
            }
        }
    }

    /// The shard of a client: all its limits are in one.
    #[inline]
    fn shard(&self, key: &Key) -> usize {
        // The upper half of the hash, scaled to the number of shards.
        let hash = key.hash() >> 64;
        ((hash * self.inner.shards.len() as u128) >> 64) as usize
    }

    /// Locks the shards of a batch, in one order everywhere, so that two batches never wait for
    /// each other.
    fn lock(&self, charges: &[Charge<'_>]) -> LockedTables<'_> {
        let mut shards: SmallVec<[usize; 8]> =
            charges.iter().map(|charge| self.shard(charge.key)).collect();
        shards.sort_unstable();
        shards.dedup();
        LockedTables(shards.into_iter().map(|shard| (shard, self.lock_one(shard))).collect())
    }

    fn lock_one(&self, shard: usize) -> LockedTable<'_> {
        self.counted(self.inner.shards[shard].0.lock())
    }

    /// A locked table whose entries may change.
    fn counted<'a>(&'a self, table: MutexGuard<'a, Table>) -> LockedTable<'a> {
        LockedTable { entries: &self.inner.entries, entries_before: table.entries(), table }
    }

    /// The shard of all charges, where there is but one: a request has one client as a rule.
    #[inline]
    fn only_shard(&self, charges: &[Charge<'_>]) -> Option<usize> {
        let (first, others) = charges.split_first()?;
        let shard = self.shard(first.key);
        let same = |charge: &Charge<'_>| {
            std::ptr::eq(charge.key, first.key) || self.shard(charge.key) == shard
        };
        others.iter().all(same).then_some(shard)
    }

    #[inline]
    fn now(&self, charges: &[Charge<'_>]) -> Timestamp {
        let coarse =
            charges.iter().all(|charge| charge.limit.quota().window_micros() >= COARSE_FROM_MICROS);
        self.inner.clock.read(coarse)
    }

    #[inline]
    fn decide(&self, charges: &mut [Charge<'_>], take: bool) -> Outcome {
        match self.only_shard(charges) {
            Some(shard) => {
                let mut table = self.inner.shards[shard].0.lock();
                // Read under the lock: within one shard moments never go back.
                let now = self.now(charges);
                match hit_known(&mut table, charges, take, now) {
                    Some(outcome) => outcome,
                    None => self.decide_batch(&mut self.counted(table), charges, take, now),
                }
            }
            None => {
                let mut tables = self.lock(charges);
                let now = self.now(charges);
                self.decide_batch(&mut tables, charges, take, now)
            }
        }
    }

    #[inline(never)]
    fn decide_batch(
        &self,
        shards: &mut impl Tables,
        charges: &mut [Charge<'_>],
        take: bool,
        now: Timestamp,
    ) -> Outcome {
        // A moving window may need a counter and a logged hit.
        let full = self.len() + 2 * charges.len() > self.inner.capacity
            && self.is_full_for(shards, charges, now);
        let mut places: SmallVec<[Place; 8]> = SmallVec::new();
        let mut outcome = Outcome::Admit;
        for index in 0..charges.len() {
            let (earlier, rest) = charges.split_at_mut(index);
            let place = self.place(shards, &rest[0], earlier.len() + rest.len(), full);
            let earlier = taken_before(earlier, &places, &place);
            let charge = &mut rest[0];
            charge.charged_at = None;
            let table = shards.table(place.shard);
            charge.decision = Some(match place.slot {
                Slot::Refused => refuse(charge),
                slot if earlier.is_empty() => {
                    table.decide(slot.known(), charge.limit, charge.cost, now)
                }
                slot => table.decide_after(&earlier, slot.known(), charge.limit, charge.cost, now),
            });
            if charge.denies() {
                outcome = Outcome::Deny;
            }
            places.push(place);
        }
        if take && outcome == Outcome::Admit {
            take_all(shards, charges, &places, now, full);
        }
        outcome
    }

    #[inline]
    fn place(
        &self,
        shards: &mut impl Tables,
        charge: &Charge<'_>,
        batch: usize,
        full: bool,
    ) -> Place {
        let shard = self.shard(charge.key);
        let key = charge.counter();
        let table = shards.table(shard);
        match table.find(key) {
            Some(slot) => Place { shard, key, slot: Slot::Known(slot) },
            None if full || table.len() + batch + KEPT_FREE_PER_SHARD > Table::MAX_COUNTERS => {
                self.place_when_full(table, shard, charge, batch)
            }
            None => Place { shard, key, slot: Slot::New },
        }
    }

    #[cold]
    fn place_when_full(
        &self,
        table: &Table,
        shard: usize,
        charge: &Charge<'_>,
        batch: usize,
    ) -> Place {
        self.inner.overflowed.fetch_add(1, Ordering::Relaxed);
        // The limit's seed alone is the newcomers' counter: a client's key would have to have the
        // hash zero to be mistaken for them.
        let key = charge.limit.seed();
        let slot = match (self.inner.overflow, table.find(key)) {
            (Overflow::Share, Some(slot)) => Slot::Known(slot),
            (Overflow::Share, None) if table.len() + batch <= Table::MAX_COUNTERS => Slot::New,
            _ => Slot::Refused,
        };
        Place { shard, key, slot }
    }

    /// Whether there is no room for what the batch adds, not even after some sweeping. A client
    /// whose counters are all there does not pay for a sweep.
    #[cold]
    fn is_full_for(
        &self,
        shards: &mut impl Tables,
        charges: &[Charge<'_>],
        now: Timestamp,
    ) -> bool {
        let mut wanted = 0;
        for charge in charges {
            let logs = charge.limit.strategy() == Strategy::MovingWindow;
            let known = shards.table(self.shard(charge.key)).find(charge.counter()).is_some();
            wanted += usize::from(!known) + usize::from(logs);
        }
        if wanted == 0 || self.len() + wanted <= self.inner.capacity {
            return false;
        }
        shards.sweep(SWEEP_WHEN_FULL, now);
        self.len() + wanted > self.inner.capacity
    }
}

/// The way of most requests: a few charges of one client, to counters that are there. `None` where
/// it is not so, and then nothing was taken.
///
/// Each charge is taken as soon as it is admitted, so that the next one on the same counter sees
/// it; and all are undone, under the same lock, if the batch is denied in the end.
#[inline]
fn hit_known(
    table: &mut Table,
    charges: &mut [Charge<'_>],
    take: bool,
    now: Timestamp,
) -> Option<Outcome> {
    if let ([charge], true) = (&mut *charges, take) {
        // What is denied alone has taken nothing that would have to be undone.
        return hit_one(table, charge, now, &mut Default::default());
    }
    if charges.len() > FEW {
        return None;
    }
    let mut undo = [(0, Words::default()); FEW];
    let mut known = 0;
    let mut outcome = Some(Outcome::Admit);
    for (charge, undo) in charges.iter_mut().zip(&mut undo) {
        match hit_one(table, charge, now, undo) {
            Some(Outcome::Admit) => {}
            Some(Outcome::Deny) => outcome = Some(Outcome::Deny),
            None => {
                outcome = None;
                break;
            }
        }
        known += 1;
    }
    if !take || outcome != Some(Outcome::Admit) {
        for (charge, (place, before)) in charges.iter_mut().zip(undo).take(known).rev() {
            table.undo(place, before);
            charge.charged_at = None;
        }
    }
    outcome
}

/// As many charges as most requests make at the most.
const FEW: usize = 6;

/// Decides one charge on a counter that is there, and takes it at once if it is admitted. What the
/// counter was goes to `undo`. Whether the batch may be admitted; `None` without such a counter.
#[inline(always)]
fn hit_one(
    table: &mut Table,
    charge: &mut Charge<'_>,
    now: Timestamp,
    undo: &mut (u16, Words),
) -> Option<Outcome> {
    let place = table.find(charge.counter())?;
    undo.0 = place;
    match table.hit(place, charge, now, &mut undo.1)? {
        Outcome::Deny if charge.mode != Mode::Shadow => Some(Outcome::Deny),
        _ => Some(Outcome::Admit),
    }
}

/// Takes every charge that has something to take.
#[inline]
fn take_all(
    shards: &mut impl Tables,
    charges: &mut [Charge<'_>],
    places: &[Place],
    now: Timestamp,
    full: bool,
) {
    let mut newcomers = 0;
    for (charge, place) in charges.iter_mut().zip(places) {
        if !charge.takes() {
            continue;
        }
        let table = shards.table(place.shard);
        let slot = match place.slot {
            Slot::Known(slot) => slot,
            Slot::New | Slot::Refused => table.find(place.key).unwrap_or_else(|| {
                newcomers += 1;
                table.insert(place.key)
            }),
        };
        table.charge(slot, charge.limit, charge.cost, now, full);
        charge.charged_at = Some(now);
    }
    if newcomers > 0 {
        shards.sweep(SWEEP_PER_NEWCOMER * newcomers, now);
    }
}

/// What a newcomer is told who is refused because the storage is full: when to try again.
const RETRY_WHEN_FULL_MICROS: u64 = 1_000_000;

impl Default for MemoryStorage {
    fn default() -> Self {
        Self::new()
    }
}

impl Storage for MemoryStorage {
    fn name(&self) -> &str {
        "memory"
    }

    fn supports(&self, _strategy: Strategy) -> bool {
        true
    }

    #[inline]
    fn apply_now(&self, verb: Verb, charges: &mut [Charge<'_>]) -> Option<Outcome> {
        Some(match verb {
            Verb::Hit => self.decide(charges, true),
            Verb::Test => self.decide(charges, false),
            Verb::Refund => {
                self.refund_all(charges);
                Outcome::Admit
            }
            Verb::Reset => {
                self.reset_all(charges);
                Outcome::Admit
            }
        })
    }

    fn apply<'a>(
        &'a self,
        verb: Verb,
        charges: &'a mut [Charge<'_>],
    ) -> BoxFuture<'a, Result<Outcome, StorageError>> {
        let outcome = self.apply_now(verb, charges).unwrap_or(Outcome::Deny);
        Box::pin(std::future::ready(Ok(outcome)))
    }

    fn clear(&self) -> BoxFuture<'_, Result<(), StorageError>> {
        Self::clear(self);
        Box::pin(std::future::ready(Ok(())))
    }
}

/// The tables of a batch, locked.
trait Tables {
    /// The table of one of the batch's shards.
    fn table(&mut self, shard: usize) -> &mut Table;

    /// Sweeps each of them a little.
    fn sweep(&mut self, steps: usize, now: Timestamp);
}

/// The one table of a batch. Keeps the count of entries.
struct LockedTable<'a> {
    entries: &'a AtomicUsize,
    entries_before: usize,
    table: MutexGuard<'a, Table>,
}

impl LockedTable<'_> {
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
struct LockedTables<'a>(SmallVec<[(usize, LockedTable<'a>); 2]>);

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

/// Where the counter of a charge is, or will be.
#[derive(Clone, Copy)]
struct Place {
    shard: usize,
    key: u128,
    slot: Slot,
}

/// The earlier charges of a batch that will have been taken from the counter at `place`.
#[inline]
fn taken_before<'a>(
    earlier: &[Charge<'a>],
    places: &[Place],
    place: &Place,
) -> SmallVec<[(&'a Limit, u64); 2]> {
    let same = |earlier: &Place| earlier.key == place.key && earlier.shard == place.shard;
    if !places.iter().any(same) {
        // As in nearly every batch: a limit does not stand twice in it.
        return SmallVec::new();
    }
    earlier
        .iter()
        .zip(places)
        .filter(|(charge, earlier)| same(earlier) && charge.takes())
        .map(|(charge, _)| (charge.limit, charge.cost))
        .collect()
}

/// What a newcomer is told for whom there is no room.
#[cold]
fn refuse(charge: &Charge<'_>) -> Decision {
    let (quota, retry_after) = (charge.limit.quota(), RETRY_WHEN_FULL_MICROS);
    if quota.amount() == 0 || charge.cost > quota.capacity() {
        Decision::never(0, retry_after)
    } else if charge.cost == 0 {
        Decision::admit(0, retry_after)
    } else {
        Decision::deny(0, retry_after, retry_after)
    }
}

fn decided(charge: &Charge<'_>) -> Decision {
    // `decide` gives every charge a decision; were it not so, the answer is no.
    charge.decision.unwrap_or(Decision::never(0, 0))
}

#[cfg(test)]
mod tests;
