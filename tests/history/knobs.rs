//! What the environment says: which seeds, and how much is printed.

use std::{env, ops::Range, sync::LazyLock};

/// `HISTORY_SEEDS=17` or `HISTORY_SEEDS=0..100000`. Default: so many from 0 on.
pub(crate) fn seeds(default: u64) -> Range<u64> {
    let Ok(text) = env::var(SEEDS) else { return 0..default };
    let number = |text: &str| text.trim().parse::<u64>().expect("HISTORY_SEEDS: a number");
    match text.split_once("..") {
        Some((from, to)) => number(from)..number(to),
        None => number(&text)..number(&text) + 1,
    }
}

pub(crate) fn are_seeds_chosen() -> bool {
    env::var(SEEDS).is_ok()
}

const SEEDS: &str = "HISTORY_SEEDS";

/// `HISTORY_VERBOSE=1`: prints each world, and each step with what came of it.
pub(crate) fn is_verbose() -> bool {
    static IS_VERBOSE: LazyLock<bool> = LazyLock::new(|| env::var("HISTORY_VERBOSE").is_ok());
    *IS_VERBOSE
}

/// `HISTORY_SHOWN=3`: how many histories of each kind of failure are made short and printed.
pub(crate) fn shown() -> usize {
    env::var("HISTORY_SHOWN").ok().and_then(|text| text.parse().ok()).unwrap_or(1)
}

/// `HISTORY_TOLERATED=hidden,undecorated`: kinds of failures that are passed over, to see what else there is.
pub(crate) fn is_tolerated(kind: &str) -> bool {
    static TOLERATED: LazyLock<String> =
        LazyLock::new(|| env::var("HISTORY_TOLERATED").unwrap_or_default());
    TOLERATED.split(',').any(|word| !word.is_empty() && kind.contains(word))
}
