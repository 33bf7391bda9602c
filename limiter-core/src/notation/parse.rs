//! The parser's entrances: for a program, and for the compiler.

use core::str::FromStr;

use super::{
    error::NotationError,
    grammar::{self, Parsed, parse_next},
    message::PanicMessage,
    mistake::{Kind, Mistake},
};
use crate::quota::Quota;

/// Parses one or several limits, in the order in which they are written; duplicates are kept.
///
/// ```
/// use limiter_core::{Quota, notation::parse_many};
///
/// let quotas = parse_many("1/second; 100/day; 1/second")?;
/// assert_eq!(quotas, [Quota::per_second(1), Quota::per_day(100), Quota::per_second(1)]);
/// # Ok::<(), limiter_core::NotationError>(())
/// ```
///
/// # Errors
/// The first mistake in the text. An empty text is one.
pub fn parse_many(text: &str) -> Result<Vec<Quota>, NotationError> {
    let mut quotas = Vec::new();
    let mut at = 0;
    loop {
        let parsed = parse_next(text, at).map_err(|mistake| NotationError::new(text, mistake))?;
        quotas.push(parsed.quota);
        match parsed.next {
            Some(next) => at = next,
            None => return Ok(quotas),
        }
    }
}

/// Checks that [`parse_many`] accepts the text, at compile time where it stands in a `const` or a
/// `static`.
///
/// ```
/// use limiter_core::notation::assert_valid;
///
/// const LIMITS: &str = "100/day;10/hour";
/// const _: () = assert_valid(LIMITS);
/// ```
///
/// A malformed text does not compile, and the compiler shows the message of the
/// [`NotationError`]:
///
/// ```compile_fail,E0080
/// # use limiter_core::notation::assert_valid;
/// const _: () = assert_valid("10 per fortnight");
/// ```
///
/// # Panics
/// If the text is malformed.
#[track_caller]
pub const fn assert_valid(text: &str) {
    let mut at = 0;
    loop {
        match parse_next(text, at) {
            Ok(Parsed { next: Some(next), .. }) => at = next,
            Ok(Parsed { next: None, .. }) => return,
            Err(mistake) => panic!("{}", PanicMessage::new(text, mistake).as_str()),
        }
    }
}

/// Parses a window alone, the part of a limit behind the slash, into a quota of one per window.
///
/// ```
/// use limiter_core::{Quota, Unit, notation::parse_window};
///
/// assert_eq!(parse_window("10 minutes")?, Quota::new(1, 10, Unit::Minute).unwrap());
/// assert_eq!(parse_window("2 fortnights").unwrap_err().fragment(), "fortnights");
/// # Ok::<(), limiter_core::NotationError>(())
/// ```
///
/// # Errors
/// The text is not a window.
pub fn parse_window(text: &str) -> Result<Quota, NotationError> {
    grammar::window(text).map_err(|mistake| NotationError::new(text, mistake))
}

/// Checks that [`parse_window`] accepts the text, at compile time where it stands in a `const` or
/// a `static`.
///
/// # Panics
/// If the text is not a window.
#[track_caller]
pub const fn assert_valid_window(text: &str) {
    if let Err(mistake) = grammar::window(text) {
        panic!("{}", PanicMessage::new(text, mistake).as_str());
    }
}

/// Parses exactly one limit.
///
/// ```
/// use limiter_core::Quota;
///
/// assert_eq!("10 per minute".parse::<Quota>()?, Quota::per_minute(10));
///
/// let error = "100/day;10/hour".parse::<Quota>().unwrap_err();
/// assert_eq!(error.fragment(), ";10/hour");
/// # Ok::<(), limiter_core::NotationError>(())
/// ```
impl FromStr for Quota {
    type Err = NotationError;

    fn from_str(text: &str) -> Result<Self, NotationError> {
        let refuse = |mistake| NotationError::new(text, mistake);
        let first = parse_next(text, 0).map_err(refuse)?;
        let Some(second) = first.next else { return Ok(first.quota) };

        // What follows may be no limit at all, as in `10/minute;`. Then that is the mistake.
        let mut next = first.next;
        while let Some(at) = next {
            next = parse_next(text, at).map_err(refuse)?.next;
        }
        // The delimiter is the byte before the second limit.
        let (start, end) = (second - 1, text.trim_end().len());
        Err(refuse(Mistake { kind: Kind::SeveralLimits, start, end }))
    }
}
