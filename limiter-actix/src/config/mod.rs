//! The options of a limiter, and what is checked before the first request.
//!
//! It imports the rooms from `error` to `limiter`. It must not know requests: it produces
//! [`Settings`](crate::limiter::Settings), and the builder is not used again.

mod access;
mod answers;
mod builder;
mod check;
mod clock;
mod given;
mod identity;
mod limits;
mod namespace;
#[cfg(feature = "redis")]
mod remote;
mod storage;

pub use self::builder::LimiterBuilder;
