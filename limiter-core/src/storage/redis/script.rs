//! The script that the server runs: a text for every set of strategies.

use std::sync::LazyLock;

use sha1_smol::Sha1;

use crate::strategy::Strategy;

const PRELUDE: &str = include_str!("lua/prelude.lua");
const ARITHMETIC: &str = include_str!("lua/arithmetic.lua");
const DECIDE: &str = include_str!("lua/decide.lua");

/// The script for batches of some strategies: the server runs all of it every time, so it holds no
/// more than they need.
pub(super) struct Script {
    pub(super) code: String,
    pub(super) digest: String,
}

/// A script for every set of strategies: the one of place `n` has that of place `i` if it has bit
/// `i`.
static SCRIPTS: LazyLock<[Script; 16]> = LazyLock::new(|| std::array::from_fn(Script::for_set));

impl Script {
    /// The one for these strategies.
    pub(super) fn of(strategies: impl Iterator<Item = Strategy>) -> &'static Self {
        &SCRIPTS[strategies.fold(0, |set, strategy| set | 1 << place(strategy))]
    }

    fn for_set(strategies: usize) -> Self {
        let mut code = PRELUDE.to_owned();
        let wanted = |strategy: &Strategy| strategies & 1 << place(*strategy) != 0;
        if [Strategy::SlidingWindowCounter, Strategy::TokenBucket].iter().any(wanted) {
            code.push_str(ARITHMETIC);
        }
        for strategy in Strategy::ALL.into_iter().filter(wanted) {
            code.push_str(source(strategy));
        }
        code.push_str(DECIDE);
        let digest = Sha1::from(&code).hexdigest();
        Self { code, digest }
    }
}

/// What the script calls a strategy: Lua counts from 1.
pub(super) fn number(strategy: Strategy) -> u8 {
    place(strategy) as u8 + 1
}

fn place(strategy: Strategy) -> usize {
    match strategy {
        Strategy::FixedWindow => 0,
        Strategy::MovingWindow => 1,
        Strategy::SlidingWindowCounter => 2,
        Strategy::TokenBucket => 3,
    }
}

fn source(strategy: Strategy) -> &'static str {
    match strategy {
        Strategy::FixedWindow => include_str!("lua/fixed_window.lua"),
        Strategy::MovingWindow => include_str!("lua/moving_window.lua"),
        Strategy::SlidingWindowCounter => include_str!("lua/sliding_window_counter.lua"),
        Strategy::TokenBucket => include_str!("lua/token_bucket.lua"),
    }
}

/// The script that has a digest: errors of the server name it so.
pub(super) fn code(digest: &str) -> Option<&'static str> {
    SCRIPTS.iter().find(|script| script.digest == digest).map(|script| &*script.code)
}
