//! What is allowed: an amount of cost per window.

use core::fmt;
use core::time::Duration;

/// A unit of time in limit notation.
///
/// Months are 30 days and years 365 days: windows have a fixed length, they do not follow a
/// calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unit {
    /// One thousandth of a second.
    Millisecond,
    /// One second.
    Second,
    /// 60 seconds.
    Minute,
    /// 3,600 seconds.
    Hour,
    /// 86,400 seconds.
    Day,
    /// 7 days.
    Week,
    /// 30 days.
    Month,
    /// 365 days.
    Year,
}

impl Unit {
    /// The length of one unit in microseconds.
    pub const fn micros(self) -> u64 {
        const SECOND: u64 = 1_000_000;
        const DAY: u64 = 86_400 * SECOND;
        match self {
            Self::Millisecond => 1_000,
            Self::Second => SECOND,
            Self::Minute => 60 * SECOND,
            Self::Hour => 3_600 * SECOND,
            Self::Day => DAY,
            Self::Week => 7 * DAY,
            Self::Month => 30 * DAY,
            Self::Year => 365 * DAY,
        }
    }

    /// The singular name, as written in limit notation.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Millisecond => "millisecond",
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Year => "year",
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How much cost is admitted per window: `10 per 2 minute`, with an optional burst.
///
/// ```
/// use core::time::Duration;
/// use limiter_core::Quota;
///
/// let quota: Quota = "10 per 2 hours".parse()?;
/// assert_eq!(quota.amount(), 10);
/// assert_eq!(quota.window(), Duration::from_secs(7200));
/// assert_eq!(quota.to_string(), "10 per 2 hour");
/// # Ok::<(), limiter_core::NotationError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Quota {
    amount: u64,
    multiples: u32,
    unit: Unit,
    /// What `multiples` and `unit` make together: every decision needs it several times.
    window_micros: u64,
    burst: Option<u64>,
}

impl Quota {
    /// The largest amount and burst: 15 digits, what an RFC 9651 Integer holds.
    pub const MAX_AMOUNT: u64 = 999_999_999_999_999;

    /// The longest window in microseconds: 100,000 years of 365 days.
    ///
    /// Two of them are 6.3 × 10¹⁸ µs, and the time since 1970 is below 10¹⁶ µs until the year
    /// 2286. So `now + 2 * window`, the furthest any strategy looks ahead, overflows neither `u64`
    /// (1.8 × 10¹⁹) nor `i64` (9.2 × 10¹⁸).
    pub const MAX_WINDOW_MICROS: u64 = 100_000 * Unit::Year.micros();

    /// `amount` per `multiples` units, or `None` if `multiples` is zero, the window is longer than
    /// [`MAX_WINDOW_MICROS`](Self::MAX_WINDOW_MICROS) or the amount larger than
    /// [`MAX_AMOUNT`](Self::MAX_AMOUNT).
    ///
    /// An amount of zero is legal and admits nothing.
    pub const fn new(amount: u64, multiples: u32, unit: Unit) -> Option<Self> {
        if multiples == 0 || amount > Self::MAX_AMOUNT {
            return None;
        }
        // Cannot overflow: u32::MAX times the microseconds of a year needs 77 bits, hence u128.
        if multiples as u128 * unit.micros() as u128 > Self::MAX_WINDOW_MICROS as u128 {
            return None;
        }
        let window_micros = multiples as u64 * unit.micros();
        Some(Self { amount, multiples, unit, window_micros, burst: None })
    }

    /// `amount` per second.
    ///
    /// # Panics
    /// If the amount is larger than [`MAX_AMOUNT`](Self::MAX_AMOUNT); in a `const` that is a
    /// compile error.
    pub const fn per_second(amount: u64) -> Self {
        Self::per(amount, Unit::Second)
    }

    /// `amount` per minute. Panics like [`per_second`](Self::per_second).
    pub const fn per_minute(amount: u64) -> Self {
        Self::per(amount, Unit::Minute)
    }

    /// `amount` per hour. Panics like [`per_second`](Self::per_second).
    pub const fn per_hour(amount: u64) -> Self {
        Self::per(amount, Unit::Hour)
    }

    /// `amount` per day. Panics like [`per_second`](Self::per_second).
    pub const fn per_day(amount: u64) -> Self {
        Self::per(amount, Unit::Day)
    }

    const fn per(amount: u64, unit: Unit) -> Self {
        match Self::new(amount, 1, unit) {
            Some(quota) => quota,
            None => panic!("the amount of a quota has at most 15 digits"),
        }
    }

    /// The same quota with a burst: the cost a token bucket admits at once when it is full.
    ///
    /// Without it the burst equals the amount. Only the token bucket has one; `build()` of a
    /// limiter refuses it on every other strategy.
    ///
    /// # Panics
    /// If the burst is larger than [`MAX_AMOUNT`](Self::MAX_AMOUNT); in a `const` that is a
    /// compile error.
    #[must_use]
    pub const fn with_burst(self, burst: u64) -> Self {
        assert!(burst <= Self::MAX_AMOUNT, "the burst of a quota has at most 15 digits");
        Self { burst: Some(burst), ..self }
    }

    /// The cost admitted per window, for example requests.
    pub const fn amount(&self) -> u64 {
        self.amount
    }

    /// How many units the window spans: 2 in `10 per 2 hours`.
    pub const fn multiples(&self) -> u32 {
        self.multiples
    }

    /// The unit of the window: hours in `10 per 2 hours`.
    pub const fn unit(&self) -> Unit {
        self.unit
    }

    /// The burst, where one was written: 20 in `10/second burst 20`.
    pub const fn burst(&self) -> Option<u64> {
        self.burst
    }

    /// The largest cost that can ever be admitted at once: the burst, or else the amount; nothing
    /// where the amount is zero.
    pub const fn capacity(&self) -> u64 {
        match self.burst {
            Some(burst) if self.amount > 0 => burst,
            _ => self.amount,
        }
    }

    /// The length of the window.
    pub const fn window(&self) -> Duration {
        Duration::from_micros(self.window_micros())
    }

    /// The length of the window in microseconds, at most
    /// [`MAX_WINDOW_MICROS`](Self::MAX_WINDOW_MICROS).
    pub const fn window_micros(&self) -> u64 {
        self.window_micros
    }
}

/// The reference's text form, which parses back to the same quota: `10 per 2 hour`,
/// `10 per 1 second burst 20`.
impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} per {} {}", self.amount, self.multiples, self.unit)?;
        match self.burst {
            Some(burst) => write!(f, " burst {burst}"),
            None => Ok(()),
        }
    }
}

// What `MAX_WINDOW_MICROS` promises, with a clock that reads 10¹⁶ µs.
const _: () = assert!(2 * Quota::MAX_WINDOW_MICROS < i64::MAX as u64 - 10_u64.pow(16));
