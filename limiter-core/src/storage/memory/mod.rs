//! Counters in this process: nothing to install, nothing to wait for.
//!
//! # How it is built
//!
//! Keys are numbers: a limit has a 128-bit seed, a client's key a 128-bit hash, and their exclusive
//! or names the counter. For a known client no string is built and nothing is allocated. Counters
//! are sharded by *client*, so one short lock covers all limits of a request; a batch that spans
//! clients takes its locks in order.
//!
//! # What happens when memory is full
//!
//! The number of counters has a hard cap ([`MemoryStorageBuilder::capacity`], a million by default:
//! about 40 MB). An active counter is never forgotten to make room: then an attacker with many
//! addresses could wipe the counters of others, and their own. Expired counters are reused as new
//! ones come (a few are swept with every newcomer, so no request pays for many). When all are
//! active, [`Overflow`] decides, and [`MemoryStorage::overflowed`] counts.
//!
//! # What this folder may know
//!
//! It counts in this process and answers at once. It imports everything below storages, and the
//! [contract](super::Storage) that it fulfils. It must not know the other storages, nor anything
//! that has to be waited for.

mod builder;
mod clock_source;
mod counters;
mod decide;
mod known;
mod lock;
mod overflow;
mod storage;
mod table;

#[cfg(test)]
mod tests;

pub use self::{builder::MemoryStorageBuilder, overflow::Overflow, storage::MemoryStorage};
