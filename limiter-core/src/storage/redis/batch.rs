//! The charges of one request, as the script is asked about them.

use smallvec::SmallVec;

use super::key_name;
use crate::{
    Quota,
    charge::{Charge, Mode},
    clock::Timestamp,
    storage::Verb,
    strategy::Strategy,
};

/// A batch, without the charges themselves: those stay with the request.
pub(super) struct Batch {
    pub(super) verb: Verb,
    pub(super) questions: SmallVec<[Question; 1]>,
}

/// What is asked of one counter.
pub(super) struct Question {
    pub(super) name: Vec<u8>,
    pub(super) terms: Terms,
}

/// All of a charge but its key: many charges have the same.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Terms {
    pub(super) strategy: Strategy,
    pub(super) mode: Mode,
    pub(super) quota: Quota,
    pub(super) cost: u64,
    /// Of a charge that is to be refunded.
    pub(super) charged_at: Timestamp,
}

impl Batch {
    /// A batch of these charges. To be refunded are only those that were taken.
    pub(super) fn new<'c, 'l: 'c>(
        verb: Verb,
        prefix: &str,
        charges: impl IntoIterator<Item = &'c Charge<'l>>,
    ) -> Self {
        let wanted = |charge: &&Charge<'_>| verb != Verb::Refund || charge.charged_at.is_some();
        let charges = charges.into_iter().filter(wanted);
        Self { verb, questions: charges.map(|charge| Question::new(prefix, charge)).collect() }
    }
}

impl Question {
    fn new(prefix: &str, charge: &Charge<'_>) -> Self {
        let terms = Terms {
            strategy: charge.limit.strategy(),
            mode: charge.mode,
            quota: *charge.limit.quota(),
            cost: charge.cost.min(MAX_EXACT),
            charged_at: charge.charged_at.unwrap_or_default(),
        };
        Self { name: key_name::of(prefix, charge), terms }
    }

    /// Whether the counter is a list, and not a string.
    pub(super) fn is_log(&self) -> bool {
        self.terms.strategy == Strategy::MovingWindow
    }
}

/// Numbers of the script are exact up to here.
const MAX_EXACT: u64 = 1 << 53;
