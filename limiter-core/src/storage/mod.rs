//! Where counters are kept.
//!
//! A storage runs the [strategies](crate::strategy) where their state is, and decides a batch of
//! charges as one: all are charged, or none is. [`MemoryStorage`](memory::MemoryStorage) keeps
//! everything in this process, `redis` in servers that several processes share. Two more stand
//! around a storage that has to be waited for, the second around the first: `guarded` decides in
//! time when it is ill, and `denied` remembers whom it has denied.

#[cfg(feature = "remote")]
pub mod denied;
#[cfg(feature = "remote")]
pub mod guarded;
mod interface;
pub mod memory;
#[cfg(feature = "redis")]
pub mod redis;

pub use self::interface::{BoxFuture, Storage, Verb};
