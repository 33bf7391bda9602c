//! A storage that may fail, and decisions that come in time all the same.
//!
//! [`GuardedStorage`] wraps any storage that has to be waited for:
//!
//! * **Deadline.** No request waits longer than 50 ms for a decision. A later answer is dropped
//!   together with its call, so it never reaches another request. The storage may have counted the
//!   hit, once; it is not repeated.
//! * **Circuit breaker.** After five failures in a row the circuit opens: from then on no request
//!   waits for the storage. One probe at a time is sent in the background, with or without
//!   requests: the first after 100 ms, then less and less often, down to one every 10 s. Each is
//!   sent at a random moment of the second half of its pause. The first answer within the deadline
//!   closes the circuit. If the storage fails again soon, the pauses go on where they were, so a
//!   flapping storage is rarely called.
//! * **Failure policy.** [`OnStoreError`](crate::OnStoreError) says what happens to a charge that
//!   the storage did not decide, for each charge or for all.
//!
//! # What a failure costs
//!
//! | policy | who is admitted | how far a limit can be exceeded |
//! | --- | --- | --- |
//! | `local` | clients that the counters of this process admit | by one quota per process and outage; with `instances`, by one quota in all |
//! | `deny` | nobody: the batch fails with the error | not at all |
//! | `allow` | everybody | without bound |
//!
//! Charges of one batch may have different policies. If one says `deny` (and is not in
//! [shadow mode](crate::Mode::Shadow), which never vetoes), the batch fails. Otherwise the `local`
//! ones are decided as one batch, and the `allow` ones are left without decision.
//!
//! Counters of this process outlive the outage and expire by themselves, so a storage that comes
//! and goes does not give clients a new quota each time. When it has recovered, it counts on from
//! its own counters. A refund goes to the counters that were charged, whatever happened in between.
//!
//! A state change is logged once and counted once, whatever the traffic; [`Health`] has both
//! numbers.
//!
//! # Example: a guard, and a cache of denials around it
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
//! // Clones are the same storage: keep one to read its health.
//! assert_eq!(guard.health().circuit, Circuit::Closed);
//! # let _ = storage;
//! # Ok::<(), limiter_core::storage::guarded::InvalidGuard>(())
//! ```
//!
//! # What it cannot see
//!
//! There is one circuit for the whole storage. In a cluster that lost one of three nodes, two
//! thirds of the clients still get answers, so failures in a row are rare: the circuit stays
//! closed, and each request of the other clients waits for a deadline. If the circuit does open, it
//! is probed with the key of the client that failed, and so at the node that failed.
//!
//! # What this folder may know
//!
//! It makes any storage answer in time. It imports the [contract](super::Storage) of a storage, the
//! memory storage that decides meanwhile, and everything below storages. It must not know which
//! storage it wraps, so no line here names Redis.

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
