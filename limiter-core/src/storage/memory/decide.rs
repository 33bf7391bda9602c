//! How a batch is decided: all its charges are taken, or none is.

use smallvec::SmallVec;

use super::{
    counters::Counters,
    known::hit_known,
    lock::Tables,
    overflow::Overflow,
    table::{Slot, Table},
};
use crate::{
    charge::Charge,
    clock::Timestamp,
    decision::{Decision, Outcome},
    limit::Limit,
    strategy::Strategy,
};

/// How many counters are swept for every new one: more than one, so that the sweep overtakes a
/// flood of newcomers.
const SWEEP_PER_NEWCOMER: usize = 2;

/// What a shard keeps free of newcomers, for the shared counters of [`Overflow::Share`].
const KEPT_FREE_PER_SHARD: usize = 1 << 10;

/// How many counters are swept when the storage is full and a newcomer comes.
const SWEEP_WHEN_FULL: usize = 64;

/// `retry_after` of a newcomer that is denied because the storage is full.
const RETRY_WHEN_FULL_MICROS: u64 = 1_000_000;

impl Counters {
    /// Decides a batch. `take` is whether its charges are taken if none denies.
    #[inline]
    pub(super) fn decide(&self, charges: &mut [Charge<'_>], take: bool) -> Outcome {
        match self.only_shard(charges) {
            Some(shard) => {
                let mut table = self.table(shard);
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
        let full = self.len() + 2 * charges.len() > self.capacity()
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
        self.count_overflowed();
        // The limit's seed alone is the newcomers' counter: a client's key would need the hash
        // zero to collide with it.
        let key = charge.limit.seed();
        let slot = match (self.overflow(), table.find(key)) {
            (Overflow::Share, Some(slot)) => Slot::Known(slot),
            (Overflow::Share, None) if table.len() + batch <= Table::MAX_COUNTERS => Slot::New,
            _ => Slot::Refused,
        };
        Place { shard, key, slot }
    }

    /// Whether there is no room for the new entries of the batch, even after a sweep. A client
    /// whose counters all exist does not pay for a sweep.
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
        if wanted == 0 || self.len() + wanted <= self.capacity() {
            return false;
        }
        shards.sweep(SWEEP_WHEN_FULL, now);
        self.len() + wanted > self.capacity()
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

/// The decision on a newcomer for which there is no room.
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
