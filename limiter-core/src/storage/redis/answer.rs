//! The reply of the script: what was decided about every batch.
//!
//! The server told which batches it admitted, and what the counters were before. From that the
//! strategies decide the same again, and find what remains and how long to wait.

use deadpool_redis::redis::Value;

use super::{
    batch::Batch,
    replay::{Decisions, Replay},
};
use crate::{
    charge::Charge, clock::Timestamp, decision::Outcome, error::StorageError, storage::Verb,
};

/// What was decided about a batch.
pub(super) struct Answer {
    now: Timestamp,
    /// `None` if a counter was something else, which is gone.
    verdict: Option<(Outcome, Decisions)>,
}

/// The answers in a reply about these batches; `None` if it is not one of the script.
/// `counters` tells, for every question, in which of the strings or of the logs its counter is.
pub(super) fn read(reply: Value, batches: &[Batch], counters: &[usize]) -> Option<Vec<Answer>> {
    let Value::Array(parts) = reply else { return None };
    let [Value::Int(now), Value::BulkString(letters), Value::Array(found), Value::Array(told)] =
        <[Value; 4]>::try_from(parts).ok()?
    else {
        return None;
    };
    let now = Timestamp::from_micros(u64::try_from(now).ok()?);
    let mut replay = Replay::new(now, found, told);
    let mut rest = counters;
    let answer = |(batch, letter): (&Batch, &u8)| {
        let (counters, others) = rest.split_at_checked(batch.questions.len())?;
        rest = others;
        let told = match letter {
            b'A' => Outcome::Admit,
            b'D' => Outcome::Deny,
            b'F' => return Some(Answer { now, verdict: None }),
            _ => return None,
        };
        let (outcome, decisions) = replay.decide(batch, counters)?;
        // The script and the strategies must never be of two minds.
        (outcome == told).then_some(Answer { now, verdict: Some((outcome, decisions)) })
    };
    if letters.len() != batches.len() {
        return None;
    }
    let answers = batches.iter().zip(&letters).map(answer).collect::<Option<_>>()?;
    replay.is_done().then_some(answers)
}

impl Answer {
    /// Writes the decisions on the charges that were asked about.
    pub(super) fn write<'c, 'l: 'c>(
        self,
        verb: Verb,
        charges: impl IntoIterator<Item = &'c mut Charge<'l>>,
    ) -> Result<Outcome, StorageError> {
        let Some((outcome, decisions)) = self.verdict else {
            return Err(StorageError::new(FOREIGN));
        };
        if verb == Verb::Refund {
            charges.into_iter().for_each(|charge| charge.charged_at = None);
            return Ok(outcome);
        }
        for (charge, decision) in charges.into_iter().zip(decisions) {
            charge.decision = Some(decision);
            let is_taken = verb == Verb::Hit && outcome == Outcome::Admit && charge.takes();
            charge.charged_at = is_taken.then_some(self.now);
        }
        Ok(outcome)
    }
}

const FOREIGN: &str = "expected a counter, found something else under its name: another program \
                       uses the same `key_prefix`; what was there is deleted";

/// Why a reply is of no use.
pub(super) fn strange() -> StorageError {
    StorageError::new("expected the reply of the script, found another one")
}
