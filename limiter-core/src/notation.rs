//! Limit notation: how a [`Quota`] is written, `10 per 2 hours`, and the one parser that reads it.
//!
//! The parser runs in the compiler ([`assert_valid`] in a `const` or `static`, and the attribute
//! macros) as well as in the program ([`parse_many`], and [`FromStr`] of [`Quota`]), so a text
//! that compiles never fails at run time.
//!
//! # Grammar
//!
//! ```text
//! limits    = limit, { [ ":" ], delimiter, limit } ;
//! delimiter = "," | ";" | "|" ;
//! limit     = amount, ( "/" | "per" ), [ multiple ], unit, [ "burst", amount ] ;
//! amount    = digits ;         (* 0 to 999999999999999; 0 admits nothing *)
//! multiple  = digits ;         (* up to 4294967295; 0 means 1 *)
//! unit      = one of the table below ;
//! digits    = digit, { digit } ;
//! digit     = "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" ;
//! ```
//!
//! * Upper and lower case mean the same.
//! * Whitespace, including tabs, line breaks and the Unicode spaces, may stand around every part
//!   but not between `:` and its delimiter. It is required only between a unit and `burst`.
//! * Delimiters may be mixed in one text. The stray `:` before one has no meaning and is accepted
//!   because Flask-Limiter accepts it.
//! * A window is at most 100,000 years long.
//!
//! | unit | written as | length |
//! | --- | --- | --- |
//! | millisecond | `millisecond`, `milliseconds`, `ms` | 1/1000 second |
//! | second | `second`, `seconds`, `sec`, `secs`, `s` | 1 second |
//! | minute | `minute`, `minutes`, `min`, `mins` | 60 seconds |
//! | hour | `hour`, `hours`, `hr`, `hrs`, `h` | 60 minutes |
//! | day | `day`, `days`, `d` | 24 hours |
//! | week | `week`, `weeks` | 7 days |
//! | month | `month`, `months` | 30 days |
//! | year | `year`, `years` | 365 days |
//!
//! `m` is refused because it could be a minute or a month; the error says what to write instead.
//!
//! ```
//! use limiter_core::{Quota, Unit, notation::parse_many};
//!
//! let quotas = parse_many("100/day; 10 per 2 hours | 5/s burst 20")?;
//! assert_eq!(quotas[0], Quota::per_day(100));
//! assert_eq!(Some(quotas[1]), Quota::new(10, 2, Unit::Hour));
//! assert_eq!(quotas[2], Quota::per_second(5).with_burst(20));
//! # Ok::<(), limiter_core::NotationError>(())
//! ```
//!
//! # Differences from Flask-Limiter
//!
//! A year is 365 days instead of 360; the abbreviations, `week`, `millisecond` and `burst` are new;
//! and numbers that do not fit are refused.

use core::{
    error::Error,
    fmt::{self, Write},
    ops::Range,
    str::FromStr,
};

use crate::quota::{Quota, Unit};

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
/// The text is no window.
pub fn parse_window(text: &str) -> Result<Quota, NotationError> {
    window(text).map_err(|mistake| NotationError::new(text, mistake))
}

/// Checks that [`parse_window`] accepts the text, at compile time where it stands in a `const` or
/// a `static`.
///
/// # Panics
/// If the text is no window.
#[track_caller]
pub const fn assert_valid_window(text: &str) {
    if let Err(mistake) = window(text) {
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

/// A text that is not in limit notation: what was expected, what was found, and where.
///
/// ```
/// use limiter_core::Quota;
///
/// let error = "10/m".parse::<Quota>().unwrap_err();
/// assert_eq!(error.fragment(), "m");
/// assert_eq!(error.span(), 3..4);
/// assert_eq!(error.hint(), Some("`m` could be minute or month: write `min` or `month`"));
/// assert_eq!(
///     error.to_string(),
///     "expected a unit (millisecond, second, minute, hour, day, week, month, year), found `m` at \
///      bytes 3..4 of `10/m`; `m` could be minute or month: write `min` or `month`; legal forms \
///      are `10/minute`, `10 per 2 hours`, `100/day;10/hour`",
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotationError {
    text: Box<str>,
    mistake: Mistake,
}

impl NotationError {
    fn new(text: &str, mistake: Mistake) -> Self {
        Self { text: text.into(), mistake }
    }

    /// The whole text that was parsed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The bytes of [`text`](Self::text) that are wrong. Where something is missing, they are the
    /// bytes it is missing after: `10 per` in `10 per; 5/hour`.
    ///
    /// The range lies on character boundaries. It is empty only if the text is.
    pub fn span(&self) -> Range<usize> {
        self.mistake.start..self.mistake.end
    }

    /// The part of the text that is wrong: [`text`](Self::text) at [`span`](Self::span).
    pub fn fragment(&self) -> &str {
        &self.text[self.span()]
    }

    /// What to write instead, for mistakes that are made often.
    pub fn hint(&self) -> Option<&'static str> {
        self.mistake.kind.wording().hint
    }
}

impl fmt::Display for NotationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for piece in message(&self.text, self.mistake) {
            match piece {
                Piece::Ours(text) => f.write_str(text)?,
                Piece::Theirs(text) => write_escaped(f, text)?,
                Piece::Number(number) => write!(f, "{number}")?,
            }
        }
        Ok(())
    }
}

impl Error for NotationError {}

/// One limit, and where the next one starts: right after the delimiter.
#[derive(Clone, Copy)]
struct Parsed {
    quota: Quota,
    next: Option<usize>,
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
/// after it. This is the grammar; everything else in this file calls it.
const fn parse_next(text: &str, at: usize) -> Result<Parsed, Mistake> {
    let mut cursor = Cursor { bytes: text.as_bytes(), start: at, end: at, at };
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
const fn window(text: &str) -> Result<Quota, Mistake> {
    let mut cursor = Cursor { bytes: text.as_bytes(), start: 0, end: 0, at: 0 };
    let quota = try_const!(cursor.window(1));
    match try_const!(cursor.delimiter()) {
        None => Ok(quota),
        Some(_) => Err(Mistake { kind: Kind::Trailing, start: cursor.end, end: text.len() }),
    }
}

/// A position in the text, at the start of a character.
struct Cursor<'a> {
    bytes: &'a [u8],
    /// Where the next part of the limit is expected.
    at: usize,
    /// Where the limit starts.
    start: usize,
    /// Where the last part of the limit that was read ends.
    end: usize,
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

/// Numbers, and the ways to write them that are refused.
impl Cursor<'_> {
    /// The number that starts here, or `None` if what starts here is nothing like a number.
    const fn number(&mut self, role: Role) -> Result<Option<u64>, Mistake> {
        let start = self.at;
        let first = self.byte(start);
        let second = self.byte(start + 1);
        match (first, second) {
            (Some(b'+' | b'-'), Some(b'0'..=b'9' | b'.')) => {
                return Err(self.mistake(Kind::Signed, self.numeral_end(start + 1)));
            }
            (Some(b'.'), Some(b'0'..=b'9')) => {
                return Err(self.mistake(role.decimal(), self.numeral_end(start)));
            }
            (Some(b'0'..=b'9'), _) => {}
            _ => return Ok(None),
        }

        let mut value: u64 = 0;
        let mut end = start;
        while let Some(digit @ b'0'..=b'9') = self.byte(end) {
            // Saturation is above every maximum, so it is refused below.
            value = value.saturating_mul(10).saturating_add((digit - b'0') as u64);
            end += 1;
        }

        match self.byte(end) {
            Some(b'.') => return Err(self.mistake(role.decimal(), self.numeral_end(end))),
            Some(b'_' | b'\'') => return Err(self.mistake(Kind::Grouped, self.numeral_end(end))),
            Some(b'e' | b'E' | b'k' | b'K') => {
                let shortened_end = self.shortened_end(end);
                if shortened_end > end {
                    return Err(self.mistake(Kind::Shortened, shortened_end));
                }
            }
            Some(b',' | b' ') if end - start <= 3 => {
                let grouped_end = self.grouped_end(end);
                // After a multiple or a burst the digits may be the next limit:
                // `10/second burst 20,100/day`.
                let next_limit = !matches!(role, Role::Amount) && self.per_follows(grouped_end);
                if grouped_end > end && !next_limit {
                    return Err(self.mistake(Kind::Grouped, grouped_end));
                }
            }
            _ => {}
        }
        if value > role.max() {
            return Err(self.mistake(role.too_large(), end));
        }
        self.take_until(end);
        Ok(Some(value))
    }

    /// The end of digits and of what people put between them: `1.5`, `1_000`, `1'000`.
    const fn numeral_end(&self, mut at: usize) -> usize {
        while let Some(b'0'..=b'9' | b'.' | b'_' | b'\'') = self.byte(at) {
            at += 1;
        }
        at
    }

    /// The end of `e3`, `e-3` or `k`, or `at` if there is none.
    const fn shortened_end(&self, at: usize) -> usize {
        if let Some(b'k' | b'K') = self.byte(at) {
            return if self.letters_end(at) == at + 1 { at + 1 } else { at };
        }
        let digits = match self.byte(at + 1) {
            Some(b'+' | b'-') => at + 2,
            _ => at + 1,
        };
        match self.byte(digits) {
            Some(b'0'..=b'9') => self.numeral_end(digits),
            _ => at,
        }
    }

    /// The end of `,000` or ` 000`, any number of times, or `at` if there is none.
    const fn grouped_end(&self, mut at: usize) -> usize {
        while let Some(b',' | b' ') = self.byte(at) {
            let mut end = at + 1;
            while let Some(b'0'..=b'9') = self.byte(end) {
                end += 1;
            }
            if end != at + 4 {
                break;
            }
            at = end;
        }
        at
    }
}

/// Characters and words.
impl<'a> Cursor<'a> {
    const fn byte(&self, at: usize) -> Option<u8> {
        if at < self.bytes.len() { Some(self.bytes[at]) } else { None }
    }

    const fn between(&self, start: usize, end: usize) -> &'a [u8] {
        self.bytes.split_at(end).0.split_at(start).1
    }

    const fn take_until(&mut self, end: usize) {
        self.at = end;
        self.end = end;
    }

    const fn skip_whitespace(&mut self) {
        self.at = self.whitespace_end(self.at);
    }

    const fn whitespace_end(&self, mut at: usize) -> usize {
        loop {
            match whitespace_len(self.bytes, at) {
                0 => return at,
                len => at += len,
            }
        }
    }

    /// Whether the text or the limit ends here, without a `:` before the delimiter.
    const fn is_limit_end(&self, at: usize) -> bool {
        match self.byte(at) {
            Some(byte) => is_delimiter(byte),
            None => true,
        }
    }

    /// The length of `/` or `per`, 0 if neither starts here.
    const fn per_len(&self, at: usize) -> usize {
        if let Some(b'/') = self.byte(at) {
            return 1;
        }
        let fits = at + 3 <= self.bytes.len();
        if fits && self.between(at, at + 3).eq_ignore_ascii_case(b"per") { 3 } else { 0 }
    }

    const fn per_follows(&self, at: usize) -> bool {
        self.per_len(self.whitespace_end(at)) > 0
    }

    /// The end of the run of letters. Everything outside ASCII is taken for a letter, so that the
    /// whole of `ｍinute` is reported and not its first or last bytes.
    const fn letters_end(&self, mut at: usize) -> usize {
        while let Some(byte) = self.byte(at)
            && (byte.is_ascii_alphabetic() || !byte.is_ascii())
            && whitespace_len(self.bytes, at) == 0
        {
            at += 1;
        }
        at
    }

    /// The end of the word, number or mark that starts at the cursor. A mark may be repeated: `::`.
    const fn token_end(&self) -> usize {
        let Some(first) = self.byte(self.at) else { return self.at };
        if first.is_ascii_digit() {
            return self.numeral_end(self.at);
        }
        let letters_end = self.letters_end(self.at);
        if letters_end > self.at {
            return letters_end;
        }
        let mut end = self.at + 1;
        while let Some(byte) = self.byte(end)
            && byte == first
        {
            end += 1;
        }
        end
    }

    /// The end of what starts at the cursor, up to whitespace or a delimiter.
    const fn word_end(&self) -> usize {
        let mut end = self.at;
        while !self.is_limit_end(end) && whitespace_len(self.bytes, end) == 0 {
            end += 1;
        }
        end
    }
}

/// Mistakes, with the bytes they are in.
impl Cursor<'_> {
    const fn mistake(&self, kind: Kind, end: usize) -> Mistake {
        Mistake { kind, start: self.at, end }
    }

    const fn nothing_after(&self, kind: Kind) -> Mistake {
        Mistake { kind, start: self.start, end: self.end }
    }

    /// No limit stands where one must: at the start of the text or after a delimiter.
    const fn no_limit(&self, after_delimiter: bool) -> Mistake {
        match (self.byte(self.at), after_delimiter) {
            (None, false) => Mistake { kind: Kind::Empty, start: 0, end: self.bytes.len() },
            (None, true) => {
                Mistake { kind: Kind::TrailingDelimiter, start: self.start - 1, end: self.start }
            }
            (Some(_), false) => self.mistake(Kind::LeadingDelimiter, self.at + 1),
            (Some(_), true) => self.mistake(Kind::DoubledDelimiter, self.at + 1),
        }
    }
}

/// What a number is for.
#[derive(Clone, Copy)]
enum Role {
    Amount,
    Multiple,
    Burst,
}

impl Role {
    const fn max(self) -> u64 {
        match self {
            Self::Amount | Self::Burst => Quota::MAX_AMOUNT,
            Self::Multiple => u32::MAX as u64,
        }
    }

    const fn too_large(self) -> Kind {
        match self {
            Self::Amount => Kind::AmountTooLarge,
            Self::Multiple => Kind::MultipleTooLarge,
            Self::Burst => Kind::BurstTooLarge,
        }
    }

    const fn decimal(self) -> Kind {
        match self {
            Self::Amount => Kind::DecimalAmount,
            Self::Multiple => Kind::DecimalMultiple,
            Self::Burst => Kind::DecimalBurst,
        }
    }
}

const fn is_delimiter(byte: u8) -> bool {
    matches!(byte, b',' | b';' | b'|')
}

/// The number of bytes of the whitespace character that starts here, 0 if none does.
///
/// Whitespace is what Python's `\s` matches, as in the reference: Unicode's `White_Space` and the
/// four information separators U+001C to U+001F. (`char::is_whitespace` lacks
/// the separators, and `str::chars` is not `const`.)
const fn whitespace_len(bytes: &[u8], at: usize) -> usize {
    match bytes.split_at(at).1 {
        [b'\t'..=b'\r' | 0x1C..=0x1F | b' ', ..] => 1,
        // U+0085 next line, U+00A0 no-break space.
        [0xC2, 0x85 | 0xA0, ..] => 2,
        // U+1680 Ogham space mark.
        [0xE1, 0x9A, 0x80, ..] => 3,
        // U+2000 to U+200A spaces of a width, U+2028 and U+2029 separators, U+202F narrow space.
        [0xE2, 0x80, 0x80..=0x8A | 0xA8 | 0xA9 | 0xAF, ..] => 3,
        // U+205F mathematical space.
        [0xE2, 0x81, 0x9F, ..] => 3,
        // U+3000 ideographic space.
        [0xE3, 0x80, 0x80, ..] => 3,
        _ => 0,
    }
}

/// The unit with this name, in any case.
const fn unit(word: &[u8]) -> Option<Unit> {
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
const fn unknown_unit(word: &[u8]) -> Kind {
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

const fn is_one_of(word: &[u8], words: &[&str]) -> bool {
    let mut row = 0;
    while row < words.len() {
        if word.eq_ignore_ascii_case(words[row].as_bytes()) {
            return true;
        }
        row += 1;
    }
    false
}

/// What is wrong with which bytes of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mistake {
    kind: Kind,
    start: usize,
    end: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Empty,
    LeadingDelimiter,
    DoubledDelimiter,
    TrailingDelimiter,
    Amount,
    AmountMissing,
    AmountTooLarge,
    Signed,
    DecimalAmount,
    DecimalMultiple,
    DecimalBurst,
    Grouped,
    Shortened,
    Per,
    PerMissing,
    PerBeforeUnit,
    OtherPer,
    DoubledPer,
    MultipleTooLarge,
    Unit,
    UnitMissing,
    MinuteOrMonth,
    WeekAbbreviated,
    MonthAbbreviated,
    YearAbbreviated,
    Microsecond,
    WindowTooLong,
    Burst,
    BurstMissing,
    BurstTooLarge,
    Colon,
    OtherDelimiter,
    DelimiterMissing,
    Trailing,
    SeveralLimits,
}

impl Kind {
    /// The one table of messages.
    const fn wording(self) -> Wording {
        const UNIT: &str = "a unit (millisecond, second, minute, hour, day, week, month, year)";
        const PER: &str = "`/` or `per` between the amount and the unit";
        const DELIMITER: &str = "`,`, `;` or `|` between two limits";
        const DIGITS: &str = "a number in the digits 0 to 9";
        const WHOLE: &str = "a whole number";
        const AFTER_DELIMITER: &str = "a limit after the delimiter";
        const ONE_PER: &str = "write `/` or `per`, and only once";
        const BURST: &str = "write it as in `10/second burst 20`";

        match self {
            Self::Empty => Wording::nothing("one or several limits"),
            Self::LeadingDelimiter => Wording::found("a limit before the delimiter")
                .hint("a delimiter stands between two limits: leave the first one out"),
            Self::DoubledDelimiter => Wording::found(AFTER_DELIMITER)
                .hint("write exactly one delimiter between two limits"),
            Self::TrailingDelimiter => Wording::nothing_after(AFTER_DELIMITER)
                .hint("a delimiter stands between two limits: leave the last one out"),

            Self::Amount => Wording::found("an amount in the digits 0 to 9"),
            Self::AmountMissing => Wording::found("an amount before `/` or `per`"),
            Self::AmountTooLarge => Wording::found("an amount of at most 999999999999999"),
            Self::Signed => Wording::found("a number without a sign")
                .hint("leave the sign out; `0/minute` admits nothing"),
            Self::DecimalAmount => {
                Wording::found(WHOLE).hint("write `3 per 2 minutes` instead of `1.5/minute`")
            }
            Self::DecimalMultiple => Wording::found(WHOLE)
                .hint("write `10 per 90 seconds` instead of `10 per 1.5 minutes`"),
            Self::DecimalBurst => Wording::found(WHOLE),
            Self::Grouped => {
                Wording::found(DIGITS).hint("write `1000` instead of `1,000` or `1_000`")
            }
            Self::Shortened => Wording::found(DIGITS).hint("write `1000` instead of `1e3` or `1k`"),

            Self::Per => Wording::found(PER),
            Self::PerMissing => Wording::nothing_after("`/` or `per` and a unit"),
            Self::PerBeforeUnit => {
                Wording::found(PER).hint("write `10/minute` instead of `10 minute`")
            }
            Self::OtherPer => {
                Wording::found(PER).hint("write `10 per minute` instead of `10 every minute`")
            }
            Self::DoubledPer => Wording::found(UNIT).hint(ONE_PER),

            Self::MultipleTooLarge => {
                Wording::found("a number of units of at most 4294967295").hint("use a larger unit")
            }
            Self::Unit => Wording::found(UNIT),
            Self::UnitMissing => Wording::nothing_after(UNIT),
            Self::MinuteOrMonth => {
                Wording::found(UNIT).hint("`m` could be minute or month: write `min` or `month`")
            }
            Self::WeekAbbreviated => Wording::found(UNIT).hint("write `week`"),
            Self::MonthAbbreviated => Wording::found(UNIT).hint("write `month`"),
            Self::YearAbbreviated => Wording::found(UNIT).hint("write `year`"),
            Self::Microsecond => Wording::found(UNIT).hint("the shortest window is `1 ms`"),
            Self::WindowTooLong => Wording::found("a window of at most 100000 years of 365 days"),

            Self::Burst => Wording::found("a number after `burst`").hint(BURST),
            Self::BurstMissing => Wording::nothing_after("a number").hint(BURST),
            Self::BurstTooLarge => Wording::found("a burst of at most 999999999999999"),

            Self::Colon => Wording::found(DELIMITER).hint("write `;` instead of `:`"),
            Self::OtherDelimiter => Wording::found(DELIMITER).hint("write `10/hour; 5/minute`"),
            Self::DelimiterMissing => {
                Wording::found(DELIMITER).hint("whitespace does not separate limits: write `;`")
            }
            Self::Trailing => Wording::found("a delimiter (`,`, `;`, `|`) or the end"),
            Self::SeveralLimits => {
                Wording::found("exactly one limit").hint("only one limit is possible here")
            }
        }
    }
}

/// What is said about one kind of mistake: `expected …, found …; hint`.
#[derive(Clone, Copy)]
struct Wording {
    expected: &'static str,
    /// What stands around the fragment.
    found: (&'static str, &'static str),
    hint: Option<&'static str>,
}

impl Wording {
    /// The fragment is wrong.
    const fn found(expected: &'static str) -> Self {
        Self { expected, found: ("`", "`"), hint: None }
    }

    /// The fragment is right, and what must follow it is missing.
    const fn nothing_after(expected: &'static str) -> Self {
        Self { expected, found: ("nothing after `", "`"), hint: None }
    }

    /// The fragment is the whole text, and there is nothing in it.
    const fn nothing(expected: &'static str) -> Self {
        Self { expected, found: ("nothing in `", "`"), hint: None }
    }

    const fn hint(self, hint: &'static str) -> Self {
        Self { hint: Some(hint), ..self }
    }
}

/// A part of a message.
#[derive(Clone, Copy)]
enum Piece<'a> {
    Ours(&'static str),
    /// From the text that was parsed, which may hold anything.
    Theirs(&'a str),
    Number(usize),
}

/// The message of a mistake, for [`NotationError`] and for the compiler alike.
const fn message(text: &str, mistake: Mistake) -> [Piece<'_>; 16] {
    let Wording { expected, found: (before, after), hint } = mistake.kind.wording();
    let fragment = text.split_at(mistake.end).0.split_at(mistake.start).1;
    let (semicolon, hint) = match hint {
        Some(hint) => ("; ", hint),
        None => ("", ""),
    };
    [
        Piece::Ours("expected "),
        Piece::Ours(expected),
        Piece::Ours(", found "),
        Piece::Ours(before),
        Piece::Theirs(fragment),
        Piece::Ours(after),
        Piece::Ours(" at bytes "),
        Piece::Number(mistake.start),
        Piece::Ours(".."),
        Piece::Number(mistake.end),
        Piece::Ours(" of `"),
        Piece::Theirs(text),
        Piece::Ours("`"),
        Piece::Ours(semicolon),
        Piece::Ours(hint),
        Piece::Ours(LEGAL_FORMS),
    ]
}

/// Line breaks and other invisible characters are shown by their escapes, so that a message stays
/// on one line and shows what is there.
fn write_escaped(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    for character in text.chars() {
        if character.is_control() || (character.is_whitespace() && character != ' ') {
            write!(f, "{}", character.escape_default())?;
        } else {
            f.write_char(character)?;
        }
    }
    Ok(())
}

/// A message in a buffer, because a `const fn` has no other place to put one.
struct PanicMessage {
    bytes: [u8; 1024],
    len: usize,
}

impl PanicMessage {
    const fn new(text: &str, mistake: Mistake) -> Self {
        let mut message = Self { bytes: [0; 1024], len: 0 };
        let pieces = self::message(text, mistake);
        let mut index = 0;
        while index < pieces.len() {
            match pieces[index] {
                Piece::Ours(text) | Piece::Theirs(text) => message.push_all(text),
                Piece::Number(number) => message.push_number(number),
            }
            index += 1;
        }
        message
    }

    const fn push_all(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let mut index = 0;
        while index < bytes.len() {
            self.push(bytes[index]);
            index += 1;
        }
    }

    const fn push_number(&mut self, number: usize) {
        if number >= 10 {
            self.push_number(number / 10);
        }
        self.push(b'0' + (number % 10) as u8);
    }

    /// A message that does not fit is cut.
    const fn push(&mut self, byte: u8) {
        if self.len < self.bytes.len() {
            self.bytes[self.len] = byte;
            self.len += 1;
        }
    }

    const fn as_str(&self) -> &str {
        let written = self.bytes.split_at(self.len).0;
        match core::str::from_utf8(written) {
            Ok(text) => text,
            // The cut went through a character.
            Err(error) => match core::str::from_utf8(written.split_at(error.valid_up_to()).0) {
                Ok(text) => text,
                Err(_) => "expected limits in limit notation",
            },
        }
    }
}

const LEGAL_FORMS: &str = "; legal forms are `10/minute`, `10 per 2 hours`, `100/day;10/hour`";

/// Every name of every unit. The reference knows the long names but no week.
const UNITS: [(Unit, &[&str]); 8] = [
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

const OTHER_WORDS_FOR_PER: [&str; 8] = ["every", "each", "a", "an", "in", "within", "@", "-"];

const OTHER_WORDS_FOR_DELIMITER: [&str; 6] = ["and", "or", "then", "plus", "&", "+"];

#[cfg(test)]
mod tests {
    use super::*;

    const _: () = assert_valid("10/minute");
    const _: () = assert_valid(" 100/day; 10 PER 2 hours :| 5/s burst 20,1/99999 years\n");

    fn quota(amount: u64, multiples: u32, unit: Unit) -> Quota {
        Quota::new(amount, multiples, unit).unwrap()
    }

    fn mistake(text: &str) -> NotationError {
        match parse_many(text) {
            Ok(quotas) => panic!("{text:?} was accepted as {quotas:?}"),
            Err(error) => error,
        }
    }

    /// The text is refused, and `fragment` at byte `start` is what is wrong with it.
    #[track_caller]
    fn assert_mistake(text: &str, start: usize, fragment: &str, kind: Kind) {
        let error = mistake(text);
        let found = (error.mistake.kind, error.span(), error.fragment());
        assert_eq!(found, (kind, start..start + fragment.len(), fragment), "{text:?}");
    }

    /// Every row of section 3.2 of the reference but the overflowing one.
    #[test]
    fn every_limit_of_the_reference_has_the_same_meaning() {
        use Unit::{Day, Hour, Minute, Month, Second, Year};

        /// Amount, multiples, unit, and the window in seconds.
        type Meaning = (u64, u32, Unit, u64);

        let rows: &[(&str, &[Meaning])] = &[
            ("10/second", &[(10, 1, Second, 1)]),
            ("10 per second", &[(10, 1, Second, 1)]),
            ("10/SECOND", &[(10, 1, Second, 1)]),
            ("10 PER Second", &[(10, 1, Second, 1)]),
            ("10/seconds", &[(10, 1, Second, 1)]),
            ("10 per 2 hours", &[(10, 2, Hour, 7200)]),
            ("10/2hours", &[(10, 2, Hour, 7200)]),
            ("10 PeR 3 hOuRs", &[(10, 3, Hour, 10800)]),
            ("500/7days", &[(500, 7, Day, 604_800)]),
            ("100/day, 500/7days", &[(100, 1, Day, 86_400), (500, 7, Day, 604_800)]),
            ("  10  /  5   minutes  ", &[(10, 5, Minute, 300)]),
            ("10per5minutes", &[(10, 5, Minute, 300)]),
            ("10perminute", &[(10, 1, Minute, 60)]),
            ("10 perminute", &[(10, 1, Minute, 60)]),
            ("10per minute", &[(10, 1, Minute, 60)]),
            ("10 per\tminute", &[(10, 1, Minute, 60)]),
            ("10\nper\nminute", &[(10, 1, Minute, 60)]),
            ("10/minute\n", &[(10, 1, Minute, 60)]),
            ("10 per 1minute", &[(10, 1, Minute, 60)]),
            ("10 per 60 second", &[(10, 60, Second, 60)]),
            ("0/minute", &[(0, 1, Minute, 60)]),
            ("00010/minute", &[(10, 1, Minute, 60)]),
            ("10/0 minute", &[(10, 1, Minute, 60)]),
            ("1/month", &[(1, 1, Month, 2_592_000)]),
            ("1/months", &[(1, 1, Month, 2_592_000)]),
            ("1/year", &[(1, 1, Year, 31_536_000)]),
            ("1/years", &[(1, 1, Year, 31_536_000)]),
            ("10/Days", &[(10, 1, Day, 86_400)]),
            ("10/dayS", &[(10, 1, Day, 86_400)]),
            ("1/minute;2/hour", &[(1, 1, Minute, 60), (2, 1, Hour, 3600)]),
            ("1/minute|2/hour", &[(1, 1, Minute, 60), (2, 1, Hour, 3600)]),
            ("1/minute,2/hour", &[(1, 1, Minute, 60), (2, 1, Hour, 3600)]),
            ("10/minute ,5/hour", &[(10, 1, Minute, 60), (5, 1, Hour, 3600)]),
            ("10/minute; 10/minute", &[(10, 1, Minute, 60), (10, 1, Minute, 60)]),
            (
                "10 per 1 hour;5 per 1 second|3/day, 2/month",
                &[
                    (10, 1, Hour, 3600),
                    (5, 1, Second, 1),
                    (3, 1, Day, 86_400),
                    (2, 1, Month, 2_592_000),
                ],
            ),
            ("10/minute:;5/hour", &[(10, 1, Minute, 60), (5, 1, Hour, 3600)]),
            ("10/minute :;5/hour", &[(10, 1, Minute, 60), (5, 1, Hour, 3600)]),
            ("10/minute:,5/hour", &[(10, 1, Minute, 60), (5, 1, Hour, 3600)]),
            ("1/99999 years", &[(1, 99_999, Year, 99_999 * 31_536_000)]),
            (
                "1/year;1/month;1/day;1/hour;1/minute;1/second",
                &[
                    (1, 1, Year, 31_536_000),
                    (1, 1, Month, 2_592_000),
                    (1, 1, Day, 86_400),
                    (1, 1, Hour, 3600),
                    (1, 1, Minute, 60),
                    (1, 1, Second, 1),
                ],
            ),
        ];
        for (text, expected) in rows {
            let quotas = parse_many(text).unwrap();
            let found: Vec<_> = quotas
                .iter()
                .map(|quota| {
                    (quota.amount(), quota.multiples(), quota.unit(), quota.window().as_secs())
                })
                .collect();
            assert_eq!(&found, expected, "{text:?}");
            assert!(quotas.iter().all(|quota| quota.burst().is_none()), "{text:?}");
            assert_valid(text);
        }
    }

    /// Every row of section 3.3 of the reference that is text and stays refused.
    #[test]
    fn every_text_the_reference_refuses_is_refused_at_the_wrong_piece() {
        let rows: &[(&str, usize, &str, Kind)] = &[
            ("", 0, "", Kind::Empty),
            (";", 0, ";", Kind::LeadingDelimiter),
            ("1/minute;", 8, ";", Kind::TrailingDelimiter),
            ("; 1/minute", 0, ";", Kind::LeadingDelimiter),
            ("1/minute;;2/hour", 9, ";", Kind::DoubledDelimiter),
            ("1/minute:2/hour", 8, ":", Kind::Colon),
            ("10/minute::;5/hour", 9, "::", Kind::Colon),
            ("1/minute 2/hour", 9, "2/hour", Kind::DelimiterMissing),
            ("1/minute\n2/hour", 9, "2/hour", Kind::DelimiterMissing),
            ("10 per 1 hour and 5 per minute", 14, "and", Kind::OtherDelimiter),
            ("10 / per minute", 5, "per", Kind::DoubledPer),
            ("10 per/minute", 6, "/", Kind::DoubledPer),
            ("10//minute", 3, "/", Kind::DoubledPer),
            ("10", 0, "10", Kind::PerMissing),
            ("10/", 0, "10/", Kind::UnitMissing),
            ("10 per", 0, "10 per", Kind::UnitMissing),
            ("/minute", 0, "/", Kind::AmountMissing),
            ("per minute", 0, "per", Kind::AmountMissing),
            ("10 minute", 3, "minute", Kind::PerBeforeUnit),
            ("10 every minute", 3, "every", Kind::OtherPer),
            ("10 a minute", 3, "a", Kind::OtherPer),
            ("10 in minute", 3, "in", Kind::OtherPer),
            ("10 per minute extra", 14, "extra", Kind::Trailing),
            ("10 per minute # c", 14, "#", Kind::Trailing),
            ("-1/minute", 0, "-1", Kind::Signed),
            ("+1/minute", 0, "+1", Kind::Signed),
            ("10/-1 minute", 3, "-1", Kind::Signed),
            ("1.5/minute", 0, "1.5", Kind::DecimalAmount),
            ("10/1.5 minutes", 3, "1.5", Kind::DecimalMultiple),
            ("1e3/minute", 0, "1e3", Kind::Shortened),
            ("1_000/minute", 0, "1_000", Kind::Grouped),
            ("1,000/minute", 0, "1,000", Kind::Grouped),
            ("ten/minute", 0, "ten", Kind::Amount),
            ("\u{FF11}\u{FF10}/minute", 0, "\u{FF11}\u{FF10}", Kind::Amount),
            ("10/\u{FF4D}inute", 3, "\u{FF4D}inute", Kind::Unit),
            ("1/m", 2, "m", Kind::MinuteOrMonth),
            ("1/y", 2, "y", Kind::YearAbbreviated),
            ("1/decade", 2, "decade", Kind::Unit),
            ("10/minute;5/fortnight", 12, "fortnight", Kind::Unit),
            ("10/minutess", 3, "minutess", Kind::Unit),
            ("1/\u{17F}econd", 2, "\u{17F}econd", Kind::Unit),
        ];
        for &(text, start, fragment, kind) in rows {
            assert_mistake(text, start, fragment, kind);
        }
    }

    #[test]
    fn units_the_reference_lacks_are_accepted() {
        let rows = [
            ("week weeks", Unit::Week),
            ("millisecond milliseconds ms", Unit::Millisecond),
            ("s sec secs", Unit::Second),
            ("min mins", Unit::Minute),
            ("h hr hrs", Unit::Hour),
            ("d", Unit::Day),
        ];
        for (names, unit) in rows {
            for name in names.split(' ') {
                let expected = [quota(10, 1, unit), quota(10, 3, unit)];
                assert_eq!(parse_many(&format!("10/{name};10per3{name}")).unwrap(), expected);
                let name = name.to_uppercase();
                assert_eq!(parse_many(&format!("10/{name}, 10 per 3 {name}")).unwrap(), expected);
            }
        }
        assert_eq!("10 per 250ms".parse::<Quota>().unwrap().window_micros(), 250_000);
    }

    #[test]
    fn abbreviations_that_are_refused_name_the_unit_to_write() {
        let rows = [
            ("m", "`m` could be minute or month: write `min` or `month`"),
            ("M", "`m` could be minute or month: write `min` or `month`"),
            ("w", "write `week`"),
            ("wk", "write `week`"),
            ("mo", "write `month`"),
            ("y", "write `year`"),
            ("yrs", "write `year`"),
            ("us", "the shortest window is `1 ms`"),
            ("\u{B5}s", "the shortest window is `1 ms`"),
        ];
        for (name, hint) in rows {
            let error = mistake(&format!("10 per 2 {name}; 5/hour"));
            assert_eq!((error.hint(), error.fragment(), error.span().start), (Some(hint), name, 9));
        }
    }

    #[test]
    fn burst_is_the_last_part_of_a_limit() {
        let rows = [
            ("10/second burst 20", quota(10, 1, Unit::Second).with_burst(20)),
            ("10 per 2 seconds BURST 20", quota(10, 2, Unit::Second).with_burst(20)),
            ("10/s\tBurst\n\u{2003}020 ", quota(10, 1, Unit::Second).with_burst(20)),
            ("10/s burst20", quota(10, 1, Unit::Second).with_burst(20)),
            ("10/s burst 0", quota(10, 1, Unit::Second).with_burst(0)),
            (
                "10/s burst 999999999999999",
                quota(10, 1, Unit::Second).with_burst(Quota::MAX_AMOUNT),
            ),
        ];
        for (text, expected) in rows {
            assert_eq!(text.parse::<Quota>().unwrap(), expected, "{text:?}");
        }
        // The comma is a delimiter here, although it looks like a group of digits.
        assert_eq!(
            parse_many("10/s burst 20,100/day").unwrap(),
            [quota(10, 1, Unit::Second).with_burst(20), quota(100, 1, Unit::Day)],
        );

        assert_mistake("10/s burst", 0, "10/s burst", Kind::BurstMissing);
        assert_mistake("1/d; 10/s burst ; 5/h", 5, "10/s burst", Kind::BurstMissing);
        assert_mistake("10/s burst many", 11, "many", Kind::Burst);
        assert_mistake("10/s burst=20", 10, "=", Kind::Burst);
        assert_mistake("10/s burst -20", 11, "-20", Kind::Signed);
        assert_mistake("10/s burst 1.5", 11, "1.5", Kind::DecimalBurst);
        assert_mistake("10/s burst 1,000", 11, "1,000", Kind::Grouped);
        assert_mistake("10/s burst 1000000000000000", 11, "1000000000000000", Kind::BurstTooLarge);
        assert_mistake("10/s burst 20 burst 30", 14, "burst", Kind::Trailing);
        assert_mistake("10/s bursts 20", 5, "bursts", Kind::Trailing);
        assert_mistake("10/sburst 20", 3, "sburst", Kind::Unit);
        assert_mistake("10 burst 20", 3, "burst", Kind::Per);
    }

    #[test]
    fn numbers_that_do_not_fit_are_refused() {
        assert_eq!("999999999999999/s".parse(), Ok(quota(Quota::MAX_AMOUNT, 1, Unit::Second)));
        assert_eq!("000000000000000000000000000007/s".parse(), Ok(quota(7, 1, Unit::Second)));
        let too_large = ["1000000000000000", "999999999999999999999", "18446744073709551626"];
        for amount in too_large {
            assert_mistake(&format!(" {amount}/second"), 1, amount, Kind::AmountTooLarge);
        }

        assert_eq!("1/4294967295ms".parse(), Ok(quota(1, u32::MAX, Unit::Millisecond)));
        assert_mistake("1/4294967296 ms", 2, "4294967296", Kind::MultipleTooLarge);
        let wraps_around = "18446744073709551617";
        assert_mistake(&format!("1/{wraps_around} ms"), 2, wraps_around, Kind::MultipleTooLarge);

        assert_eq!("1/100000 years".parse(), Ok(quota(1, 100_000, Unit::Year)));
        assert_mistake("1/100001 years", 2, "100001 years", Kind::WindowTooLong);
        assert_mistake("1 per 4294967295 week ; 1/s", 6, "4294967295 week", Kind::WindowTooLong);

        // The messages say the same as the code.
        let says = |text: &str, number: u64| {
            assert!(mistake(text).to_string().contains(&format!("of at most {number}")), "{text}");
        };
        says("1000000000000000/s", Quota::MAX_AMOUNT);
        says("1/s burst 1000000000000000", Quota::MAX_AMOUNT);
        says("1/4294967296 ms", u64::from(u32::MAX));
        says("1/100001 years", Quota::MAX_WINDOW_MICROS / Unit::Year.micros());
    }

    #[test]
    fn common_slips_are_reported_at_the_wrong_piece() {
        let rows: &[(&str, usize, &str, Kind)] = &[
            ("   ", 0, "   ", Kind::Empty),
            (" ; ", 1, ";", Kind::LeadingDelimiter),
            ("1/s ; ", 4, ";", Kind::TrailingDelimiter),
            ("1/s:;", 4, ";", Kind::TrailingDelimiter),
            ("1/s; ,2/s", 5, ",", Kind::DoubledDelimiter),
            ("1/s:", 3, ":", Kind::Colon),
            ("1/s: ;2/s", 3, ":", Kind::Colon),
            ("1/s; 10 ;2/s", 5, "10", Kind::PerMissing),
            ("1/s; 10 per 5 ;2/s", 5, "10 per 5", Kind::UnitMissing),
            ("10/5 /minute", 5, "/", Kind::DoubledPer),
            ("10/perminute", 3, "per", Kind::DoubledPer),
            ("10/period", 3, "period", Kind::Unit),
            ("10/5,100/day", 0, "10/5", Kind::UnitMissing),
            ("10m", 2, "m", Kind::PerBeforeUnit),
            ("10@second", 2, "@", Kind::OtherPer),
            ("10:second", 2, ":", Kind::Per),
            (".5/s", 0, ".5", Kind::DecimalAmount),
            ("5./s", 0, "5.", Kind::DecimalAmount),
            ("-1.5/s", 0, "-1.5", Kind::Signed),
            ("-/s", 0, "-", Kind::Amount),
            ("1'000'000/s", 0, "1'000'000", Kind::Grouped),
            ("1 000 000/s", 0, "1 000 000", Kind::Grouped),
            ("1,000,000 per day", 0, "1,000,000", Kind::Grouped),
            ("100,000/s", 0, "100,000", Kind::Grouped),
            ("1000,000/s", 0, "1000", Kind::PerMissing),
            ("1,00/s", 0, "1", Kind::PerMissing),
            ("10 per 1,000 s", 7, "1,000", Kind::Grouped),
            ("1e-3/s", 0, "1e-3", Kind::Shortened),
            ("1k/s", 0, "1k", Kind::Shortened),
            ("1kb/s", 1, "kb", Kind::Per),
            ("1egg/s", 1, "egg", Kind::Per),
            ("10/(s)", 3, "(", Kind::Unit),
            ("10/minute(s)", 9, "(s)", Kind::Trailing),
            ("10/minute/user", 9, "/user", Kind::Trailing),
            ("10/minute.", 9, ".", Kind::Trailing),
            ("10/minute + 5/hour", 10, "+", Kind::OtherDelimiter),
            ("10/minute \u{2003}\u{1F980}\u{2003}", 13, "\u{1F980}", Kind::Trailing),
        ];
        for &(text, start, fragment, kind) in rows {
            assert_mistake(text, start, fragment, kind);
        }
    }

    #[test]
    fn one_quota_is_exactly_one_limit() {
        let refused = |text: &str| text.parse::<Quota>().unwrap_err();

        assert_eq!(" 10/minute ".parse(), Ok(Quota::per_minute(10)));
        let several = refused("10/minute :; 5/hour;1/s ");
        assert_eq!((several.fragment(), several.span()), ("; 5/hour;1/s", 11..23));
        assert!(
            several.to_string().starts_with("expected exactly one limit, found `; 5/hour;1/s`")
        );
        // Where the rest is malformed, saying "several" would mislead.
        assert_eq!(refused("10/minute;").mistake.kind, Kind::TrailingDelimiter);
        assert_eq!(refused("10/minute;1/s;5/x").fragment(), "x");
    }

    #[test]
    fn messages_say_what_was_expected_what_was_found_and_what_to_write() {
        let legal = "; legal forms are `10/minute`, `10 per 2 hours`, `100/day;10/hour`";
        let rows = [
            (
                "10 per fortnight",
                "expected a unit (millisecond, second, minute, hour, day, week, month, year), \
                 found `fortnight` at bytes 7..16 of `10 per fortnight`",
            ),
            (
                "1.5/minute",
                "expected a whole number, found `1.5` at bytes 0..3 of `1.5/minute`; write \
                 `3 per 2 minutes` instead of `1.5/minute`",
            ),
            (
                "1/s\u{2028}\n2/h",
                "expected `,`, `;` or `|` between two limits, found `2/h` at bytes 7..10 of \
                 `1/s\\u{2028}\\n2/h`; whitespace does not separate limits: write `;`",
            ),
            (
                "1/s; 10 ",
                "expected `/` or `per` and a unit, found nothing after `10` at bytes 5..7 of \
                 `1/s; 10 `",
            ),
            ("", "expected one or several limits, found nothing in `` at bytes 0..0 of ``"),
        ];
        for (text, message) in rows {
            assert_eq!(mistake(text).to_string(), format!("{message}{legal}"));
        }
    }

    #[test]
    fn the_compiler_says_what_the_error_says() {
        for text in ["10 per fortnight", "10", ";", "\u{FF11}/s", "1/2 minute and"] {
            let error = mistake(text);
            let message = PanicMessage::new(text, error.mistake);
            assert_eq!(message.as_str(), error.to_string());
        }
        let panic = std::panic::catch_unwind(|| assert_valid("10/m")).unwrap_err();
        assert_eq!(panic.downcast_ref::<String>(), Some(&mistake("10/m").to_string()));
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        for padding in 0..4 {
            let text = format!("{}{}", "x".repeat(padding), "\u{1F980}".repeat(1000));
            let error = mistake(&text);
            let message = PanicMessage::new(&text, error.mistake);
            assert!((1021..=1024).contains(&message.as_str().len()));
            assert!(error.to_string().starts_with(message.as_str()));
        }
    }

    #[test]
    fn whitespace_is_what_the_reference_takes_for_it() {
        for character in '\0'..=char::MAX {
            let mut buffer = [0; 4];
            let bytes = character.encode_utf8(&mut buffer).as_bytes();
            let is_space = character.is_whitespace() || matches!(character, '\u{1C}'..='\u{1F}');
            let expected = if is_space { bytes.len() } else { 0 };
            assert_eq!(whitespace_len(bytes, 0), expected, "{character:?}");
        }
        let spaced = "\u{2003}10\u{A0}per\u{3000}2\u{85}hours\u{1C};\u{205F}5/s";
        assert_eq!(parse_many(spaced), parse_many("10 per 2 hours; 5/s"));
    }

    #[test]
    fn display_parses_back_to_the_same_quota() {
        let mut random = Random(1);
        let units = UNITS.map(|(unit, _)| unit);
        for round in 0..20_000 {
            // Numbers of every length, not mostly long ones.
            let amount = random.next() >> random.below(64);
            let multiples = (random.next() >> (32 + random.below(32))) as u32;
            let unit = units[random.below(units.len())];
            let amount = amount % (Quota::MAX_AMOUNT + 1);
            let Some(mut quota) = Quota::new(amount, multiples, unit) else { continue };
            if round % 2 == 0 {
                let burst = random.next() >> random.below(64);
                quota = quota.with_burst(burst % (Quota::MAX_AMOUNT + 1));
            }
            assert_eq!(quota.to_string().parse(), Ok(quota));
        }
    }

    #[test]
    fn no_text_makes_the_parser_panic_or_report_a_broken_span() {
        let pieces: Vec<&str> = "0~1~10~000~999999999999999999999~/~/~per~PER~pe~s~ms~m~minute~\
             Hours~years~burst~and~e~k~x~ ~ ~\n~\u{A0}~\u{2003}~\u{3000}~,~;~|~:~.~-~+~_~'~#~\0~\
             \u{FF11}~\u{17F}~\u{E9}~\u{1F980}~\u{301}~\u{10FFFF}"
            .split('~')
            .collect();
        const LEGAL: [&str; 15] =
            ["10", " ", "per", " ", "2", " ", "hours", " ", "burst", " ", "20", ";", "5", "/", "s"];
        let mut random = Random(2);
        let mut accepted = 0;
        for _ in 0..200_000 {
            // A legal text with none, some or nearly all of its pieces exchanged.
            let exchanged = random.below(LEGAL.len());
            let text: String = LEGAL
                .map(|legal| {
                    let exchange = random.below(LEGAL.len()) < exchanged;
                    if exchange { pieces[random.below(pieces.len())] } else { legal }
                })
                .concat();
            let single = text.parse::<Quota>();
            match parse_many(&text) {
                Ok(quotas) => {
                    accepted += 1;
                    assert_valid(&text);
                    assert_eq!(single.ok(), (quotas.len() == 1).then(|| quotas[0]), "{text:?}");
                }
                Err(error) => {
                    let fragment = text.get(error.span()).expect("a span on characters");
                    assert!(!fragment.is_empty(), "{text:?}");
                    // Nothing is reported with the space around it.
                    if error.mistake.kind != Kind::Empty {
                        assert_eq!(fragment, fragment.trim(), "{text:?}");
                    }
                    assert!(!error.to_string().contains(char::is_control), "{text:?}");
                    assert!(!PanicMessage::new(&text, error.mistake).as_str().is_empty());
                    assert_eq!(single, Err(error), "{text:?}");
                }
            }
        }
        assert!(accepted > 500, "only {accepted} of the texts were legal");
    }

    /// xorshift64*: the same numbers in every run.
    struct Random(u64);

    impl Random {
        fn next(&mut self) -> u64 {
            self.0 ^= self.0 >> 12;
            self.0 ^= self.0 << 25;
            self.0 ^= self.0 >> 27;
            self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
        }

        fn below(&mut self, bound: usize) -> usize {
            (self.next() >> 33) as usize % bound
        }
    }
}
