//! The in-process storage: what it keeps, what it forgets, and what happens when it is full or
//! many threads come at once. (What every storage does is tested by the workspace's matrix.)

#![allow(clippy::unwrap_used, reason = "a test that panics says where, and has failed")]

mod batches;
mod capacity;
mod expiry;
mod threads;

use limiter_core::{Limit, Quota, Scope, Strategy};

/// `amount` per minute.
fn per_minute(amount: u64, strategy: Strategy) -> Limit {
    Limit::new(Quota::per_minute(amount), strategy, &Scope::new("test"))
}
