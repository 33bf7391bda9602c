//! A cache of denials in this process: no round trip until the storage could admit again.
//!
//! [`DeniedCache`] wraps a storage that has to be waited for. When that storage denies a charge, it
//! says when the same charge will be admitted at the earliest. Until then this process denies it at
//! once, and any higher cost too. So each request of a flood from one client costs one lookup in
//! memory.
//!
//! # What it promises
//!
//! It never denies a charge that the storage would admit, under every strategy. With a denial the
//! storage names the first moment at which it would admit the charge if no other request came, and
//! other requests can only make that later. The time is counted on this process' clock, from the
//! moment the call was *sent*, so it ends no later than the storage's. Three things can free a
//! client earlier:
//!
//! * A reset or a refund **by this process**: the denial is forgotten here, too.
//! * A reset or a refund **by another process**, a counter that the storage lost, or a clock of the
//!   storage that jumps. This process does not learn of it, so nothing is remembered longer than
//!   [`staleness`](DeniedCacheBuilder::staleness), 10 s by default.
//! * **Another quota** for the same counter, as when a client changes its plan: what is remembered
//!   holds for the quota that denied, and for no other.
//!
//! # How a batch is decided
//!
//! A batch with a charge that is known to be denied is denied as a whole, without effect. Those
//! charges carry their decisions, counted down; the others carry none, because the storage was not
//! called. Charges in [shadow mode](crate::Mode::Shadow) never deny, here as elsewhere. If a charge
//! is in [test mode](crate::Mode::Test), as that of a meta limit, the storage is called until that
//! charge denies: it may be a lock-out that outlasts the remembered denial.
//!
//! Decisions of a failure policy ([`DecidedBy::Fallback`](crate::DecidedBy)) are not remembered.
//!
//! # What it costs
//!
//! A fixed number of places, 65,536 by default, of about 80 bytes each. A new denial replaces one
//! that has expired or will expire first; a replaced denial costs one more round trip.
//!
//! # What this folder may know
//!
//! It remembers what a storage denied. It imports the [contract](super::Storage) of a storage and
//! everything below storages. It must not know which storage it wraps, nor deny on its own account:
//! every denial here repeats one of the storage.

mod cache;
mod table;

pub use self::cache::{DeniedCache, DeniedCacheBuilder};
