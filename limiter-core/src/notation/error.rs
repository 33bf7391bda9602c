//! The error of a text that is not in limit notation.

use core::{
    error::Error,
    fmt::{self, Write},
    ops::Range,
};

use super::{
    message::{Piece, message},
    mistake::Mistake,
};

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
    pub(super) fn new(text: &str, mistake: Mistake) -> Self {
        Self { text: text.into(), mistake }
    }

    #[cfg(test)]
    pub(super) fn mistake(&self) -> Mistake {
        self.mistake
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
