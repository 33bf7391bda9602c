//! The clock of a storage.

use std::sync::Arc;

use crate::clock::{Clock, MonotonicClock, Timestamp};

/// The usual clock without a detour, or one of the user's.
#[derive(Clone, Debug)]
pub(super) enum ClockSource {
    Monotonic,
    Custom(Arc<dyn Clock>),
}

impl ClockSource {
    #[inline]
    pub(super) fn read(&self, coarse: bool) -> Timestamp {
        match (self, coarse) {
            (Self::Monotonic, true) => MonotonicClock.coarse(),
            (Self::Monotonic, false) => MonotonicClock.now(),
            (Self::Custom(clock), true) => clock.coarse(),
            (Self::Custom(clock), false) => clock.now(),
        }
    }
}
