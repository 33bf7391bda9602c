//! How a quota is enforced: pure functions of state, quota, cost and moment.
//!
//! A strategy does not know where its state is kept. It answers two questions, both without side
//! effects and without overflow: *would this charge be admitted now* ([`State::decide`]) and *what
//! is the state once it is charged* ([`State::charge`]); a third takes a charge back
//! ([`State::refund`]). Storages run these functions where the state is.
//!
//! # What each strategy promises
//!
//! "Bound" is the most cost that a hostile client, who times every request perfectly, gets
//! admitted in *any* stretch of time as long as the window (the first moment of it counts, the
//! first moment after it does not). It is exact: tests reach it and never pass it.
//!
//! | strategy | name | state | bound in any window | choose it for |
//! | --- | --- | --- | --- | --- |
//! | [`FixedWindow`](Strategy::FixedWindow) | `fixed-window` | 16 bytes | 2 × amount − 1 | the cheapest; the window starts at a client's first hit |
//! | [`MovingWindow`](Strategy::MovingWindow) | `moving-window` | 16 bytes a hit | amount | a promise that holds to the unit |
//! | [`SlidingWindowCounter`](Strategy::SlidingWindowCounter) | `sliding-window-counter` | 16 bytes | 2 × amount | smooth and small; denies bursty clients more than it must |
//! | [`TokenBucket`](Strategy::TokenBucket) | `token-bucket` | 16 bytes | burst + amount − 1 | a steady rate with a burst of its own: `10/second burst 20` |
//!
//! (The last two are lower for a quota of more than one per microsecond, and that of a bucket for
//! a burst of one. A refund is no charge: whoever can have requests refunded late, after the next
//! ones were admitted, gets one more from a fixed window, and from a token bucket what came back
//! meanwhile.)
//!
//! A clock that steps back neither frees nor locks a client: no strategy makes anyone wait longer
//! than if the whole quota had been used this moment.

mod fixed_window;
mod moving_window;
mod sliding_window_counter;
mod token_bucket;

use std::{error::Error, fmt, str::FromStr};

pub use self::{
    fixed_window::FixedWindow, moving_window::MovingWindow,
    sliding_window_counter::SlidingWindowCounter, token_bucket::TokenBucket,
};
use crate::{Quota, Unit, clock::Timestamp, decision::Decision};

/// How a quota is enforced. The [module docs](self) compare them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Strategy {
    /// A counter per window; the window starts at the first hit and ends as a whole.
    #[default]
    FixedWindow,
    /// A log of every hit: at most the amount in any window whatsoever.
    MovingWindow,
    /// Two counters, the previous one weighted by how much of it still overlaps the window.
    SlidingWindowCounter,
    /// A bucket of tokens that refills steadily (GCRA), with a burst apart from the rate.
    TokenBucket,
}

impl Strategy {
    /// Every strategy, in the order of the documentation.
    pub const ALL: [Self; 4] =
        [Self::FixedWindow, Self::MovingWindow, Self::SlidingWindowCounter, Self::TokenBucket];

    /// The name in configuration and attributes: `fixed-window`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FixedWindow => "fixed-window",
            Self::MovingWindow => "moving-window",
            Self::SlidingWindowCounter => "sliding-window-counter",
            Self::TokenBucket => "token-bucket",
        }
    }

    /// Whether the strategy can enforce the quota at all.
    ///
    /// # Errors
    /// A burst on a strategy other than the token bucket, an amount that a sliding window counter
    /// cannot count, or a bucket that takes longer than the
    /// [longest window](Quota::MAX_WINDOW_MICROS) to refill.
    pub fn check(self, quota: &Quota) -> Result<(), Unsupported> {
        let reason = match self {
            Self::TokenBucket if TokenBucket::refills_too_slowly(quota) => Reason::Refill,
            Self::TokenBucket => return Ok(()),
            _ if quota.burst().is_some() => Reason::Burst,
            Self::SlidingWindowCounter if quota.amount() > SlidingWindowCounter::MAX_AMOUNT => {
                Reason::Amount
            }
            _ => return Ok(()),
        };
        Err(Unsupported { strategy: self, quota: *quota, reason })
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Strategy {
    type Err = UnknownStrategy;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|strategy| strategy.name() == name)
            .ok_or_else(|| UnknownStrategy(name.into()))
    }
}

/// A strategy name that does not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownStrategy(Box<str>);

impl fmt::Display for UnknownStrategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Strategy::ALL.map(Strategy::name).join("`, `");
        write!(f, "expected a strategy (`{names}`), found `{}`", self.0)
    }
}

impl Error for UnknownStrategy {}

/// A quota that a strategy cannot enforce.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsupported {
    strategy: Strategy,
    quota: Quota,
    reason: Reason,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    Burst,
    Amount,
    Refill,
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { strategy, quota, reason } = self;
        match reason {
            Reason::Burst => write!(
                f,
                "expected no burst for the strategy `{strategy}`, found `{quota}`; write \
                 `strategy = \"token-bucket\"`, or leave the burst out"
            ),
            Reason::Amount => write!(
                f,
                "expected an amount of at most {} for the strategy `{strategy}`, found `{quota}`; \
                 choose another strategy",
                SlidingWindowCounter::MAX_AMOUNT
            ),
            Reason::Refill => write!(
                f,
                "expected a bucket that is full again within {} years, found `{quota}`; lower \
                 the burst, or raise the amount",
                Quota::MAX_WINDOW_MICROS / Unit::Year.micros()
            ),
        }
    }
}

impl Error for Unsupported {}

/// The state of one counter under one strategy. The default is that of a client never seen.
///
/// Every question is asked of a state that was [settled](Self::settle) for the same moment, and
/// of a quota that [`Strategy::check`] accepts. (None panics where it does not.)
pub trait State: Default {
    /// Brings the state to the moment: what has expired is dropped, and what lies in the future,
    /// because the clock stepped back, counts as if it were of this moment.
    fn settle(&mut self, quota: &Quota, now: Timestamp);

    /// Whether a charge of `cost` would be admitted now. Changes nothing.
    fn decide(&self, quota: &Quota, cost: u64, now: Timestamp) -> Decision;

    /// Takes a charge that [`decide`](Self::decide) has just admitted. A cost of zero changes
    /// nothing.
    fn charge(&mut self, quota: &Quota, cost: u64, now: Timestamp);

    /// Takes back what a charge took at `charged_at`, as far as it still counts: never below
    /// nothing, and never from a window that began later. Only for a charge that was taken from
    /// this state, and once.
    fn refund(&mut self, quota: &Quota, cost: u64, charged_at: Timestamp, now: Timestamp);
}

/// Whether no waiting helps: the amount is zero, or the cost above the capacity.
fn impossible(quota: &Quota, cost: u64) -> bool {
    quota.amount() == 0 || cost > quota.capacity()
}
