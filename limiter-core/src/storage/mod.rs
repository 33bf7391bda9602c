//! Where counters are kept.
//!
//! A storage runs the [strategies](crate::strategy) where their state is, and decides a batch of
//! charges as one: all are charged, or none is. [`MemoryStorage`](memory::MemoryStorage) keeps
//! everything in this process, `redis` in servers that several processes share. Two more wrap a
//! storage that has to be waited for: `guarded` decides in time when it fails, and `denied`, around
//! that, repeats its denials without a round trip.
//!
//! # What this folder may know
//!
//! Each folder here is one storage, and fulfils the contract of `interface`. They import everything
//! that decisions are made of: charges, limits, keys, strategies, clocks. They must not know what a
//! request is or where a limit was declared. Only `guarded` names another storage, the one in
//! memory, because it decides with its counters.

#[cfg(feature = "remote")]
pub mod denied;
#[cfg(feature = "remote")]
pub mod guarded;
mod interface;
pub mod memory;
#[cfg(feature = "redis")]
pub mod redis;

pub use self::interface::{BoxFuture, Storage, Verb};
