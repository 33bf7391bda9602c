//! Options: the clock.

use std::sync::Arc;

use limiter_core::Clock;

use super::builder::LimiterBuilder;

impl LimiterBuilder {
    /// The clock of the memory storage that [`storage_uri`](Self::storage_uri) creates: with a
    /// [`FakeClock`](crate::FakeClock), tests of your limits run without waiting. Default: the
    /// operating system's monotonic clock.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }
}
