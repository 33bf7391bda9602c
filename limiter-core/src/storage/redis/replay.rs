//! What the script did, done again by the strategies.

use std::{mem, vec};

use deadpool_redis::redis::Value;
use smallvec::SmallVec;

use super::batch::{Batch, Terms};
use crate::{
    charge::Mode,
    clock::Timestamp,
    decision::{Decision, Outcome},
    storage::Verb,
    strategy::{FixedWindow, SlidingWindowCounter, State, Strategy, TokenBucket},
};

/// The decisions on the charges of a batch.
pub(super) type Decisions = SmallVec<[Decision; 1]>;

/// The counters, as the batches so far have left them.
pub(super) struct Replay {
    now: Timestamp,
    /// What the strings were.
    found: Vec<Value>,
    /// What they are by now, of those that were asked about.
    counters: Vec<Option<Counter>>,
    /// What was decided about the charges of logs, one after the other: those stay where they are.
    told: vec::IntoIter<Value>,
}

impl Replay {
    pub(super) fn new(now: Timestamp, found: Vec<Value>, told: Vec<Value>) -> Self {
        Self { now, counters: vec![None; found.len()], found, told: told.into_iter() }
    }

    /// Whether all that was told has been asked for.
    pub(super) fn is_done(&self) -> bool {
        self.told.len() == 0
    }

    /// Decides the next batch, whose questions are about these counters; a refund has no decisions.
    /// `None` if that cannot be done from what was found.
    pub(super) fn decide(
        &mut self,
        batch: &Batch,
        places: &[usize],
    ) -> Option<(Outcome, Decisions)> {
        let now = self.now;
        let (mut outcome, mut before) = (Outcome::Admit, Vec::new());
        let mut decisions = Decisions::with_capacity(places.len());
        for (question, place) in batch.questions.iter().zip(places) {
            let terms = &question.terms;
            let decision = match (batch.verb, question.is_log()) {
                (Verb::Refund, true) => continue,
                (Verb::Refund, false) => {
                    let counter = self.counter(*place, terms.strategy)?;
                    *counter = counter.refund(terms, now);
                    continue;
                }
                (_, true) => told(&self.told.next()?)?,
                (_, false) => {
                    let counter = self.counter(*place, terms.strategy)?;
                    let (decision, charged) = counter.decide(terms, now);
                    if decision.admitted() && terms.cost > 0 && terms.mode != Mode::Test {
                        before.push((*place, mem::replace(counter, charged)));
                    }
                    decision
                }
            };
            if !decision.admitted() && terms.mode != Mode::Shadow {
                outcome = Outcome::Deny;
            }
            decisions.push(decision);
        }
        if batch.verb != Verb::Hit || outcome == Outcome::Deny {
            for (place, counter) in before.into_iter().rev() {
                self.counters[place] = Some(counter);
            }
        }
        Some((outcome, decisions))
    }

    fn counter(&mut self, place: usize, strategy: Strategy) -> Option<&mut Counter> {
        let counter = self.counters.get_mut(place)?;
        if counter.is_none() {
            *counter = Some(Counter::read(strategy, &self.found[place])?);
        }
        counter.as_mut()
    }
}

/// What was decided about a charge of a log.
fn told(told: &Value) -> Option<Decision> {
    let Value::Array(told) = told else { return None };
    let &[
        Value::Int(admitted),
        Value::Int(remaining),
        Value::Int(reset_after),
        Value::Int(retry_after),
    ] = &told[..]
    else {
        return None;
    };
    // Nothing of it is ever negative, but for "never".
    let (remaining, reset_after) = (remaining.max(0) as u64, reset_after.max(0) as u64);
    Some(match (admitted, u64::try_from(retry_after)) {
        (1, _) => Decision::admit(remaining, reset_after),
        (_, Ok(retry_after)) => Decision::deny(remaining, reset_after, retry_after),
        (_, Err(_)) => Decision::never(remaining, reset_after),
    })
}

/// The state of a counter that is a string.
#[derive(Clone, Copy)]
enum Counter {
    FixedWindow(FixedWindow),
    SlidingWindowCounter(SlidingWindowCounter),
    TokenBucket(TokenBucket),
}

impl Counter {
    fn read(strategy: Strategy, found: &Value) -> Option<Self> {
        let moment = Timestamp::from_micros;
        Some(match strategy {
            Strategy::FixedWindow => {
                let [ends_at, used] = numbers(found)?;
                Self::FixedWindow(FixedWindow { ends_at: moment(ends_at), used })
            }
            Strategy::SlidingWindowCounter => {
                let [started_at, previous, current] = numbers(found)?;
                let [previous, current] =
                    [previous, current].map(|count| u32::try_from(count).unwrap_or(u32::MAX));
                let started_at = moment(started_at);
                Self::SlidingWindowCounter(SlidingWindowCounter { started_at, previous, current })
            }
            Strategy::TokenBucket => {
                let [full_at, fraction] = numbers(found)?;
                Self::TokenBucket(TokenBucket { full_at: moment(full_at), fraction })
            }
            Strategy::MovingWindow => return None,
        })
    }

    /// What is decided, and the counter once it is charged.
    fn decide(self, terms: &Terms, now: Timestamp) -> (Decision, Self) {
        match self {
            Self::FixedWindow(state) => decide(state, terms, now, Self::FixedWindow),
            Self::SlidingWindowCounter(state) => {
                decide(state, terms, now, Self::SlidingWindowCounter)
            }
            Self::TokenBucket(state) => decide(state, terms, now, Self::TokenBucket),
        }
    }

    /// The counter once the charge is taken back.
    fn refund(self, terms: &Terms, now: Timestamp) -> Self {
        match self {
            Self::FixedWindow(state) => Self::FixedWindow(refund(state, terms, now)),
            Self::SlidingWindowCounter(state) => {
                Self::SlidingWindowCounter(refund(state, terms, now))
            }
            Self::TokenBucket(state) => Self::TokenBucket(refund(state, terms, now)),
        }
    }
}

fn decide<S: State>(
    mut state: S,
    terms: &Terms,
    now: Timestamp,
    counter: impl Fn(S) -> Counter,
) -> (Decision, Counter) {
    state.settle(&terms.quota, now);
    let decision = state.decide(&terms.quota, terms.cost, now);
    if decision.admitted() {
        state.charge(&terms.quota, terms.cost, now);
    }
    (decision, counter(state))
}

fn refund<S: State>(mut state: S, terms: &Terms, now: Timestamp) -> S {
    state.settle(&terms.quota, now);
    state.refund(&terms.quota, terms.cost, terms.charged_at, now);
    state
}

/// The numbers of a counter, whole ones stored as doubles; all zero where there is none.
fn numbers<const COUNT: usize>(value: &Value) -> Option<[u64; COUNT]> {
    let Value::BulkString(bytes) = value else {
        return (*value == Value::Nil).then_some([0; COUNT]);
    };
    let (doubles, []) = bytes.as_chunks() else { return None };
    let doubles: &[_; COUNT] = doubles.try_into().ok()?;
    Some(doubles.map(|double| f64::from_le_bytes(double) as u64))
}
