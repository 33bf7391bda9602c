//! Who is denied already, remembered in this process: no round trip until it may be otherwise.
//!
//! [`DeniedCache`] stands around a storage that has to be waited for. When that storage denies a
//! charge, it says when the same charge will be admitted at the earliest. Until then it is denied
//! here, at once, and so is any higher cost: a flood of requests of one client costs a look into
//! this process' memory each.
//!
//! # What it promises
//!
//! It never denies whom the storage would admit, under every strategy: what a storage says to a
//! denied charge is the first moment at which it would be admitted if nobody else came, and who
//! comes in between only takes more. The time is counted on this process' clock, from the moment
//! the question was *sent*, so it ends no later than the storage's. Three things can free a client
//! earlier:
//!
//! * A reset or a refund **by this process**: its client is forgotten here, too.
//! * A reset or a refund **by another process**, a counter that the storage lost, or a clock of the
//!   storage that jumps. Nobody tells this process, so nothing is remembered longer than
//!   [`staleness`](DeniedCacheBuilder::staleness), 10 s by default.
//! * **Another quota** for the same counter, as when a client changes its plan: what is remembered
//!   holds for the quota that denied, and for no other.
//!
//! # What a batch is told
//!
//! A batch with a charge that is known to be denied is denied as a whole, without effect. Those
//! charges carry their decisions, counted down; the others carry none, because nobody was asked.
//! Charges in [shadow mode](crate::Mode::Shadow) deny nobody, here as elsewhere. Where a charge is in
//! [test mode](crate::Mode::Test), as that of a meta limit, the storage is asked until that charge
//! denies: it may be a lock-out that outlasts the denial that is remembered.
//!
//! Decisions that were not the storage's own, because it was ill
//! ([`DecidedBy::Fallback`](crate::DecidedBy)), are not remembered.
//!
//! # What it costs
//!
//! A fixed number of places, 65,536 by default, of about 80 bytes. A newcomer takes the place of
//! one that has expired or will first: who is forgotten costs one more round trip.

mod cache;
mod table;

pub use self::cache::{DeniedCache, DeniedCacheBuilder};
