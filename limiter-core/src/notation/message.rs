//! The text of an error, the same for a program and for the compiler.

use super::mistake::{Mistake, Wording};

/// A part of a message.
#[derive(Clone, Copy)]
pub(super) enum Piece<'a> {
    Ours(&'static str),
    /// From the text that was parsed, which may hold anything.
    Theirs(&'a str),
    Number(usize),
}

/// The message of a mistake, for [`NotationError`] and for the compiler alike.
pub(super) const fn message(text: &str, mistake: Mistake) -> [Piece<'_>; 16] {
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

/// A message in a buffer, because a `const fn` has no other place to put one.
pub(super) struct PanicMessage {
    bytes: [u8; 1024],
    len: usize,
}

impl PanicMessage {
    pub(super) const fn new(text: &str, mistake: Mistake) -> Self {
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

    pub(super) const fn as_str(&self) -> &str {
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
