//! Limit notation: how a [`Quota`](crate::Quota) is written, `10 per 2 hours`, and the one parser
//! that reads it.
//!
//! The parser runs in the compiler ([`assert_valid`] in a `const` or `static`, and the attribute
//! macros) as well as in the program ([`parse_many`], and [`FromStr`](core::str::FromStr) of
//! [`Quota`](crate::Quota)), so a text that compiles never fails at run time.
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
//! * Whitespace, including tabs, line breaks and the Unicode spaces, may stand around every part,
//!   except between `:` and its delimiter. It is required only between a unit and `burst`.
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
//!
//! # What this folder may know
//!
//! It turns a text into quotas, or into an error that says what to write instead. Of the crate it
//! imports [`Quota`](crate::Quota) and its [`Unit`](crate::Unit) alone. It must not know how a
//! quota is enforced, nor allocate where the compiler runs it: the attribute macros are built with
//! this folder and nothing else.

mod cursor;
mod error;
mod grammar;
mod message;
mod mistake;
mod number;
mod parse;
mod words;

#[cfg(test)]
mod tests;

pub use self::{
    error::NotationError,
    parse::{assert_valid, assert_valid_window, parse_many, parse_window},
};
