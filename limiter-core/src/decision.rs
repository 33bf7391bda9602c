//! What was decided about one charge.

use std::time::Duration;

/// Admit or deny. Complete: there is no third answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The request may proceed.
    Admit,
    /// The request must not proceed.
    Deny,
}

/// What a strategy decided about one charge, and what remains of the quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    outcome: Outcome,
    remaining: u64,
    reset_after: u64,
    /// `NEVER` where waiting does not help.
    retry_after: u64,
}

const NEVER: u64 = u64::MAX;

impl Decision {
    /// Admitted: `remaining` is what is left afterwards, `reset_after` is in microseconds.
    pub(crate) const fn admit(remaining: u64, reset_after: u64) -> Self {
        Self { outcome: Outcome::Admit, remaining, reset_after, retry_after: 0 }
    }

    /// Denied now: the same charge is admitted in `retry_after` microseconds, if no other charge
    /// comes first.
    pub(crate) const fn deny(remaining: u64, reset_after: u64, retry_after: u64) -> Self {
        Self { outcome: Outcome::Deny, remaining, reset_after, retry_after }
    }

    /// Denied for ever: the cost is above the capacity, or the amount is zero.
    pub(crate) const fn never(remaining: u64, reset_after: u64) -> Self {
        Self::deny(remaining, reset_after, NEVER)
    }

    /// Admit or deny.
    pub const fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Whether the charge was admitted.
    pub const fn admitted(&self) -> bool {
        matches!(self.outcome, Outcome::Admit)
    }

    /// The cost that is left in the window: after the charge if it was admitted, and untouched by
    /// it if it was denied. For example 7 after the third request of `10/minute`.
    pub const fn remaining(&self) -> u64 {
        self.remaining
    }

    /// The time until some of the used cost comes back: the end of a fixed window, the moment the
    /// oldest hit leaves a moving window, the next unit of a sliding counter or a bucket. Zero
    /// where nothing is used, except that an empty moving window reports a whole window, as the
    /// reference does.
    pub const fn reset_after(&self) -> Duration {
        Duration::from_micros(self.reset_after)
    }

    /// [`reset_after`](Self::reset_after) in microseconds, as it is kept.
    pub const fn reset_after_micros(&self) -> u64 {
        self.reset_after
    }

    /// When denied, the time after which the same charge is admitted, if no other charge comes
    /// first: exact to the microsecond. Zero when admitted. `None` where waiting never helps: the
    /// cost is above the capacity, or the amount is zero.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self.retry_after_micros() {
            Some(micros) => Some(Duration::from_micros(micros)),
            None => None,
        }
    }

    /// [`retry_after`](Self::retry_after) in microseconds, as it is kept.
    pub(crate) const fn retry_after_micros(&self) -> Option<u64> {
        if self.retry_after == NEVER { None } else { Some(self.retry_after) }
    }

    /// The same decision, `micros` microseconds after it was made.
    #[cfg(feature = "remote")]
    pub(crate) const fn later(self, micros: u64) -> Self {
        let retry_after = match self.retry_after_micros() {
            Some(retry_after) => retry_after.saturating_sub(micros),
            None => NEVER,
        };
        Self { reset_after: self.reset_after.saturating_sub(micros), retry_after, ..self }
    }
}
