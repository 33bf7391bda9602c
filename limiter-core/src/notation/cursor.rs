//! A position in a text, and what stands there: characters, words and marks.

use super::mistake::{Kind, Mistake};

/// A position in the text, at the start of a character.
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    /// Where the next part of the limit is expected.
    pub(super) at: usize,
    /// Where the limit starts.
    pub(super) start: usize,
    /// Where the last part of the limit that was read ends.
    pub(super) end: usize,
}

/// Characters and words.
impl<'a> Cursor<'a> {
    /// A cursor at byte `at`, where a limit starts.
    pub(super) const fn new(text: &'a str, at: usize) -> Self {
        Self { bytes: text.as_bytes(), at, start: at, end: at }
    }

    pub(super) const fn byte(&self, at: usize) -> Option<u8> {
        if at < self.bytes.len() { Some(self.bytes[at]) } else { None }
    }

    pub(super) const fn between(&self, start: usize, end: usize) -> &'a [u8] {
        self.bytes.split_at(end).0.split_at(start).1
    }

    pub(super) const fn take_until(&mut self, end: usize) {
        self.at = end;
        self.end = end;
    }

    pub(super) const fn skip_whitespace(&mut self) {
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
    pub(super) const fn is_limit_end(&self, at: usize) -> bool {
        match self.byte(at) {
            Some(byte) => is_delimiter(byte),
            None => true,
        }
    }

    /// The length of `/` or `per`, 0 if neither starts here.
    pub(super) const fn per_len(&self, at: usize) -> usize {
        if let Some(b'/') = self.byte(at) {
            return 1;
        }
        let fits = at + 3 <= self.bytes.len();
        if fits && self.between(at, at + 3).eq_ignore_ascii_case(b"per") { 3 } else { 0 }
    }

    pub(super) const fn per_follows(&self, at: usize) -> bool {
        self.per_len(self.whitespace_end(at)) > 0
    }

    /// The end of the run of letters. Everything outside ASCII is taken for a letter, so that the
    /// whole of `ｍinute` is reported and not its first or last bytes.
    pub(super) const fn letters_end(&self, mut at: usize) -> usize {
        while let Some(byte) = self.byte(at)
            && (byte.is_ascii_alphabetic() || !byte.is_ascii())
            && whitespace_len(self.bytes, at) == 0
        {
            at += 1;
        }
        at
    }

    /// The end of digits and of what people put between them: `1.5`, `1_000`, `1'000`.
    pub(super) const fn numeral_end(&self, mut at: usize) -> usize {
        while let Some(b'0'..=b'9' | b'.' | b'_' | b'\'') = self.byte(at) {
            at += 1;
        }
        at
    }

    /// The end of the word, number or mark that starts at the cursor. A mark may be repeated: `::`.
    pub(super) const fn token_end(&self) -> usize {
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
    pub(super) const fn word_end(&self) -> usize {
        let mut end = self.at;
        while !self.is_limit_end(end) && whitespace_len(self.bytes, end) == 0 {
            end += 1;
        }
        end
    }
}

/// Mistakes, with the bytes they are in.
impl Cursor<'_> {
    pub(super) const fn mistake(&self, kind: Kind, end: usize) -> Mistake {
        Mistake { kind, start: self.at, end }
    }

    pub(super) const fn nothing_after(&self, kind: Kind) -> Mistake {
        Mistake { kind, start: self.start, end: self.end }
    }

    /// No limit stands where one must: at the start of the text or after a delimiter.
    pub(super) const fn no_limit(&self, after_delimiter: bool) -> Mistake {
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

pub(super) const fn is_delimiter(byte: u8) -> bool {
    matches!(byte, b',' | b';' | b'|')
}

/// The number of bytes of the whitespace character that starts here, 0 if none does.
///
/// Whitespace is what Python's `\s` matches, as in the reference: Unicode's `White_Space` and the
/// four information separators U+001C to U+001F. (`char::is_whitespace` lacks
/// the separators, and `str::chars` is not `const`.)
pub(super) const fn whitespace_len(bytes: &[u8], at: usize) -> usize {
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
