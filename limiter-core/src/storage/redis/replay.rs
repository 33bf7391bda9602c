//! The decisions of the script, made again by the strategies.

use std::mem;

use smallvec::SmallVec;

use super::{
    batch::{Batch, Terms},
    unpack::Unpack,
};
use crate::{
    charge::Mode,
    clock::Timestamp,
    decision::{Decision, Outcome},
    storage::interface::Verb,
    strategy::{FixedWindow, SlidingWindowCounter, State, Strategy, TokenBucket},
};

/// The decisions on the charges of a batch.
pub(super) type Decisions = SmallVec<[Decision; 1]>;

/// The counters, as the batches so far have left them.
pub(super) struct Replay<'r> {
    now: Timestamp,
    /// Those that are strings.
    counters: Vec<Counter>,
    /// What counters were before the batch at hand, so that it can be undone.
    undo: Vec<(usize, Counter)>,
    /// The decisions on charges of logs, one after the other: logs stay in the server.
    of_logs: Unpack<'r>,
}

impl<'r> Replay<'r> {
    /// The counters of these batches, as they were at first, from a reply. `None` if it ends before
    /// them. `places` has, for every question, the place of its counter among the strings or the
    /// logs: both are numbered in the order in which they come.
    pub(super) fn new(
        now: Timestamp,
        batches: &[Batch],
        places: &[usize],
        mut reply: Unpack<'r>,
    ) -> Option<Self> {
        let mut counters = Vec::with_capacity(places.len());
        let questions = batches.iter().flat_map(|batch| &batch.questions);
        for (question, place) in questions.zip(places) {
            if !question.is_log() && *place == counters.len() {
                counters.push(Counter::unpack(question.terms.strategy, &mut reply)?);
            }
        }
        Some(Self { now, counters, undo: Vec::new(), of_logs: reply })
    }

    /// Whether every decision of the reply was used.
    pub(super) fn is_done(&self) -> bool {
        self.of_logs.is_empty()
    }

    /// Decides the next batch, whose questions are about these counters; a refund has no decisions.
    /// `None` if that cannot be done from what was found.
    pub(super) fn decide(
        &mut self,
        batch: &Batch,
        places: &[usize],
    ) -> Option<(Outcome, Decisions)> {
        let now = self.now;
        self.undo.clear();
        let mut outcome = Outcome::Admit;
        let mut decisions = Decisions::with_capacity(places.len());
        for (question, place) in batch.questions.iter().zip(places) {
            let terms = &question.terms;
            let decision = match (batch.verb, question.is_log()) {
                (Verb::Refund, true) => continue,
                (Verb::Refund, false) => {
                    let counter = self.counters.get_mut(*place)?;
                    *counter = counter.refund(terms, now);
                    continue;
                }
                (_, true) => decision_on_log(&mut self.of_logs)?,
                (_, false) => {
                    let counter = self.counters.get_mut(*place)?;
                    let (decision, charged) = counter.decide(terms, now);
                    if decision.admitted() && terms.cost > 0 && terms.mode != Mode::Test {
                        let before = mem::replace(counter, charged);
                        self.undo.push((*place, before));
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
            for (place, counter) in self.undo.drain(..).rev() {
                self.counters[place] = counter;
            }
        }
        Some((outcome, decisions))
    }
}

/// The next decision on a charge of a log.
fn decision_on_log(reply: &mut Unpack<'_>) -> Option<Decision> {
    let [decided, remaining, reset_after, retry_after] = reply.numbers()?;
    match decided {
        0 => Some(Decision::deny(remaining, reset_after, retry_after)),
        1 => Some(Decision::admit(remaining, reset_after)),
        2 => Some(Decision::never(remaining, reset_after)),
        _ => None,
    }
}

/// The state of a counter that is a string.
#[derive(Clone, Copy)]
enum Counter {
    FixedWindow(FixedWindow),
    SlidingWindowCounter(SlidingWindowCounter),
    TokenBucket(TokenBucket),
}

impl Counter {
    /// The next counter of a reply; all zero means that there was none.
    fn unpack(strategy: Strategy, reply: &mut Unpack<'_>) -> Option<Self> {
        let moment = Timestamp::from_micros;
        Some(match strategy {
            Strategy::FixedWindow => {
                let [ends_at, used] = reply.numbers()?;
                Self::FixedWindow(FixedWindow { ends_at: moment(ends_at), used })
            }
            Strategy::SlidingWindowCounter => {
                let [started_at, previous, current] = reply.numbers()?;
                let [previous, current] =
                    [previous, current].map(|count| u32::try_from(count).unwrap_or(u32::MAX));
                let started_at = moment(started_at);
                Self::SlidingWindowCounter(SlidingWindowCounter { started_at, previous, current })
            }
            Strategy::TokenBucket => {
                let [full_at, fraction] = reply.numbers()?;
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
