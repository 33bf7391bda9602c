//! Polling by hand, so that a test says when a future goes on and when it is dropped.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    task::{Context, Poll, Waker},
};

use crate::app::Answer;

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    Answered(u16),
    /// An error came out, which is answered with this status further outside.
    Failed(u16),
    Panicked,
}

impl Outcome {
    pub(crate) fn is_success(self) -> bool {
        matches!(self, Self::Answered(200..400))
    }
}

/// More polls than any future here needs.
const MANY: usize = 200;

/// Polls once.
pub(crate) fn once(answer: &mut Answer) -> Option<Outcome> {
    let mut context = Context::from_waker(Waker::noop());
    match catch_unwind(AssertUnwindSafe(|| answer.as_mut().poll(&mut context))) {
        Ok(Poll::Pending) => None,
        Ok(Poll::Ready(Ok(response))) => Some(Outcome::Answered(response.status().as_u16())),
        Ok(Poll::Ready(Err(error))) => {
            Some(Outcome::Failed(error.as_response_error().status_code().as_u16()))
        }
        Err(_) => Some(Outcome::Panicked),
    }
}

/// Polls so often, or until there is an answer.
pub(crate) fn at_most(polls: usize, answer: &mut Answer) -> Option<Outcome> {
    (0..polls).find_map(|_| once(answer))
}

/// Polls until there is an answer.
pub(crate) fn to_the_end(mut answer: Answer) -> Outcome {
    at_most(MANY, &mut answer).expect("an answer after many polls")
}

/// Polls all in turns that have no outcome yet, until each has one or never gets one.
pub(crate) fn in_turns(answers: &mut [Answer], outcomes: &mut [Option<Outcome>]) {
    for _ in 0..MANY {
        for (answer, outcome) in answers.iter_mut().zip(&mut *outcomes) {
            if outcome.is_none() {
                *outcome = once(answer);
            }
            if outcome.is_some() {
                // It goes as soon as it is done, or has panicked, as in a server.
                *answer = Box::pin(std::future::pending());
            }
        }
        if outcomes.iter().all(Option::is_some) {
            break;
        }
    }
}
