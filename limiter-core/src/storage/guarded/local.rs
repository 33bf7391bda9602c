//! The counters of this process, which decide while the storage cannot.

use std::num::NonZeroU64;

use smallvec::SmallVec;

use crate::{
    charge::{Charge, DecidedBy, Mode},
    decision::{Decision, Outcome},
    key::Key,
    limit::{Limit, Scope},
    quota::Quota,
    storage::{
        interface::{Storage, Verb},
        memory::MemoryStorage,
    },
    strategy::{Strategy, Unsupported},
};

/// The counters of this process, and what they are charged.
#[derive(Debug)]
pub(super) struct Local {
    memory: MemoryStorage,
    stand_in: StandIn,
}

/// The limits that replace those of a batch.
#[derive(Debug)]
pub(super) enum StandIn {
    /// None: they are enforced as they are.
    Same,
    /// The same limits, with amounts divided.
    Part(NonZeroU64),
    /// Other limits, divided already, once per scope and key.
    Other(Box<[Limit]>),
}

impl StandIn {
    pub(super) fn new(
        fallback_limits: &[(Strategy, Quota)],
        instances: u32,
    ) -> Result<Self, Unsupported> {
        let instances = NonZeroU64::new(instances.into()).unwrap_or(NonZeroU64::MIN);
        if !fallback_limits.is_empty() {
            // The scope that they replace is a part of the key.
            let scope = Scope::new("fallback");
            let limits = fallback_limits.iter().zip(0..).map(|(&(strategy, quota), ordinal)| {
                strategy.check(&quota)?;
                Ok(Limit::with_ordinal(part(&quota, instances), strategy, &scope, ordinal))
            });
            return Ok(Self::Other(limits.collect::<Result<_, _>>()?));
        }
        Ok(if instances.get() > 1 { Self::Part(instances) } else { Self::Same })
    }
}

impl Local {
    pub(super) fn new(memory: MemoryStorage, stand_in: StandIn) -> Self {
        Self { memory, stand_in }
    }

    /// Applies the verb to the counters of this process.
    pub(super) fn apply(&self, verb: Verb, charges: &mut [Charge<'_>]) -> Outcome {
        let outcome = match &self.stand_in {
            StandIn::Same => self.run(verb, charges),
            StandIn::Part(of) => self.apply_part(*of, verb, charges),
            StandIn::Other(limits) => self.apply_other(limits, verb, charges),
        };
        if matches!(verb, Verb::Hit | Verb::Test) {
            charges.iter_mut().for_each(|charge| charge.decided_by = DecidedBy::Fallback);
        }
        outcome
    }

    pub(super) fn clear(&self) {
        self.memory.clear();
    }

    fn run(&self, verb: Verb, charges: &mut [Charge<'_>]) -> Outcome {
        // The memory storage answers everything at once. If it ever did not, deny.
        self.memory.apply_now(verb, charges).unwrap_or(Outcome::Deny)
    }

    fn apply_part(&self, of: NonZeroU64, verb: Verb, charges: &mut [Charge<'_>]) -> Outcome {
        let limits: SmallVec<[Limit; 4]> = charges
            .iter()
            .map(|charge| charge.limit.with_quota(part(charge.limit.quota(), of)))
            .collect();
        let mut stand_ins: SmallVec<[Charge<'_>; 4]> = charges
            .iter()
            .zip(&limits)
            .map(|(charge, limit)| Charge { limit, ..charge.clone() })
            .collect();
        let outcome = self.run(verb, &mut stand_ins);
        for (charge, stand_in) in charges.iter_mut().zip(stand_ins) {
            charge.decision = stand_in.decision;
            charge.charged_at = stand_in.charged_at;
        }
        outcome
    }

    fn apply_other(&self, limits: &[Limit], verb: Verb, charges: &mut [Charge<'_>]) -> Outcome {
        let groups = match verb {
            Verb::Hit | Verb::Test | Verb::Reset => groups(charges),
            Verb::Refund => receipts(charges),
        };
        let mut stand_ins: SmallVec<[Charge<'_>; 4]> = groups
            .iter()
            .flat_map(|group| limits.iter().map(|limit| group.charge(limit, charges)))
            .collect();
        let outcome = self.run(verb, &mut stand_ins);
        match verb {
            Verb::Hit | Verb::Test => {
                for (group, stand_ins) in groups.iter().zip(stand_ins.chunks(limits.len())) {
                    group.answer(charges, stand_ins);
                }
            }
            Verb::Refund => charges.iter_mut().for_each(|charge| charge.charged_at = None),
            Verb::Reset => {}
        }
        outcome
    }
}

/// The charges of one batch in one scope for one key, which fallback limits are charged for once.
struct Group {
    /// The scope and the client.
    key: Key,
    /// The places of its charges in the batch.
    members: SmallVec<[usize; 4]>,
    /// The place of the charge with the highest cost. It alone carries the receipt: what is charged
    /// once is refunded once.
    carrier: usize,
}

impl Group {
    fn of(charge: &Charge<'_>, place: usize) -> Self {
        let key = Key::text(charge.limit.scope()).and(charge.key);
        Self { key, members: SmallVec::from_slice(&[place]), carrier: place }
    }

    fn charge<'a>(&'a self, limit: &'a Limit, charges: &[Charge<'_>]) -> Charge<'a> {
        let enforced = self.members.iter().any(|place| charges[*place].mode == Mode::Enforce);
        let mode = if enforced { Mode::Enforce } else { Mode::Shadow };
        let carrier = &charges[self.carrier];
        let charge = Charge::new(limit, &self.key).cost(carrier.cost).mode(mode);
        Charge { charged_at: carrier.charged_at, ..charge }
    }

    /// Gives every charge of the group the strictest decision.
    fn answer(&self, charges: &mut [Charge<'_>], stand_ins: &[Charge<'_>]) {
        let decisions = stand_ins.iter().filter_map(|stand_in| stand_in.decision);
        let strictest = decisions.min_by_key(strictness);
        for place in &self.members {
            charges[*place].decision = strictest;
            charges[*place].charged_at = None;
        }
        // A shadow group may be taken in part. That part is not refunded.
        if stand_ins.iter().all(|stand_in| stand_in.charged_at.is_some()) {
            charges[self.carrier].charged_at =
                stand_ins.first().and_then(|stand_in| stand_in.charged_at);
        }
    }
}

fn groups(charges: &[Charge<'_>]) -> SmallVec<[Group; 2]> {
    let mut groups: SmallVec<[Group; 2]> = SmallVec::new();
    for (place, charge) in charges.iter().enumerate() {
        let same = |group: &&mut Group| {
            let other = &charges[group.carrier];
            other.limit.scope() == charge.limit.scope() && other.key == charge.key
        };
        match groups.iter_mut().find(same) {
            Some(group) => {
                group.members.push(place);
                if charge.cost > charges[group.carrier].cost {
                    group.carrier = place;
                }
            }
            None => groups.push(Group::of(charge, place)),
        }
    }
    groups
}

/// Each receipt is that of a whole group.
fn receipts(charges: &[Charge<'_>]) -> SmallVec<[Group; 2]> {
    let taken = charges.iter().enumerate().filter(|(_, charge)| charge.charged_at.is_some());
    taken.map(|(place, charge)| Group::of(charge, place)).collect()
}

/// Smaller is stricter: denials before admissions, then the longest wait, then the least remaining.
fn strictness(decision: &Decision) -> (bool, u64, u64) {
    let wait = decision.retry_after_micros().unwrap_or(u64::MAX);
    (decision.admitted(), u64::MAX - wait, decision.remaining())
}

/// One process' part of a quota.
fn part(quota: &Quota, of: NonZeroU64) -> Quota {
    let part = |whole: u64| (whole / of).max(whole.min(1));
    // A part of a legal amount is legal.
    let divided = Quota::new(part(quota.amount()), quota.multiples(), quota.unit());
    let divided = divided.unwrap_or(*quota);
    quota.burst().map_or(divided, |burst| divided.with_burst(part(burst)))
}
