//! One limit, one key, one cost: the unit of every decision.

use crate::{clock::Timestamp, decision::Decision, key::Key, limit::Limit};

/// Whether a charge may deny the batch, and whether it takes its cost. Complete.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// A denial denies the whole batch.
    #[default]
    Enforce,
    /// Evaluated, counted and reported, but its denial is no denial.
    Shadow,
    /// A denial denies the whole batch, but nothing is ever taken: what a meta limit asks before
    /// every request, although only breaches count.
    Test,
}

/// One limit, one key and one cost; after a decision also the answer.
///
/// The charge is its own receipt: a refund takes back what *this* charge took, once.
#[derive(Clone, Debug)]
pub struct Charge<'a> {
    pub(crate) limit: &'a Limit,
    pub(crate) key: &'a Key,
    pub(crate) cost: u64,
    pub(crate) mode: Mode,
    pub(crate) decision: Option<Decision>,
    pub(crate) charged_at: Option<Timestamp>,
}

impl<'a> Charge<'a> {
    /// A charge of cost 1.
    pub const fn new(limit: &'a Limit, key: &'a Key) -> Self {
        Self { limit, key, cost: 1, mode: Mode::Enforce, decision: None, charged_at: None }
    }

    /// The same charge with a cost. A cost of zero only looks: it charges nothing and is denied
    /// only by an amount of zero.
    #[must_use]
    pub const fn cost(self, cost: u64) -> Self {
        Self { cost, ..self }
    }

    /// The same charge in a mode.
    #[must_use]
    pub const fn mode(self, mode: Mode) -> Self {
        Self { mode, ..self }
    }

    /// The same charge as one that took its cost at a moment of the storage's clock: what a
    /// caller kept of an earlier [`charged_at`](Self::charged_at), in order to refund it.
    #[must_use]
    pub const fn taken_at(self, charged_at: Option<Timestamp>) -> Self {
        Self { charged_at, ..self }
    }

    /// The limit.
    pub const fn limit(&self) -> &'a Limit {
        self.limit
    }

    /// The key.
    pub const fn key(&self) -> &'a Key {
        self.key
    }

    /// What was decided about this charge alone; `None` before any decision.
    ///
    /// In a denied batch a charge can be admitted by itself: its decision then tells what it would
    /// have left, although nothing was charged.
    pub const fn decision(&self) -> Option<&Decision> {
        self.decision.as_ref()
    }

    /// When the cost was taken; `None` if it was not, or was refunded.
    pub const fn charged_at(&self) -> Option<Timestamp> {
        self.charged_at
    }

    /// Whether this charge, by itself, denies its batch.
    pub(crate) fn denies(&self) -> bool {
        self.mode != Mode::Shadow && self.decision.is_some_and(|decision| !decision.admitted())
    }

    /// Whether this charge takes its cost if its batch is admitted. (A shadow charge that would be
    /// denied takes nothing, as if it were enforced.)
    pub(crate) fn takes(&self) -> bool {
        self.cost > 0
            && self.mode != Mode::Test
            && self.decision.is_some_and(|decision| decision.admitted())
    }
}
