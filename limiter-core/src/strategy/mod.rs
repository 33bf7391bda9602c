//! How a quota is enforced: pure functions of state, quota, cost and moment.
//!
//! A strategy does not know where its state is kept. It answers two questions, both without side
//! effects and without overflow: *would this charge be admitted now* ([`State::decide`]) and *what
//! is the state once it is charged* ([`State::charge`]). A third function takes a charge back
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
//! (The last two are lower for a quota of more than one per microsecond, and that of a bucket for a
//! burst of one. The bound counts charges, not refunds: a client whose requests are refunded late,
//! after the next ones were admitted, gets one more from a fixed window, and from a token bucket
//! what came back meanwhile.)
//!
//! A clock that steps back neither frees a client nor locks it out: no strategy makes a client wait
//! longer than if the whole quota had been used this moment.
//!
//! # What this folder may know
//!
//! Each file here is one strategy, beside the trait they have in common and the list of their
//! names. They import quotas, moments and decisions. They must not know keys, limits, charges or
//! storages, so that any storage can run them.

mod fixed_window;
mod kind;
mod moving_window;
mod sliding_window_counter;
mod state;
mod token_bucket;

pub use self::{
    fixed_window::FixedWindow,
    kind::{Strategy, UnknownStrategy, Unsupported},
    moving_window::MovingWindow,
    sliding_window_counter::SlidingWindowCounter,
    state::State,
    token_bucket::TokenBucket,
};
