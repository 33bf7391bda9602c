//! Random traces: requests of a few clients, and the time that passes between them.

use std::fmt;

use crate::world::World;

/// What happens to both servers, from fresh counters on.
#[derive(Clone, Debug)]
pub(crate) struct Trace {
    /// Microseconds since the epoch.
    pub(crate) starts_at: u64,
    pub(crate) steps: Vec<Step>,
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Microseconds pass.
    Wait(u64),
    Ask(Ask),
}

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    /// The last byte of the client's address, 127.0.0.x.
    pub(crate) client: u8,
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    /// The query parameter of that name.
    pub(crate) cost: Option<u64>,
    /// The header `X-Api-Key`.
    pub(crate) api_key: Option<&'static str>,
}

/// Microseconds of the finest step in time. It is a whole number of microseconds, as this library
/// counts them, and a whole number of 64ths of a second, which the reference's floating point
/// numbers hold exactly: whatever differs is not rounding.
const TICK: u64 = 15_625;

const SECOND: u64 = 1_000_000;

/// The start of all traces, but for a random part of a day: November 2023.
const EPOCH: u64 = 1_700_000_000 * SECOND;

impl Trace {
    /// The trace of a seed.
    ///
    /// Few endpoints, clients and costs take part in each, others in the next, so that limits are
    /// breached and windows end while they are watched.
    pub(crate) fn random(world: &World, seed: u64) -> Self {
        let mut dice = Dice(seed);
        let starts_at = EPOCH + dice.below(86_400 * 64) * TICK;
        let targets = dice.some_of(&world.targets(), 3);
        let clients = dice.some_of(&[1, 2, 3], 2);
        let costs = dice.some_of(world.costs(), 3);
        let api_keys = dice.some_of(world.api_keys(), 2);
        let windows = dice.some_of(&world.windows(), 2);
        let steps = (0..30 + dice.below(31))
            .map(|_| match dice.below(4) {
                0 => Step::Wait(dice.wait(&windows)),
                _ => {
                    let (method, path) = dice.one_of(&targets);
                    Step::Ask(Ask {
                        client: dice.one_of(&clients),
                        method,
                        path,
                        cost: dice.one_of(&costs),
                        api_key: dice.one_of(&api_keys),
                    })
                }
            })
            .collect();
        Self { starts_at, steps }
    }

    /// Leaves out steps as long as `fails` still does: the shortest trace that can be reached.
    pub(crate) fn shrunk(mut self, fails: impl Fn(&Self) -> bool) -> Self {
        let mut size = self.steps.len();
        while size > 0 {
            let length = self.steps.len();
            let mut start = 0;
            while start < self.steps.len() {
                let mut shorter = self.clone();
                shorter.steps.drain(start..(start + size).min(self.steps.len()));
                if fails(&shorter) {
                    self = shorter;
                } else {
                    start += size;
                }
            }
            if self.steps.len() == length {
                size /= 2;
            }
        }
        self
    }
}

impl Ask {
    /// The path and the query.
    pub(crate) fn target(&self) -> String {
        match self.cost {
            Some(cost) => format!("{}?cost={cost}", self.path),
            None => self.path.to_owned(),
        }
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  at {} s", seconds(self.starts_at))?;
        self.steps.iter().try_for_each(|step| writeln!(f, "  {step}"))
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wait(micros) => write!(f, "wait {} s", seconds(*micros)),
            Self::Ask(ask) => {
                write!(f, "127.0.0.{} {} {}", ask.client, ask.method, ask.target())?;
                match ask.api_key {
                    Some(key) => write!(f, " (X-Api-Key: {key})"),
                    None => Ok(()),
                }
            }
        }
    }
}

/// The status that a handler answers with: the last part of the path, if that is one; or else 200.
pub(crate) fn wanted_status(path: &str) -> u16 {
    let last = path.rsplit('/').next().unwrap_or_default();
    last.parse().ok().filter(|status| *status >= 100).unwrap_or(200)
}

/// Seconds with all their decimals.
pub(crate) fn seconds(micros: u64) -> String {
    format!("{}.{:06}", micros / SECOND, micros % SECOND)
}

/// The random numbers of a seed (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.roll() % bound
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }

    /// At most `most` of them, at least one.
    fn some_of<T: Copy>(&mut self, choices: &[T], most: u64) -> Vec<T> {
        (0..1 + self.below(most)).map(|_| self.one_of(choices)).collect()
    }

    /// A moment, or about a window: its end is where mistakes are.
    fn wait(&mut self, windows: &[u64]) -> u64 {
        let window = self.one_of(windows);
        match self.below(8) {
            0 => TICK,
            1 => window - TICK,
            2 => window,
            3 => window + TICK,
            4 => 2 * window,
            5 => window / 2 / TICK * TICK,
            _ => (1 + self.below(window / TICK)) * TICK,
        }
        .max(TICK)
    }
}
