//! The charges of one request, in the form that the script takes them.

use std::ops::Range;

use smallvec::SmallVec;

use super::key_name;
use crate::{
    charge::{Charge, Mode},
    clock::Timestamp,
    quota::Quota,
    storage::interface::Verb,
    strategy::Strategy,
};

/// A batch, without the charges themselves: those stay with the request.
pub(super) struct Batch {
    pub(super) verb: Verb,
    pub(super) questions: SmallVec<[Question; 1]>,
    /// The names of all counters, one after the other.
    names: Vec<u8>,
}

/// One charge, as a question about one counter.
pub(super) struct Question {
    /// The number of the counter in this process.
    pub(super) counter: u128,
    pub(super) terms: Terms,
    name: Range<usize>,
}

/// All of a charge but its key: many charges have the same.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Terms {
    pub(super) strategy: Strategy,
    pub(super) mode: Mode,
    pub(super) quota: Quota,
    pub(super) cost: u64,
    /// When the charge was taken, for a refund.
    pub(super) charged_at: Timestamp,
}

impl Batch {
    /// A batch of these charges. A refund has only those that were taken.
    pub(super) fn new<'c, 'l: 'c>(
        verb: Verb,
        prefix: &str,
        charges: impl ExactSizeIterator<Item = &'c Charge<'l>>,
    ) -> Self {
        let mut batch = Self {
            verb,
            questions: SmallVec::with_capacity(charges.len()),
            names: Vec::with_capacity(charges.len() * key_name::USUAL_LEN),
        };
        for charge in charges {
            if verb != Verb::Refund || charge.charged_at.is_some() {
                batch.push(prefix, charge);
            }
        }
        batch
    }

    fn push(&mut self, prefix: &str, charge: &Charge<'_>) {
        let start = self.names.len();
        key_name::extend(&mut self.names, prefix, charge);
        self.questions.push(Question {
            counter: charge.counter(),
            terms: Terms::new(charge),
            name: start..self.names.len(),
        });
    }

    /// Every question, with the name of its counter.
    pub(super) fn named(&self) -> impl Iterator<Item = (&[u8], &Question)> {
        self.questions.iter().map(|question| (&self.names[question.name.clone()], question))
    }
}

impl Terms {
    fn new(charge: &Charge<'_>) -> Self {
        Self {
            strategy: charge.limit.strategy(),
            mode: charge.mode,
            quota: *charge.limit.quota(),
            cost: charge.cost.min(MAX_EXACT),
            charged_at: charge.charged_at.unwrap_or_default(),
        }
    }
}

impl Question {
    /// Whether the counter is a list, and not a string.
    pub(super) fn is_log(&self) -> bool {
        self.terms.strategy == Strategy::MovingWindow
    }
}

/// Numbers of the script are exact up to here.
const MAX_EXACT: u64 = 1 << 53;
