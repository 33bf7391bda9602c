//! Numbers, and the ways to write them that are refused.

use super::{
    cursor::Cursor,
    mistake::{Kind, Mistake},
};
use crate::quota::Quota;

/// What a number is for.
#[derive(Clone, Copy)]
pub(super) enum Role {
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

impl Cursor<'_> {
    /// The number that starts here, or `None` if what starts here is nothing like a number.
    pub(super) const fn number(&mut self, role: Role) -> Result<Option<u64>, Mistake> {
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
