//! One limit, one key, one cost: the unit of every decision.

use crate::{clock::Timestamp, decision::Decision, error::OnStoreError, key::Key, limit::Limit};

/// Whether a charge may deny the batch, and whether it takes its cost. Complete.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// A denial denies the whole batch.
    #[default]
    Enforce,
    /// A dry run: evaluated, counted and reported, but its denial never denies the batch.
    Shadow,
    /// A denial denies the whole batch, but nothing is ever taken. A meta limit is tested so before
    /// every request, and charged only for breaches.
    Test,
}

/// Whose counters decided a charge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DecidedBy {
    /// The counters of the storage.
    #[default]
    Storage,
    /// The counters that this process keeps while its storage does not answer.
    Fallback,
}

/// What a caller keeps of a charge that was taken, in order to refund it: when it was taken, and
/// from whose counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    charged_at: Timestamp,
    decided_by: DecidedBy,
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
    pub(crate) on_store_error: Option<OnStoreError>,
    pub(crate) decided_by: DecidedBy,
    pub(crate) decision: Option<Decision>,
    pub(crate) charged_at: Option<Timestamp>,
}

impl<'a> Charge<'a> {
    /// A charge of cost 1.
    pub const fn new(limit: &'a Limit, key: &'a Key) -> Self {
        Self {
            limit,
            key,
            cost: 1,
            mode: Mode::Enforce,
            on_store_error: None,
            decided_by: DecidedBy::Storage,
            decision: None,
            charged_at: None,
        }
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

    /// The same charge with a failure policy: what happens when the storage cannot decide. `None`,
    /// the default, leaves it to the storage.
    #[must_use]
    pub const fn on_store_error(self, on_store_error: Option<OnStoreError>) -> Self {
        Self { on_store_error, ..self }
    }

    /// The same charge as one that was taken: what a caller kept of an earlier
    /// [`receipt`](Self::receipt), in order to refund it.
    #[must_use]
    pub const fn taken(self, receipt: Option<Receipt>) -> Self {
        match receipt {
            Some(Receipt { charged_at, decided_by }) => {
                Self { charged_at: Some(charged_at), decided_by, ..self }
            }
            None => Self { charged_at: None, ..self },
        }
    }

    /// The limit.
    pub const fn limit(&self) -> &'a Limit {
        self.limit
    }

    /// The key.
    pub const fn key(&self) -> &'a Key {
        self.key
    }

    /// What happens when the storage cannot decide; `None` leaves it to the storage.
    pub const fn store_error_policy(&self) -> Option<OnStoreError> {
        self.on_store_error
    }

    /// What was decided about this charge alone; `None` before any decision.
    ///
    /// In a denied batch a charge can be admitted by itself: its decision then says what would
    /// have remained, although nothing was charged.
    pub const fn decision(&self) -> Option<&Decision> {
        self.decision.as_ref()
    }

    /// Whose counters decided it. Without a decision it means nothing.
    pub const fn decided_by(&self) -> DecidedBy {
        self.decided_by
    }

    /// What is needed to [refund](crate::Verb::Refund) the charge; `None` if it was not taken, or
    /// was refunded.
    pub const fn receipt(&self) -> Option<Receipt> {
        match self.charged_at {
            Some(charged_at) => Some(Receipt { charged_at, decided_by: self.decided_by }),
            None => None,
        }
    }

    /// When the cost was taken, by the clock of the storage that took it; `None` if it was not
    /// taken, or was refunded.
    pub const fn charged_at(&self) -> Option<Timestamp> {
        self.charged_at
    }

    /// The number of its counter: 128 bits, with a new seed in every process, so that two charges
    /// have the same if, and only if, they are on the same counter.
    #[inline]
    pub(crate) fn counter(&self) -> u128 {
        self.limit.seed() ^ self.key.hash()
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
