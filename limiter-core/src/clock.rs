//! Which moment it is: the one file that reads the clocks of the operating system.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// A moment in microseconds since the origin of the clock that was read.
///
/// Moments of different clocks cannot be compared: the origin of [`MonotonicClock`] is the
/// machine's start, that of a Redis server the UNIX epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The moment `micros` microseconds after the clock's origin.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Microseconds since the clock's origin.
    pub const fn micros(self) -> u64 {
        self.0
    }

    /// The moment `micros` microseconds later; the end of time if there is none.
    #[must_use]
    pub const fn plus(self, micros: u64) -> Self {
        Self(self.0.saturating_add(micros))
    }

    /// The microseconds from `earlier` until this moment; zero if `earlier` is later.
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// A source of moments. It need not be steady: strategies stay safe when it steps back.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The present moment, as precise as the clock is.
    fn now(&self) -> Timestamp;

    /// The present moment on the same scale, possibly a few milliseconds behind, where that is
    /// cheaper. Used for windows of a second and more.
    fn coarse(&self) -> Timestamp {
        self.now()
    }
}

/// The operating system's monotonic clock: it never steps, whatever happens to the wall clock.
///
/// On Linux [`coarse`](Clock::coarse) reads the clock of the last timer tick (1 to 10 ms old,
/// about a fifth of the price). The clock stands still while the machine is suspended.
#[derive(Clone, Copy, Debug, Default)]
pub struct MonotonicClock;

#[cfg(unix)]
impl MonotonicClock {
    fn read(id: rustix::time::ClockId) -> Timestamp {
        let time = rustix::time::clock_gettime(id);
        // Neither part is ever negative on a monotonic clock.
        Timestamp(time.tv_sec as u64 * 1_000_000 + time.tv_nsec as u64 / 1_000)
    }
}

#[cfg(unix)]
impl Clock for MonotonicClock {
    #[inline]
    fn now(&self) -> Timestamp {
        Self::read(rustix::time::ClockId::Monotonic)
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    #[inline]
    fn coarse(&self) -> Timestamp {
        Self::read(rustix::time::ClockId::MonotonicCoarse)
    }
}

#[cfg(not(unix))]
impl Clock for MonotonicClock {
    fn now(&self) -> Timestamp {
        use std::{sync::LazyLock, time::Instant};
        static ORIGIN: LazyLock<Instant> = LazyLock::new(Instant::now);
        Timestamp(ORIGIN.elapsed().as_micros() as u64)
    }
}

/// The wall clock: microseconds since the UNIX epoch, for values that leave the process. On Linux
/// that of the last timer tick. Nothing is ever decided by it.
pub fn unix_micros() -> u64 {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::RealtimeCoarse);
        // Negative before 1970, when no clock of today stands.
        time.tv_sec.max(0) as u64 * 1_000_000 + time.tv_nsec as u64 / 1_000
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        since.map_or(0, |since| since.as_micros() as u64)
    }
}

/// A clock that moves only when a test moves it. Clones show the same moment.
///
/// ```
/// use std::time::Duration;
/// use limiter_core::{FakeClock, Key, Limit, MemoryStorage, Scope, Strategy};
///
/// let clock = FakeClock::new();
/// let storage = MemoryStorage::builder().clock(clock.clone()).build();
/// let limit = Limit::new("1/minute".parse()?, Strategy::FixedWindow, &Scope::new("demo"));
/// let key = Key::text("me");
///
/// assert!(storage.hit(&limit, &key, 1).admitted());
/// assert!(!storage.hit(&limit, &key, 1).admitted());
/// clock.advance(Duration::from_secs(60));
/// assert!(storage.hit(&limit, &key, 1).admitted());
/// # Ok::<(), limiter_core::NotationError>(())
/// ```
#[derive(Clone, Debug)]
pub struct FakeClock(Arc<AtomicU64>);

impl FakeClock {
    /// A clock that stands a thousand days after its origin.
    pub fn new() -> Self {
        Self::at(Timestamp(86_400_000_000_000))
    }

    /// A clock that stands at `moment`.
    pub fn at(moment: Timestamp) -> Self {
        Self(Arc::new(AtomicU64::new(moment.0)))
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        self.advance_micros(u64::try_from(by.as_micros()).unwrap_or(u64::MAX));
    }

    /// Moves the clock forward by microseconds.
    pub fn advance_micros(&self, micros: u64) {
        self.set(self.now().plus(micros));
    }

    /// Steps the clock back, as a wall clock does when it is corrected.
    pub fn step_back(&self, by: Duration) {
        let micros = u64::try_from(by.as_micros()).unwrap_or(u64::MAX);
        self.set(Timestamp(self.now().0.saturating_sub(micros)));
    }

    /// Sets the clock.
    pub fn set(&self, moment: Timestamp) {
        self.0.store(moment.0, Ordering::SeqCst);
    }
}

impl Default for FakeClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}
