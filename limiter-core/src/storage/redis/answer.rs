//! The reply of the script: what was decided about every batch.
//!
//! The reply says which batches the script admitted, and what the counters were before. From that
//! the strategies decide the same again, and find what remains and how long to wait.
//! `lua/prelude.lua` documents how it is packed.

use deadpool_redis::redis::Value;

use super::{
    batch::Batch,
    replay::{Decisions, Replay},
    unpack::Unpack,
};
use crate::{
    charge::Charge, clock::Timestamp, decision::Outcome, error::StorageError,
    storage::interface::Verb,
};

/// What was decided about a batch.
pub(super) struct Answer {
    now: Timestamp,
    /// `None` if a counter was a foreign value, which is deleted.
    verdict: Option<(Outcome, Decisions)>,
}

/// The answers in a reply about these batches; `None` if it is not one of the script.
/// `counters` has, for every question, the place of its counter among the strings or the logs.
pub(super) fn read(reply: Value, batches: &[Batch], counters: &[usize]) -> Option<Vec<Answer>> {
    let Value::BulkString(reply) = reply else { return None };
    let mut reply = Unpack::new(&reply);
    let [now] = reply.numbers()?;
    let now = Timestamp::from_micros(now);
    let letters = reply.bytes(batches.len())?;
    let mut replay = Replay::new(now, batches, counters, reply)?;
    let mut rest = counters;
    let mut answers = Vec::with_capacity(batches.len());
    for (batch, letter) in batches.iter().zip(letters) {
        let (counters, others) = rest.split_at_checked(batch.questions.len())?;
        rest = others;
        let reported = match letter {
            b'A' => Outcome::Admit,
            b'D' => Outcome::Deny,
            b'F' => {
                answers.push(Answer { now, verdict: None });
                continue;
            }
            _ => return None,
        };
        let (outcome, decisions) = replay.decide(batch, counters)?;
        // The script and the strategies must agree.
        if outcome != reported {
            return None;
        }
        answers.push(Answer { now, verdict: Some((outcome, decisions)) });
    }
    replay.is_done().then_some(answers)
}

impl Answer {
    /// Writes the decisions to the charges.
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

/// The error of a reply that cannot be read.
pub(super) fn strange() -> StorageError {
    StorageError::new("expected the reply of the script, found another one")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        key::Key,
        limit::{Limit, Scope},
        quota::Quota,
        strategy::Strategy,
    };

    const NOW: u64 = 1_000_000;

    /// Of a batch of one charge of `2/minute` by a strategy.
    fn read(strategy: Strategy, reply: &[u8]) -> Option<Option<(Outcome, u64)>> {
        let limit = Limit::new(Quota::per_minute(2), strategy, &Scope::new("test"));
        let key = Key::text("client");
        let charges = [Charge::new(&limit, &key)];
        let batch = Batch::new(Verb::Hit, "", charges.iter());
        let answers = super::read(Value::BulkString(reply.to_vec()), &[batch], &[0])?;
        let [answer] = <[_; 1]>::try_from(answers).ok()?;
        Some(answer.verdict.map(|(outcome, decisions)| (outcome, decisions[0].remaining())))
    }

    fn reply(letter: u8, numbers: &[u64]) -> Vec<u8> {
        let doubles = |numbers: &[u64]| -> Vec<u8> {
            numbers.iter().flat_map(|number| (*number as f64).to_le_bytes()).collect()
        };
        [doubles(&[NOW]), vec![letter], doubles(numbers)].concat()
    }

    #[test]
    fn what_remains_is_found_from_the_counters_that_were() {
        let used_one = reply(b'A', &[NOW + 60_000_000, 1]);
        assert_eq!(read(Strategy::FixedWindow, &used_one), Some(Some((Outcome::Admit, 0))));
        let used_all = reply(b'D', &[NOW + 60_000_000, 2]);
        assert_eq!(read(Strategy::FixedWindow, &used_all), Some(Some((Outcome::Deny, 0))));
        let none = reply(b'A', &[0, 0, 0]);
        let counted = read(Strategy::SlidingWindowCounter, &none);
        assert_eq!(counted, Some(Some((Outcome::Admit, 1))));
    }

    #[test]
    fn decisions_on_a_log_are_taken_from_the_reply() {
        let packed = |decided| reply(if decided == 1 { b'A' } else { b'D' }, &[decided, 1, 2, 3]);
        let log = |decided| read(Strategy::MovingWindow, &packed(decided));
        assert_eq!(log(0), Some(Some((Outcome::Deny, 1))));
        assert_eq!(log(1), Some(Some((Outcome::Admit, 1))));
        assert_eq!(log(2), Some(Some((Outcome::Deny, 1))));
        assert_eq!(log(3), None);
    }

    #[test]
    fn a_foreign_value_has_no_verdict() {
        assert_eq!(read(Strategy::FixedWindow, &reply(b'F', &[0, 0])), Some(None));
    }

    #[test]
    fn another_reply_is_refused() {
        let whole = reply(b'A', &[0, 0]);
        assert!(read(Strategy::FixedWindow, &whole).is_some());
        for length in 0..whole.len() {
            assert_eq!(read(Strategy::FixedWindow, &whole[..length]), None, "{length} bytes");
        }
        assert_eq!(read(Strategy::FixedWindow, &reply(b'A', &[0, 0, 0])), None);
        assert_eq!(read(Strategy::FixedWindow, &reply(b'X', &[0, 0])), None);
        assert!(super::read(Value::Nil, &[], &[]).is_none());
    }

    #[test]
    fn a_script_that_disagrees_is_refused() {
        assert_eq!(read(Strategy::FixedWindow, &reply(b'D', &[0, 0])), None);
        let used_all = [NOW + 60_000_000, 2];
        assert_eq!(read(Strategy::FixedWindow, &reply(b'A', &used_all)), None);
    }
}
