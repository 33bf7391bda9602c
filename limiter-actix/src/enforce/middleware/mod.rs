//! The middleware around the app.
//!
//! It imports the steps of `enforce`. It must not know limits, rules or storages.

mod service;
mod transform;

pub use self::transform::RateLimit;
