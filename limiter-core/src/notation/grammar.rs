//! The grammar: a limit, part by part, in `const fn`s that the compiler runs too.

use super::{
    cursor::{Cursor, is_delimiter},
    mistake::{Kind, Mistake},
    number::Role,
    words::{OTHER_WORDS_FOR_DELIMITER, OTHER_WORDS_FOR_PER, is_one_of, unit, unknown_unit},
};
use crate::quota::{Quota, Unit};

/// One limit, and where the next one starts: right after the delimiter.
#[derive(Clone, Copy)]
pub(super) struct Parsed {
    pub(super) quota: Quota,
    pub(super) next: Option<usize>,
}

/// `?` for `const fn`.
macro_rules! try_const {
    ($result:expr) => {
        match $result {
            Ok(value) => value,
            Err(mistake) => return Err(mistake),
        }
    };
}

/// Parses the limit that starts at byte `at`, which is 0 or follows a delimiter, and the delimiter
/// after it. This is the grammar; the rest of this file is its parts.
pub(super) const fn parse_next(text: &str, at: usize) -> Result<Parsed, Mistake> {
    let mut cursor = Cursor::new(text, at);
    let amount = try_const!(cursor.amount());
    try_const!(cursor.per());
    let mut quota = try_const!(cursor.window(amount));
    if let Some(burst) = try_const!(cursor.burst()) {
        quota = quota.with_burst(burst);
    }
    let next = try_const!(cursor.delimiter());
    Ok(Parsed { quota, next })
}

/// Parses a window that stands alone.
pub(super) const fn window(text: &str) -> Result<Quota, Mistake> {
    let mut cursor = Cursor::new(text, 0);
    let quota = try_const!(cursor.window(1));
    match try_const!(cursor.delimiter()) {
        None => Ok(quota),
        Some(_) => Err(Mistake { kind: Kind::Trailing, start: cursor.end, end: text.len() }),
    }
}

/// The parts of a limit, in order. Each leaves the cursor behind its part.
impl Cursor<'_> {
    const fn amount(&mut self) -> Result<u64, Mistake> {
        let after_delimiter = self.start > 0;
        self.skip_whitespace();
        if self.is_limit_end(self.at) {
            return Err(self.no_limit(after_delimiter));
        }
        self.start = self.at;
        match try_const!(self.number(Role::Amount)) {
            Some(amount) => Ok(amount),
            None if self.per_len(self.at) > 0 => {
                Err(self.mistake(Kind::AmountMissing, self.at + self.per_len(self.at)))
            }
            None => Err(self.mistake(Kind::Amount, self.token_end())),
        }
    }

    const fn per(&mut self) -> Result<(), Mistake> {
        self.skip_whitespace();
        let len = self.per_len(self.at);
        if len > 0 {
            self.take_until(self.at + len);
            return Ok(());
        }
        if self.is_limit_end(self.at) {
            return Err(self.nothing_after(Kind::PerMissing));
        }
        let end = self.token_end();
        let token = self.between(self.at, end);
        if unit(token).is_some() || !matches!(unknown_unit(token), Kind::Unit) {
            Err(self.mistake(Kind::PerBeforeUnit, end))
        } else if is_one_of(token, &OTHER_WORDS_FOR_PER) {
            Err(self.mistake(Kind::OtherPer, end))
        } else {
            Err(self.mistake(Kind::Per, end))
        }
    }

    const fn window(&mut self, amount: u64) -> Result<Quota, Mistake> {
        self.skip_whitespace();
        let start = self.at;
        let multiples = match try_const!(self.number(Role::Multiple)) {
            // The reference reads `10/0 minute` as `10/1 minute`.
            None | Some(0) => 1,
            Some(multiples) => multiples,
        };
        let unit = try_const!(self.unit());
        // The amount and the multiples have been checked, so the window is what is left to refuse.
        match Quota::new(amount, multiples as u32, unit) {
            Some(quota) => Ok(quota),
            None => Err(Mistake { kind: Kind::WindowTooLong, start, end: self.end }),
        }
    }

    const fn unit(&mut self) -> Result<Unit, Mistake> {
        self.skip_whitespace();
        if self.is_limit_end(self.at) {
            return Err(self.nothing_after(Kind::UnitMissing));
        }
        let end = self.letters_end(self.at);
        let word = self.between(self.at, end);
        if let Some(unit) = unit(word) {
            self.take_until(end);
            return Ok(unit);
        }
        let len = self.per_len(self.at);
        let after_per = self.at + len;
        if len > 0 && (after_per >= end || unit(self.between(after_per, end)).is_some()) {
            return Err(self.mistake(Kind::DoubledPer, after_per));
        }
        Err(self.mistake(unknown_unit(word), self.token_end()))
    }

    const fn burst(&mut self) -> Result<Option<u64>, Mistake> {
        self.skip_whitespace();
        let end = self.letters_end(self.at);
        if !self.between(self.at, end).eq_ignore_ascii_case(b"burst") {
            return Ok(None);
        }
        self.take_until(end);
        self.skip_whitespace();
        match try_const!(self.number(Role::Burst)) {
            Some(burst) => Ok(Some(burst)),
            None if self.is_limit_end(self.at) => Err(self.nothing_after(Kind::BurstMissing)),
            None => Err(self.mistake(Kind::Burst, self.token_end())),
        }
    }

    /// Where the next limit starts, or `None` at the end of the text.
    const fn delimiter(&mut self) -> Result<Option<usize>, Mistake> {
        self.skip_whitespace();
        let Some(byte) = self.byte(self.at) else { return Ok(None) };
        if is_delimiter(byte) {
            return Ok(Some(self.at + 1));
        }
        if byte == b':' {
            return match self.byte(self.at + 1) {
                Some(next) if is_delimiter(next) => Ok(Some(self.at + 2)),
                _ => Err(self.mistake(Kind::Colon, self.token_end())),
            };
        }
        if byte.is_ascii_digit() {
            return Err(self.mistake(Kind::DelimiterMissing, self.word_end()));
        }
        let end = self.token_end();
        if is_one_of(self.between(self.at, end), &OTHER_WORDS_FOR_DELIMITER) {
            return Err(self.mistake(Kind::OtherDelimiter, end));
        }
        Err(self.mistake(Kind::Trailing, self.word_end()))
    }
}
