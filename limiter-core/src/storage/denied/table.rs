//! The places of denied charges: a fixed number, of which a counter can have one of four.

use parking_lot::Mutex;

use crate::{charge::Charge, clock::Timestamp, decision::Decision, quota::Quota};

/// The most that is remembered, and where.
#[derive(Debug)]
pub(super) struct Table {
    /// A power of two of them.
    sets: Box<[Mutex<Set>]>,
}

/// The places among which a counter can be.
#[derive(Debug, Default)]
struct Set {
    denials: [Option<Denial>; WAYS],
    /// How often something was forgotten here on purpose.
    forgotten: u64,
}

const WAYS: usize = 4;

/// The denial of a charge of a cost, under a quota.
#[derive(Clone, Copy, Debug)]
struct Denial {
    counter: u128,
    /// Of the quota. Its window is in the name of the counter.
    amount: u64,
    burst: Option<u64>,
    cost: u64,
    decision: Decision,
    answered_at: Timestamp,
    known_until: Timestamp,
}

/// A decision of the storage that lies somewhere between two moments of this process' clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer {
    pub(super) decision: Decision,
    /// Nothing is remembered for longer than counted from here.
    pub(super) sent_at: Timestamp,
    /// `retry_after` is never shorter than counted from here.
    pub(super) answered_at: Timestamp,
}

/// How often something had been forgotten when the call was sent. An answer that is older than the
/// last time must not be remembered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Since(u64);

impl Table {
    pub(super) fn new(capacity: usize) -> Self {
        let sets = capacity.div_ceil(WAYS).max(1).next_power_of_two();
        Self { sets: (0..sets).map(|_| Mutex::default()).collect() }
    }

    /// The remembered denial of a charge, or else what is needed to remember the next one.
    pub(super) fn look(
        &self,
        charge: &Charge<'_>,
        now: impl FnOnce() -> Timestamp,
    ) -> Result<Decision, Since> {
        let counter = charge.counter();
        let set = self.set(counter).lock();
        let denial = set.denials.iter().flatten().find(|denial| denial.is_of(counter, charge));
        // Most clients are not denied, and need no clock.
        denial.and_then(|denial| denial.at(now())).ok_or(Since(set.forgotten))
    }

    /// Remembers how the storage decided a charge.
    pub(super) fn remember(
        &self,
        charge: &Charge<'_>,
        answer: &Answer,
        since: Since,
        staleness_micros: u64,
    ) {
        let Answer { decision, sent_at, answered_at } = *answer;
        let known_for = match decision.retry_after_micros() {
            // After the reset more remains than the decision says.
            Some(retry_after) => retry_after.min(decision.reset_after_micros()),
            // Waiting never helps.
            None => staleness_micros,
        };
        let counter = charge.counter();
        let quota = charge.limit.quota();
        let denial = Denial {
            counter,
            amount: quota.amount(),
            burst: quota.burst(),
            cost: charge.cost,
            decision,
            answered_at,
            known_until: sent_at.plus(known_for.min(staleness_micros)),
        };
        let mut set = self.set(counter).lock();
        if set.forgotten == since.0 {
            set.put(denial);
        }
    }

    /// Forgets what is known of a counter.
    pub(super) fn forget(&self, counter: u128) {
        let mut set = self.set(counter).lock();
        set.forgotten += 1;
        for place in &mut set.denials {
            if place.is_some_and(|denial| denial.counter == counter) {
                *place = None;
            }
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        for set in &self.sets {
            let mut set = set.lock();
            *set = Set { forgotten: set.forgotten + 1, ..Set::default() };
        }
    }

    fn set(&self, counter: u128) -> &Mutex<Set> {
        // A counter's number is a hash. The number of sets is a power of two.
        &self.sets[counter as usize & (self.sets.len() - 1)]
    }
}

impl Set {
    /// In its own place, a free one, or that which is forgotten first anyway.
    fn put(&mut self, denial: Denial) {
        let same = |known: &Denial| {
            (known.counter, known.amount, known.burst)
                == (denial.counter, denial.amount, denial.burst)
        };
        let rank = |place: &Option<Denial>| match place {
            Some(known) if same(known) => (0, Timestamp::default()),
            None => (1, Timestamp::default()),
            Some(known) => (2, known.known_until),
        };
        if let Some(place) = self.denials.iter_mut().min_by_key(|place| rank(place)) {
            *place = Some(denial);
        }
    }
}

impl Denial {
    /// Whether it denies the charge, too: one of the same counter and quota, and of no lower cost.
    fn is_of(&self, counter: u128, charge: &Charge<'_>) -> bool {
        let quota: &Quota = charge.limit.quota();
        self.counter == counter
            && self.cost <= charge.cost
            && (self.amount, self.burst) == (quota.amount(), quota.burst())
    }

    /// The decision, counted down.
    fn at(&self, now: Timestamp) -> Option<Decision> {
        (now < self.known_until).then(|| self.decision.later(now.since(self.answered_at)))
    }
}
