//! The strategies by name, and which quotas each can enforce.

use std::{error::Error, fmt, str::FromStr};

use super::{sliding_window_counter::SlidingWindowCounter, token_bucket::TokenBucket};
use crate::quota::{Quota, Unit};

/// How a quota is enforced. The [module docs](super) compare them.
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
