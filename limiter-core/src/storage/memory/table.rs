//! The counters of one shard: 32 bytes each, found by a number.

use hashbrown::HashTable;

use crate::{
    charge::Charge,
    clock::Timestamp,
    decision::{Decision, Outcome},
    limit::Limit,
    quota::Quota,
    strategy::{FixedWindow, MovingWindow, SlidingWindowCounter, State, Strategy, TokenBucket},
};

/// The counters of one shard.
///
/// An index of 16-bit places over a dense list: three bytes an index entry, so that the slack of
/// the hash table is cheap, and a list that a sweep can walk a few steps at a time.
#[derive(Debug, Default)]
pub(super) struct Table {
    index: HashTable<u16>,
    counters: Vec<Counter>,
    /// The logs of moving windows, which do not fit a counter's words.
    logs: HashTable<(u128, MovingWindow)>,
    /// Entries of all logs together.
    logged: usize,
    /// Where the sweep goes on.
    cursor: usize,
}

/// One counter: which one, and the state of its strategy in two words.
#[derive(Clone, Copy, Debug)]
struct Counter {
    key: u128,
    words: Words,
}

/// The state of a counter in two words.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Words {
    /// After this moment the counter has expired.
    useful_until: Timestamp,
    rest: u64,
}

/// Where a counter stands in its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    /// In the list, at this place.
    Known(u16),
    /// Nowhere yet.
    New,
    /// Nowhere, and there is no room.
    Refused,
}

impl Slot {
    /// The place in the list.
    #[inline]
    pub(super) fn known(self) -> Option<u16> {
        match self {
            Self::Known(place) => Some(place),
            Self::New | Self::Refused => None,
        }
    }
}

impl Table {
    /// The most counters: one for each 16-bit place.
    pub(super) const MAX_COUNTERS: usize = 1 << 16;

    /// The place of a counter.
    #[inline]
    pub(super) fn find(&self, key: u128) -> Option<u16> {
        self.index.find(hash(key), |place| self.counters[usize::from(*place)].key == key).copied()
    }

    /// How many counters there are.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.counters.len()
    }

    /// How many counters and logged hits there are.
    #[inline]
    pub(super) fn entries(&self) -> usize {
        self.counters.len() + self.logged
    }

    /// Whether the charge would be admitted.
    #[inline]
    pub(super) fn decide(
        &mut self,
        place: Option<u16>,
        limit: &Limit,
        cost: u64,
        now: Timestamp,
    ) -> Decision {
        match limit.strategy() {
            Strategy::FixedWindow => self.decide_as::<FixedWindow>(place, limit, cost, now),
            Strategy::SlidingWindowCounter => {
                self.decide_as::<SlidingWindowCounter>(place, limit, cost, now)
            }
            Strategy::TokenBucket => self.decide_as::<TokenBucket>(place, limit, cost, now),
            Strategy::MovingWindow => self.decide_log(place, limit, cost, now),
        }
    }

    /// Decides a charge on a counter that exists, and takes it at once if it is admitted.
    /// `before` is what is needed to [undo](Self::undo) it. `None` for a log, which is not touched.
    #[inline(always)]
    pub(super) fn hit(
        &mut self,
        place: u16,
        charge: &mut Charge<'_>,
        now: Timestamp,
        before: &mut Words,
    ) -> Option<Outcome> {
        let words = &mut self.counters[usize::from(place)].words;
        Some(match charge.limit.strategy() {
            Strategy::FixedWindow => hit::<FixedWindow>(words, charge, now, before),
            Strategy::SlidingWindowCounter => {
                hit::<SlidingWindowCounter>(words, charge, now, before)
            }
            Strategy::TokenBucket => hit::<TokenBucket>(words, charge, now, before),
            Strategy::MovingWindow => return None,
        })
    }

    /// Undoes a [hit](Self::hit) of a moment ago.
    #[inline]
    pub(super) fn undo(&mut self, place: u16, before: Words) {
        self.counters[usize::from(place)].words = before;
    }

    /// Whether the charge would be admitted after others on the same counter.
    #[cold]
    pub(super) fn decide_after(
        &self,
        earlier: &[(&Limit, u64)],
        place: Option<u16>,
        limit: &Limit,
        cost: u64,
        now: Timestamp,
    ) -> Decision {
        let words = place.map_or(Words::default(), |place| self.counters[usize::from(place)].words);
        let quota = limit.quota();
        match limit.strategy() {
            Strategy::FixedWindow => {
                decide_after(FixedWindow::unpack(words, quota), earlier, quota, cost, now)
            }
            Strategy::SlidingWindowCounter => {
                decide_after(SlidingWindowCounter::unpack(words, quota), earlier, quota, cost, now)
            }
            Strategy::TokenBucket => {
                decide_after(TokenBucket::unpack(words, quota), earlier, quota, cost, now)
            }
            Strategy::MovingWindow => {
                let log = place.and_then(|place| {
                    let key = self.counters[usize::from(place)].key;
                    self.logs.find(hash(key), |(owner, _)| *owner == key)
                });
                let log = log.map(|(_, log)| log.clone()).unwrap_or_default();
                decide_after(log, earlier, quota, cost, now)
            }
        }
    }

    /// Takes a charge that was just decided. In a full storage a log stops growing.
    #[inline]
    pub(super) fn charge(
        &mut self,
        place: u16,
        limit: &Limit,
        cost: u64,
        now: Timestamp,
        full: bool,
    ) {
        let change = if full { Change::ChargeCoarsely(cost) } else { Change::Charge(cost) };
        self.change(place, limit, now, change);
    }

    /// Takes back a charge that was taken at `charged_at`.
    pub(super) fn refund(
        &mut self,
        place: u16,
        limit: &Limit,
        cost: u64,
        charged_at: Timestamp,
        now: Timestamp,
    ) {
        self.change(place, limit, now, Change::Refund(cost, charged_at));
    }

    /// Adds a counter that nothing was charged to. There must be room for it.
    pub(super) fn insert(&mut self, key: u128) -> u16 {
        if self.counters.len() == self.counters.capacity() {
            // A sixteenth more at a time: the list may not waste what the index saves.
            self.counters.reserve_exact(16.max(self.counters.len() / 16));
        }
        // Callers see to it that there are fewer than MAX_COUNTERS.
        let place = self.counters.len() as u16;
        self.counters.push(Counter { key, words: Words::default() });
        let counters = &self.counters;
        self.index.insert_unique(hash(key), place, |place| hash(counters[usize::from(*place)].key));
        place
    }

    /// Removes a counter. The last one of the list takes its place.
    pub(super) fn remove(&mut self, place: u16) {
        let removed = self.counters.swap_remove(usize::from(place));
        self.reindex(removed.key, place, None);
        if let Some(moved) = self.counters.get(usize::from(place)) {
            // It was the last one until now.
            self.reindex(moved.key, self.counters.len() as u16, Some(place));
        }
        if let Ok(log) = self.logs.find_entry(hash(removed.key), |(key, _)| *key == removed.key) {
            self.logged -= log.remove().0.1.len();
        }
    }

    /// Checks the next few counters, from where the last sweep stopped, and removes expired ones.
    pub(super) fn sweep(&mut self, steps: usize, now: Timestamp) {
        for _ in 0..steps.min(self.counters.len()) {
            if self.cursor >= self.counters.len() {
                self.cursor = 0;
            }
            let expired = self.counters.get(self.cursor);
            if expired.is_some_and(|counter| now > counter.words.useful_until) {
                self.remove(self.cursor as u16);
            }
            // The last counter may have come to this place. It is as likely as not the newcomer
            // that this sweep is for, and not worth the step that another one could be found with.
            self.cursor += 1;
        }
    }

    /// Lets the index entry of a key at place `from` point to another place, or removes it.
    fn reindex(&mut self, key: u128, from: u16, to: Option<u16>) {
        if let Ok(mut entry) = self.index.find_entry(hash(key), |place| *place == from) {
            match to {
                Some(to) => *entry.get_mut() = to,
                None => drop(entry.remove()),
            }
        }
    }

    #[inline]
    fn decide_as<S: Packed>(
        &mut self,
        place: Option<u16>,
        limit: &Limit,
        cost: u64,
        now: Timestamp,
    ) -> Decision {
        match place {
            Some(place) => {
                let words = &mut self.counters[usize::from(place)].words;
                decide::<S>(words, limit.quota(), cost, now).1
            }
            None => decide_unknown::<S>(limit.quota(), cost, now),
        }
    }

    fn decide_log(
        &mut self,
        place: Option<u16>,
        limit: &Limit,
        cost: u64,
        now: Timestamp,
    ) -> Decision {
        let quota = limit.quota();
        let log = place.and_then(|place| {
            let key = self.counters[usize::from(place)].key;
            self.logs.find_mut(hash(key), |(owner, _)| *owner == key)
        });
        let Some((_, log)) = log else {
            return decide_unknown::<MovingWindow>(quota, cost, now);
        };
        let before = log.len();
        log.settle(quota, now);
        self.logged -= before - log.len();
        log.decide(quota, cost, now)
    }

    #[inline]
    fn change(&mut self, place: u16, limit: &Limit, now: Timestamp, change: Change) {
        match limit.strategy() {
            Strategy::FixedWindow => self.change_as::<FixedWindow>(place, limit, now, change),
            Strategy::SlidingWindowCounter => {
                self.change_as::<SlidingWindowCounter>(place, limit, now, change);
            }
            Strategy::TokenBucket => self.change_as::<TokenBucket>(place, limit, now, change),
            Strategy::MovingWindow => self.change_log(place, limit, now, change),
        }
    }

    #[inline]
    fn change_as<S: Packed>(&mut self, place: u16, limit: &Limit, now: Timestamp, change: Change) {
        let words = &mut self.counters[usize::from(place)].words;
        let mut state = S::unpack(*words, limit.quota());
        change.apply(&mut state, limit.quota(), now);
        *words = state.pack(limit.quota());
    }

    fn change_log(&mut self, place: u16, limit: &Limit, now: Timestamp, change: Change) {
        let counter = &mut self.counters[usize::from(place)];
        let key = counter.key;
        let mut entry = self
            .logs
            .entry(hash(key), |(owner, _)| *owner == key, |(owner, _)| hash(*owner))
            .or_insert_with(|| (key, MovingWindow::default()));
        let (_, log) = entry.get_mut();
        self.logged -= log.len();
        match change {
            Change::ChargeCoarsely(cost) => {
                log.settle(limit.quota(), now);
                log.charge_coarsely(cost, now);
            }
            _ => change.apply(log, limit.quota(), now),
        }
        self.logged += log.len();
        counter.words.useful_until =
            log.newest().map_or(now, |newest| newest.plus(limit.quota().window_micros()));
    }
}

/// What is done to a counter.
#[derive(Clone, Copy)]
enum Change {
    Charge(u64),
    /// The same, in a log without a new entry.
    ChargeCoarsely(u64),
    Refund(u64, Timestamp),
}

impl Change {
    #[inline]
    fn apply<S: State>(self, state: &mut S, quota: &Quota, now: Timestamp) {
        state.settle(quota, now);
        match self {
            Self::Charge(cost) | Self::ChargeCoarsely(cost) => state.charge(quota, cost, now),
            Self::Refund(cost, charged_at) => state.refund(quota, cost, charged_at, now),
        }
    }
}

/// A state that fits two words.
trait Packed: State {
    fn pack(&self, quota: &Quota) -> Words;
    fn unpack(words: Words, quota: &Quota) -> Self;
}

impl Packed for FixedWindow {
    #[inline]
    fn pack(&self, _quota: &Quota) -> Words {
        Words { useful_until: self.ends_at, rest: self.used }
    }

    #[inline]
    fn unpack(words: Words, _quota: &Quota) -> Self {
        Self { ends_at: words.useful_until, used: words.rest }
    }
}

impl Packed for TokenBucket {
    #[inline]
    fn pack(&self, _quota: &Quota) -> Words {
        Words { useful_until: self.full_at, rest: self.fraction }
    }

    #[inline]
    fn unpack(words: Words, _quota: &Quota) -> Self {
        Self { full_at: words.useful_until, fraction: words.rest }
    }
}

impl Packed for SlidingWindowCounter {
    #[inline]
    fn pack(&self, quota: &Quota) -> Words {
        Words {
            useful_until: self.started_at.plus(2 * quota.window_micros()),
            rest: u64::from(self.previous) << 32 | u64::from(self.current),
        }
    }

    #[inline]
    fn unpack(words: Words, quota: &Quota) -> Self {
        Self {
            started_at: Timestamp::from_micros(
                words.useful_until.micros().saturating_sub(2 * quota.window_micros()),
            ),
            previous: (words.rest >> 32) as u32,
            current: words.rest as u32,
        }
    }
}

/// Decides a charge and takes it if it is admitted. Inlined: a call is a tenth of a hit.
#[inline(always)]
fn hit<S: Packed>(
    words: &mut Words,
    charge: &mut Charge<'_>,
    now: Timestamp,
    before: &mut Words,
) -> Outcome {
    let quota = charge.limit.quota();
    let (mut state, decision) = decide::<S>(words, quota, charge.cost, now);
    *before = *words;
    charge.decision = Some(decision);
    if charge.takes() {
        state.charge(quota, charge.cost, now);
        *words = state.pack(quota);
        charge.charged_at = Some(now);
    } else {
        charge.charged_at = None;
    }
    decision.outcome()
}

#[inline(always)]
fn decide<S: Packed>(words: &mut Words, quota: &Quota, cost: u64, now: Timestamp) -> (S, Decision) {
    let mut state = S::unpack(*words, quota);
    state.settle(quota, now);
    // Only a step back of the clock makes a state useful for less long than before, and that must
    // last: a later moment would not show it any more. A new window must not: it starts with a
    // charge, not with a question.
    let settled = state.pack(quota);
    if settled.useful_until < words.useful_until {
        *words = settled;
    }
    let decision = state.decide(quota, cost, now);
    (state, decision)
}

#[inline]
fn decide_unknown<S: State>(quota: &Quota, cost: u64, now: Timestamp) -> Decision {
    let mut state = S::default();
    state.settle(quota, now);
    state.decide(quota, cost, now)
}

fn decide_after<S: State>(
    mut state: S,
    earlier: &[(&Limit, u64)],
    quota: &Quota,
    cost: u64,
    now: Timestamp,
) -> Decision {
    for (limit, cost) in earlier {
        state.settle(limit.quota(), now);
        state.charge(limit.quota(), *cost, now);
    }
    state.settle(quota, now);
    state.decide(quota, cost, now)
}

/// The keys are random already; half of one is as good a hash as any.
#[inline]
fn hash(key: u128) -> u64 {
    key as u64
}

#[cfg(test)]
impl Table {
    /// Every count equals what it counts, and everything is where it is looked for.
    pub(super) fn audit(&self) {
        assert_eq!(self.index.len(), self.counters.len());
        for (place, counter) in self.counters.iter().enumerate() {
            assert_eq!(self.find(counter.key), Some(place as u16));
        }
        assert_eq!(self.logs.iter().map(|(_, log)| log.len()).sum::<usize>(), self.logged);
        for (key, _) in &self.logs {
            assert!(self.find(*key).is_some(), "a log without a counter");
        }
    }
}
