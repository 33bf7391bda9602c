//! The circuit breaker: whether the storage is called, and when the next probe may be sent.

use std::{
    sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    time::Duration,
};

use ahash::RandomState;
use parking_lot::Mutex;

use super::health::Circuit;
use crate::{clock::Timestamp, error::StorageError, key::Key};

/// When the circuit opens, and how long the pauses between probes are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// Failures in a row that open the circuit, at least one.
    pub(super) failures: u32,
    /// The pause before the first probe; each further one is twice as long.
    pub(super) first_pause: Duration,
    /// The longest pause.
    pub(super) longest_pause: Duration,
    /// How long a probe may take before another one may be sent.
    pub(super) probe: Duration,
}

/// A circuit that is closed at first. All of it is lock-free as long as nothing fails.
#[derive(Debug)]
pub(super) struct Breaker {
    patience: Patience,
    /// Failures since the last success.
    failures: AtomicU32,
    open: AtomicBool,
    probing: AtomicBool,
    /// While open: when the next probe may start. While probing: when that probe counts as lost.
    /// Whoever moves it on sends the probe, which makes it the only one.
    probe_at: AtomicU64,
    course: Mutex<Course>,
}

/// What matters only when the state changes.
#[derive(Debug, Default)]
struct Course {
    /// Pauses since the storage last worked for longer than the longest pause.
    pauses: u32,
    closed_at: Timestamp,
    cause: Option<StorageError>,
    /// Of the client whose request opened the circuit.
    key: Option<Key>,
}

/// The right to send the one probe: the value of `probe_at` while it is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Turn(u64);

impl Breaker {
    pub(super) fn new(patience: Patience) -> Self {
        Self {
            patience,
            failures: AtomicU32::new(0),
            open: AtomicBool::new(false),
            probing: AtomicBool::new(false),
            probe_at: AtomicU64::new(0),
            course: Mutex::default(),
        }
    }

    #[inline]
    pub(super) fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire)
    }

    pub(super) fn circuit(&self) -> Circuit {
        match (self.is_open(), self.probing.load(Ordering::Relaxed)) {
            (false, _) => Circuit::Closed,
            (true, false) => Circuit::Open,
            (true, true) => Circuit::HalfOpen,
        }
    }

    /// Why the circuit is open.
    pub(super) fn cause(&self) -> Option<StorageError> {
        self.course.lock().cause.clone()
    }

    /// Whose request opened the circuit.
    pub(super) fn key(&self) -> Option<Key> {
        self.course.lock().key.clone()
    }

    /// The storage answered a request.
    #[inline]
    pub(super) fn succeeded(&self) {
        // Read first: every worker would else write to one cache line at every request.
        if self.failures.load(Ordering::Relaxed) != 0 {
            self.failures.store(0, Ordering::Relaxed);
        }
    }

    /// The storage failed a request. How many failures in a row opened the circuit, if this one
    /// did.
    pub(super) fn failed(
        &self,
        error: &StorageError,
        key: Option<&Key>,
        now: Timestamp,
    ) -> Option<u32> {
        let failures = self.failures.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let opens = failures >= self.patience.failures && self.open(error, key, now);
        opens.then_some(failures)
    }

    /// Opens the circuit. Whether it was closed.
    pub(super) fn open(&self, error: &StorageError, key: Option<&Key>, now: Timestamp) -> bool {
        let mut course = self.course.lock();
        if self.is_open() {
            return false;
        }
        // After a short recovery the pauses go on where they were.
        if now.since(course.closed_at) > micros(self.patience.longest_pause) {
            course.pauses = 0;
        }
        course.cause = Some(error.clone());
        course.key = key.cloned();
        self.pause(&mut course, now);
        self.open.store(true, Ordering::Release);
        true
    }

    /// The right to send a probe, if one is due: to one caller only.
    pub(super) fn turn(&self, now: Timestamp) -> Option<Turn> {
        let due = self.probe_at.load(Ordering::Relaxed);
        if !self.is_open() || now.micros() < due {
            return None;
        }
        let lost_at = now.plus(micros(self.patience.probe).max(1)).micros();
        self.probe_at.compare_exchange(due, lost_at, Ordering::AcqRel, Ordering::Relaxed).ok()?;
        self.probing.store(true, Ordering::Relaxed);
        Some(Turn(lost_at))
    }

    /// When the next probe may start, while the circuit is open.
    pub(super) fn due(&self) -> Option<Timestamp> {
        self.is_open().then(|| Timestamp::from_micros(self.probe_at.load(Ordering::Relaxed)))
    }

    /// A probe was answered: closes the circuit. Whether it was open.
    pub(super) fn close(&self, now: Timestamp) -> bool {
        let mut course = self.course.lock();
        if !self.is_open() {
            return false;
        }
        course.closed_at = now;
        course.cause = None;
        self.failures.store(0, Ordering::Relaxed);
        self.probing.store(false, Ordering::Relaxed);
        self.open.store(false, Ordering::Release);
        true
    }

    /// A probe was not answered. Of no effect if it counted as lost already.
    pub(super) fn probe_failed(&self, turn: Turn, error: Option<StorageError>, now: Timestamp) {
        let mut course = self.course.lock();
        if !self.is_open() || self.probe_at.load(Ordering::Relaxed) != turn.0 {
            return;
        }
        if error.is_some() {
            course.cause = error;
        }
        self.pause(&mut course, now);
        self.probing.store(false, Ordering::Relaxed);
    }

    fn pause(&self, course: &mut Course, now: Timestamp) {
        let Patience { first_pause, longest_pause, .. } = self.patience;
        let doubled = micros(first_pause).saturating_mul(1 << course.pauses.min(32));
        let pause = doubled.min(micros(longest_pause));
        course.pauses = course.pauses.saturating_add(1);
        self.probe_at.store(now.plus(jittered(pause)).micros(), Ordering::Relaxed);
    }
}

/// A random moment of the second half of a pause, so that the processes of a fleet do not probe
/// all at once.
fn jittered(pause: u64) -> u64 {
    let half = pause / 2;
    let random = RandomState::new().hash_one(pause);
    half + ((u128::from(random) * u128::from(pause - half + 1)) >> 64) as u64
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure() -> StorageError {
        StorageError::new("no answer")
    }

    fn breaker() -> Breaker {
        Breaker::new(Patience {
            failures: 3,
            first_pause: Duration::from_millis(100),
            longest_pause: Duration::from_secs(10),
            probe: Duration::from_secs(2),
        })
    }

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_micros(1_000_000_000 + millis * 1_000)
    }

    #[test]
    fn the_circuit_opens_after_failures_in_a_row_and_only_then() {
        let breaker = breaker();
        for _ in 0..10 {
            assert_eq!(breaker.failed(&failure(), None, at(0)), None);
            assert_eq!(breaker.failed(&failure(), None, at(0)), None);
            breaker.succeeded();
        }
        assert_eq!(breaker.circuit(), Circuit::Closed);
        assert_eq!((0..5).filter(|_| breaker.failed(&failure(), None, at(0)).is_some()).count(), 1);
        assert_eq!(breaker.circuit(), Circuit::Open);
        assert_eq!(breaker.cause().unwrap().to_string(), "no answer");
    }

    #[test]
    fn one_probe_at_a_time_is_sent_and_a_lost_one_is_replaced() {
        let breaker = breaker();
        assert!(breaker.turn(at(0)).is_none(), "a closed circuit is not probed");
        assert!(breaker.open(&failure(), None, at(0)));
        assert!(breaker.turn(at(49)).is_none());
        let lost = breaker.turn(at(101)).expect("the first pause is over");
        assert_eq!(breaker.circuit(), Circuit::HalfOpen);
        assert!(breaker.turn(at(2_100)).is_none(), "one is on its way");
        let turn = breaker.turn(at(2_101)).expect("the first one is lost");
        breaker.probe_failed(lost, None, at(2_102));
        assert!(
            breaker.turn(at(3_000)).is_none(),
            "the late failure of a lost probe changes nothing"
        );
        breaker.probe_failed(turn, None, at(3_000));
        assert_eq!(breaker.circuit(), Circuit::Open);
    }

    #[test]
    fn pauses_double_up_to_the_longest_and_never_pass_it() {
        let breaker = breaker();
        breaker.open(&failure(), None, at(0));
        let mut now = at(0);
        for expected in [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000, 10_000] {
            let (half, whole) = (now.plus(expected * 500), now.plus(expected * 1_000));
            assert!(breaker.turn(Timestamp::from_micros(half.micros() - 1)).is_none());
            let turn = breaker.turn(whole).expect("the pause is over");
            breaker.probe_failed(turn, None, whole);
            now = whole;
        }
    }

    #[test]
    fn a_storage_that_flaps_is_probed_ever_less_often_until_it_worked_for_long() {
        let breaker = breaker();
        for _ in 0..4 {
            breaker.open(&failure(), None, at(0));
            assert!(breaker.close(at(0)));
        }
        breaker.open(&failure(), None, at(9_999));
        assert!(breaker.turn(at(9_999 + 799)).is_none(), "the fifth pause is 800 to 1600 ms");
        assert!(breaker.turn(at(9_999 + 1_601)).is_some());
        breaker.close(at(20_000));
        breaker.open(&failure(), None, at(30_001));
        assert!(
            breaker.turn(at(30_001 + 101)).is_some(),
            "it worked for ten seconds: 50 to 100 ms"
        );
    }

    #[test]
    fn state_changes_are_reported_once() {
        let breaker = breaker();
        assert!(!breaker.close(at(0)));
        assert!(breaker.open(&failure(), None, at(0)));
        assert!(!breaker.open(&failure(), None, at(0)));
        assert!(breaker.close(at(1)));
        assert!(!breaker.close(at(1)));
    }

    #[test]
    fn moments_of_probes_are_spread_over_the_second_half_of_the_pause() {
        let moments: Vec<_> = (0..200).map(|_| jittered(1_000)).collect();
        assert!(moments.iter().all(|moment| (500..=1_000).contains(moment)));
        assert!(moments.iter().min() < Some(&600) && moments.iter().max() > Some(&900));
        assert_eq!(jittered(0), 0);
    }
}
