//! A storage that may be ill, and decisions that come all the same.
//!
//! [`GuardedStorage`] stands around any storage that has to be waited for:
//!
//! * **Deadline.** Nobody waits longer for a decision than 50 ms. What the storage answers later
//!   is dropped with the question, so it reaches nobody else; the hit may have been counted there,
//!   once, and is not repeated.
//! * **Circuit breaker.** After five failures in a row the circuit opens: from then on nobody waits
//!   for the storage at all. One probe at a time asks in the background, whether there are requests
//!   or not, after 100 ms and then ever more seldom, at the longest every 10 s, each at a random
//!   moment of the second half of its pause. The first answer that comes within the deadline closes
//!   the circuit. A storage that falls ill again at once goes on where its pauses were, so that a
//!   flapping one is left alone.
//! * **Failure policy.** What then happens to a charge says [`OnStoreError`](crate::OnStoreError),
//!   for each charge or for all.
//!
//! # What a failure costs
//!
//! | policy | who is admitted | the most that is admitted too much |
//! | --- | --- | --- |
//! | `local` | whom the counters of this process admit | one quota per process and outage; divided by `instances`, one quota in all |
//! | `deny` | nobody: the batch fails with the error | nothing |
//! | `allow` | everybody | whatever comes |
//!
//! Charges of one batch may have different policies. If one says `deny` (and is not in
//! [shadow mode](crate::Mode::Shadow), which never vetoes), the batch fails. Otherwise the `local`
//! ones are decided as one batch, and the `allow` ones are left without decision.
//!
//! Counters of this process are kept over an outage and expire by themselves: a storage that comes
//! and goes does not give anyone a new quota each time. When it is back, counting goes on there,
//! with what it knew before. A charge is refunded to those who took it, whatever happened in
//! between.
//!
//! A state change is logged once and counted once, whatever the traffic; [`Health`] tells both.
//!
//! # Example: a guard, and the memory of who is denied around it
//!
//! ```
//! use std::{sync::Arc, time::Duration};
//! use limiter_core::{
//!     MemoryStorage, OnStoreError, Quota, Storage, Strategy,
//!     storage::{denied::DeniedCache, guarded::{Circuit, GuardedStorage}},
//! };
//!
//! # let far_away = MemoryStorage::new();
//! let guard = GuardedStorage::builder(Arc::new(far_away))
//!     .deadline(Duration::from_millis(20))
//!     .on_store_error(OnStoreError::Local)
//!     .fallback_limits(Strategy::FixedWindow, [Quota::per_minute(30)])
//!     .build()?;
//! let storage: Arc<dyn Storage> = Arc::new(DeniedCache::new(Arc::new(guard.clone())));
//! // Clones are the same storage: one is kept to ask how it is.
//! assert_eq!(guard.health().circuit, Circuit::Closed);
//! # let _ = storage;
//! # Ok::<(), limiter_core::storage::guarded::InvalidGuard>(())
//! ```
//!
//! # What it cannot see
//!
//! The circuit is one for the whole storage. Of a cluster that lost one of three nodes, two thirds
//! of the clients are answered, so that failures in a row are rare: the circuit stays closed, and
//! the others wait for a deadline each. A circuit that does open is probed with the key of the
//! client that was refused, and so at the node that is ill.

mod breaker;
mod builder;
mod deadline;
mod health;
mod local;
mod probe;
mod remote;
mod storage;

pub use self::{
    builder::{GuardedStorageBuilder, InvalidGuard},
    health::{Circuit, Health},
    storage::GuardedStorage,
};
