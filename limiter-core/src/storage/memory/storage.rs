//! The storage itself: what callers do to the counters.

use std::{future, sync::Arc};

use super::counters::Counters;
use crate::{
    charge::Charge,
    decision::{Decision, Outcome},
    error::StorageError,
    key::Key,
    limit::Limit,
    storage::interface::{BoxFuture, Storage, Verb},
    strategy::Strategy,
};

/// Counters in this process. Clones share them.
#[derive(Clone, Debug)]
pub struct MemoryStorage {
    counters: Arc<Counters>,
}

impl MemoryStorage {
    pub(super) fn over(counters: Counters) -> Self {
        Self { counters: Arc::new(counters) }
    }

    /// Decides one charge and takes it if admitted.
    pub fn hit(&self, limit: &Limit, key: &Key, cost: u64) -> Decision {
        let mut charges = [Charge::new(limit, key).cost(cost)];
        self.counters.decide(&mut charges, true);
        decided(&charges[0])
    }

    /// Decides one charge and takes nothing.
    pub fn test(&self, limit: &Limit, key: &Key, cost: u64) -> Decision {
        let mut charges = [Charge::new(limit, key).cost(cost)];
        self.counters.decide(&mut charges, false);
        decided(&charges[0])
    }

    /// What is left in the window and when some of it comes back. Takes nothing.
    pub fn peek(&self, limit: &Limit, key: &Key) -> Decision {
        self.test(limit, key, 0)
    }

    /// Decides a batch: all charges are taken, or none is. Every charge carries its decision
    /// afterwards.
    pub fn hit_all(&self, charges: &mut [Charge<'_>]) -> Outcome {
        self.counters.decide(charges, true)
    }

    /// Decides a batch and takes nothing.
    pub fn test_all(&self, charges: &mut [Charge<'_>]) -> Outcome {
        self.counters.decide(charges, false)
    }

    /// Takes back the charges that [`hit_all`](Self::hit_all) took, each at most once: never below
    /// nothing, never from a later window.
    pub fn refund_all(&self, charges: &mut [Charge<'_>]) {
        self.counters.refund(charges);
    }

    /// Forgets the counter of a limit for a key: the next hit is the first.
    pub fn reset(&self, limit: &Limit, key: &Key) {
        self.counters.reset(&[Charge::new(limit, key)]);
    }

    /// Forgets every counter of every client.
    pub fn clear(&self) {
        self.counters.clear();
    }

    /// How many counters and logged hits are kept, expired ones that were not swept yet included.
    pub fn len(&self) -> usize {
        self.counters.len()
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The hard cap on [`len`](Self::len).
    pub fn capacity(&self) -> usize {
        self.counters.capacity()
    }

    /// How many charges met a full storage so far and were decided by
    /// [`Overflow`](super::Overflow).
    pub fn overflowed(&self) -> u64 {
        self.counters.overflowed()
    }

    #[cfg(test)]
    pub(super) fn audit(&self) {
        self.counters.audit();
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
            Verb::Hit => self.counters.decide(charges, true),
            Verb::Test => self.counters.decide(charges, false),
            Verb::Refund => {
                self.counters.refund(charges);
                Outcome::Admit
            }
            Verb::Reset => {
                self.counters.reset(charges);
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
        Box::pin(future::ready(Ok(outcome)))
    }

    fn clear(&self) -> BoxFuture<'_, Result<(), StorageError>> {
        Self::clear(self);
        Box::pin(future::ready(Ok(())))
    }
}

fn decided(charge: &Charge<'_>) -> Decision {
    // `decide` gives every charge a decision. If it ever did not, deny.
    charge.decision.unwrap_or(Decision::never(0, 0))
}
