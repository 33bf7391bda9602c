//! Where counters are kept.
//!
//! A storage runs the [strategies](crate::strategy) where their state is, and decides a batch of
//! charges as one: all are charged, or none is. [`MemoryStorage`](memory::MemoryStorage) keeps
//! everything in this process.

mod interface;
pub mod memory;
#[cfg(feature = "redis")]
pub mod redis;

pub use self::interface::{BoxFuture, Storage, Verb};
