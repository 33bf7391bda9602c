//! The words of the notation, and those that people write instead.

use super::mistake::Kind;
use crate::quota::Unit;

/// The unit with this name, in any case.
pub(super) const fn unit(word: &[u8]) -> Option<Unit> {
    let mut row = 0;
    while row < UNITS.len() {
        let (unit, names) = UNITS[row];
        if is_one_of(word, names) {
            return Some(unit);
        }
        row += 1;
    }
    None
}

/// Why a word is not a unit.
pub(super) const fn unknown_unit(word: &[u8]) -> Kind {
    let mut row = 0;
    while row < REFUSED_UNITS.len() {
        let (kind, names) = REFUSED_UNITS[row];
        if is_one_of(word, names) {
            return kind;
        }
        row += 1;
    }
    Kind::Unit
}

pub(super) const fn is_one_of(word: &[u8], words: &[&str]) -> bool {
    let mut row = 0;
    while row < words.len() {
        if word.eq_ignore_ascii_case(words[row].as_bytes()) {
            return true;
        }
        row += 1;
    }
    false
}

/// Every name of every unit. The reference knows the long names but no week.
pub(super) const UNITS: [(Unit, &[&str]); 8] = [
    (Unit::Millisecond, &["millisecond", "milliseconds", "ms"]),
    (Unit::Second, &["second", "seconds", "sec", "secs", "s"]),
    (Unit::Minute, &["minute", "minutes", "min", "mins"]),
    (Unit::Hour, &["hour", "hours", "hr", "hrs", "h"]),
    (Unit::Day, &["day", "days", "d"]),
    (Unit::Week, &["week", "weeks"]),
    (Unit::Month, &["month", "months"]),
    (Unit::Year, &["year", "years"]),
];

/// Names that are refused with a hint, because they are ambiguous or because two spellings are
/// enough.
const REFUSED_UNITS: [(Kind, &[&str]); 5] = [
    (Kind::MinuteOrMonth, &["m"]),
    (Kind::WeekAbbreviated, &["w", "wk", "wks"]),
    (Kind::MonthAbbreviated, &["mo", "mos", "mon", "mth", "mths"]),
    (Kind::YearAbbreviated, &["y", "yr", "yrs"]),
    (Kind::Microsecond, &["us", "\u{B5}s", "\u{3BC}s", "microsecond", "microseconds"]),
];

pub(super) const OTHER_WORDS_FOR_PER: [&str; 8] =
    ["every", "each", "a", "an", "in", "within", "@", "-"];

pub(super) const OTHER_WORDS_FOR_DELIMITER: [&str; 6] = ["and", "or", "then", "plus", "&", "+"];
