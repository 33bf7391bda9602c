//! The middleware around the app.
//!
//! It imports the steps of `enforce`, and what they work on: `context`, `limiter`, `identify`. It must
//! not know limits, rules or storages.

mod service;
mod transform;

pub use self::transform::RateLimit;
