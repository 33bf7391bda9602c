//! Counters by the rules of each strategy: what `limits` 5.8.0 does on its memory storage, and what
//! this library does otherwise.

use std::collections::HashMap;

use limiter_core::Strategy;

use crate::model::Difference;

/// One counter. All moments are microseconds since the epoch.
#[derive(Clone)]
pub(crate) enum Counter {
    /// The window starts with its first hit.
    Fixed { window: u64, used: u64, ends_at: u64 },
    /// The moments of hits, latest first; one entry for each unit of cost.
    Moving { window: u64, hits: Vec<u64> },
    /// The reference's sliding window: hits by the number of their window since the epoch.
    Aligned { window: u64, hits: HashMap<u64, u64> },
    /// This library's sliding window.
    Sliding { window: u64, started_at: u64, previous: u64, current: u64 },
}

impl Counter {
    /// A counter without a hit.
    pub(crate) fn new(
        strategy: Strategy,
        window: u64,
        now: u64,
        differences: &[Difference],
    ) -> Self {
        match strategy {
            Strategy::FixedWindow => Self::Fixed { window, used: 0, ends_at: now },
            Strategy::MovingWindow => Self::Moving { window, hits: Vec::new() },
            _ if differences.contains(&Difference::WindowsFromFirstHit) => {
                Self::Sliding { window, started_at: now, previous: 0, current: 0 }
            }
            _ => Self::Aligned { window, hits: HashMap::new() },
        }
    }

    /// Takes a cost; whether there was room for it.
    pub(crate) fn hit(
        &mut self,
        amount: u64,
        cost: u64,
        now: u64,
        differences: &[Difference],
    ) -> bool {
        let does = |difference| differences.contains(&difference);
        self.settle(now, differences);
        let admits = match self {
            Self::Fixed { used, .. } => *used + cost <= amount,
            _ if cost > amount => false,
            Self::Moving { window, hits } => {
                let counts = |hit: &u64| match does(Difference::HitsExpire) {
                    true => *hit + *window > now,
                    false => *hit + *window >= now,
                };
                !hits.get((amount - cost) as usize).is_some_and(counts)
            }
            Self::Aligned { .. } | Self::Sliding { .. } => self.used(now) + cost <= amount,
        };
        match self {
            Self::Fixed { window, used, ends_at } => {
                let never = cost > amount && does(Difference::PlainCosts);
                let looks = cost == 0 && does(Difference::PlainCosts);
                let counts = admits || !does(Difference::AllOrNothing) && !never;
                if counts && !looks {
                    *used += cost;
                    if *used == cost {
                        *ends_at = now + *window;
                    }
                }
            }
            _ if !admits => {}
            Self::Moving { hits, .. } => (0..cost).for_each(|_| hits.insert(0, now)),
            Self::Aligned { window, hits } => *hits.entry(now / *window).or_default() += cost,
            Self::Sliding { current, .. } => *current += cost,
        }
        admits
    }

    /// Begins what is over anew.
    pub(crate) fn settle(&mut self, now: u64, differences: &[Difference]) {
        match self {
            Self::Fixed { used, ends_at, .. } if *ends_at <= now => (*used, *ends_at) = (0, now),
            Self::Moving { .. } if differences.contains(&Difference::HitsExpire) => {
                self.drop_expired(now);
            }
            Self::Sliding { window, started_at, previous, current } => {
                let windows = (now - *started_at) / *window;
                (*started_at, *previous, *current) = match (windows, *previous, *current) {
                    (0, previous, current) if previous + current > 0 => {
                        (*started_at, previous, current)
                    }
                    (1, _, current) if current > 0 => (*started_at + *window, current, 0),
                    _ => (now, 0, 0),
                };
            }
            _ => {}
        }
    }

    /// What the reference's timer does 10 ms after a write.
    pub(crate) fn drop_expired(&mut self, now: u64) {
        if let Self::Moving { window, hits } = self {
            hits.retain(|hit| *hit + *window > now);
        }
    }

    /// The cost that is used up.
    pub(crate) fn used(&self, now: u64) -> u64 {
        match self {
            Self::Fixed { used, .. } => *used,
            Self::Moving { window, hits } => {
                hits.iter().filter(|hit| **hit + *window > now).count() as u64
            }
            Self::Aligned { .. } => {
                let (previous, expires_in, current, window) = self.aligned(now);
                (previous * expires_in / window + current).floor() as u64
            }
            Self::Sliding { window, started_at, previous, current } => {
                // Of the previous window counts what the last `window` microseconds still hold,
                // the present one included.
                let held = started_at + window - now - 1;
                previous * held / window + current
            }
        }
    }

    /// The moment of which `X-RateLimit-Reset` tells.
    pub(crate) fn resets_at(&self, now: u64) -> u64 {
        match self {
            Self::Fixed { ends_at, .. } => *ends_at,
            Self::Moving { window, hits } => {
                let mut counting = hits.iter().filter(|hit| **hit + *window > now);
                // The oldest; without any, the oldest that the timer has not yet removed.
                counting.next_back().or(hits.last()).unwrap_or(&now) + *window
            }
            Self::Aligned { .. } => {
                let (previous, expires_in, current, window) = self.aligned(now);
                let mut reset_in = f64::INFINITY;
                if previous > 0.0 {
                    reset_in = expires_in % (window / previous);
                }
                if current > 0.0 {
                    let expires_in = (1.0 - (seconds(now) / window) % 1.0) * window + window;
                    reset_in = reset_in.min(expires_in % window);
                }
                if reset_in.is_infinite() {
                    return now;
                }
                ((seconds(now) + reset_in) * 1e6).floor() as u64
            }
            Self::Sliding { .. } => match self.used(now) {
                0 => now,
                used => self.first_moment(now, |counter, moment| counter.used(moment) < used),
            },
        }
    }

    /// Microseconds after which there is room for a cost that was denied; none where there never
    /// will be.
    pub(crate) fn wait(&self, amount: u64, cost: u64, now: u64) -> Option<u64> {
        let room = amount.checked_sub(cost)?;
        match self {
            Self::Fixed { ends_at, .. } => Some(ends_at - now),
            Self::Moving { window, hits } => hits.get(room as usize).map(|hit| hit + window - now),
            Self::Aligned { .. } => None,
            Self::Sliding { .. } => {
                let fits = |counter: &Self, moment| counter.used(moment) <= room;
                Some(self.first_moment(now, fits) - now)
            }
        }
    }

    /// The first moment at which a sliding window, that nobody hits any more, is as wanted; it
    /// stays so. Found by halving, not by the formulas that the library has.
    fn first_moment(&self, now: u64, wanted: impl Fn(&Self, u64) -> bool) -> u64 {
        let Self::Sliding { window, .. } = self else { return now };
        let is_wanted = |moment: u64| {
            let mut then = self.clone();
            then.settle(moment, &[]);
            wanted(&then, moment)
        };
        let (mut not_yet, mut reached) = (now, now + 2 * window);
        while not_yet + 1 < reached {
            let middle = not_yet.midpoint(reached);
            match is_wanted(middle) {
                true => reached = middle,
                false => not_yet = middle,
            }
        }
        reached
    }

    /// The reference's numbers in its floating point arithmetic: the previous window's hits, the
    /// seconds for which they still count, the current window's hits, the window in seconds.
    fn aligned(&self, now: u64) -> (f64, f64, f64, f64) {
        let Self::Aligned { window, hits } = self else { return (0.0, 0.0, 0.0, 1.0) };
        let count = |number: u64| hits.get(&number).copied().unwrap_or_default() as f64;
        let (previous, current) = (count(now / window - 1), count(now / window));
        let window = seconds(*window);
        let expires_in = match previous > 0.0 {
            true => (1.0 - ((seconds(now) - window) / window) % 1.0) * window,
            false => 0.0,
        };
        (previous, expires_in, current, window)
    }
}

/// Exact for whole 64ths of a second.
fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}
