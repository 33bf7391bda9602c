//! The chain of addresses in a forwarding header, from right to left.

use std::{fmt, iter::Rev, net::IpAddr, slice};

use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};

use super::node::{NoAddress, forwarded_for, node, unquoted};

/// The name and format of a forwarding header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ForwardingHeader {
    /// `X-Forwarded-For: 192.0.2.1, 198.51.100.2`: addresses, with or without ports.
    #[default]
    XForwardedFor,
    /// `Forwarded: for=192.0.2.1;proto=https, for="[2001:db8::1]:47"`: RFC 7239.
    Forwarded,
}

impl ForwardingHeader {
    pub(super) fn name(self) -> HeaderName {
        match self {
            Self::XForwardedFor => header::X_FORWARDED_FOR,
            Self::Forwarded => header::FORWARDED,
        }
    }

    pub(super) fn other(self) -> Self {
        match self {
            Self::XForwardedFor => Self::Forwarded,
            Self::Forwarded => Self::XForwardedFor,
        }
    }
}

/// The usual spelling: `X-Forwarded-For`.
impl fmt::Display for ForwardingHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::XForwardedFor => "X-Forwarded-For",
            Self::Forwarded => "Forwarded",
        })
    }
}

/// The entries of one header from right to left, over all its lines.
///
/// After a [`NoAddress`] nothing further left can be trusted; callers stop there.
pub(super) struct Chain<'a> {
    header: ForwardingHeader,
    lines: Rev<slice::Iter<'a, HeaderValue>>,
    /// The rest of the current line: another entry, even if it is empty.
    line: Option<&'a [u8]>,
    budget: usize,
}

impl<'a> Chain<'a> {
    pub(super) fn new(header: ForwardingHeader, headers: &'a HeaderMap) -> Self {
        let lines = headers.get_all(header.name()).rev();
        Self { header, lines, line: None, budget: MAX_BYTES }
    }

    /// Splits the right-most entry off a line.
    fn cut(&mut self, line: &'a [u8]) -> Result<&'a [u8], NoAddress> {
        let hidden = line.len().saturating_sub(self.budget);
        let visible = &line[hidden..];
        let comma = match self.header {
            ForwardingHeader::XForwardedFor => visible.iter().rposition(|byte| *byte == b','),
            ForwardingHeader::Forwarded => last_unquoted_comma(visible),
        };
        let (rest, entry) = match comma {
            Some(comma) => (Some(&line[..hidden + comma]), &visible[comma + 1..]),
            None if hidden == 0 => (None, visible),
            None => return Err(NoAddress),
        };
        // The comma counts, so that a line of commas only uses up the budget as well.
        self.budget = self.budget.saturating_sub(entry.len() + 1);
        self.line = rest;
        Ok(entry.trim_ascii())
    }
}

impl Iterator for Chain<'_> {
    type Item = Result<IpAddr, NoAddress>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let line = match self.line.take() {
                Some(line) => line,
                None => self.lines.next()?.as_bytes(),
            };
            match self.cut(line) {
                Ok([]) => {}
                Ok(entry) => {
                    return Some(match self.header {
                        ForwardingHeader::XForwardedFor => node(unquoted(entry)),
                        ForwardingHeader::Forwarded => forwarded_for(entry),
                    });
                }
                Err(no_address) => return Some(Err(no_address)),
            }
        }
    }
}

/// The last comma outside quotes, found from the right.
///
/// Found from the right on purpose: the entries that our proxies appended are then found, whatever
/// is in front of them. Read from the left, a quote that the client opened and never closed would
/// swallow those entries.
fn last_unquoted_comma(line: &[u8]) -> Option<usize> {
    let mut quoted = false;
    for (index, byte) in line.iter().enumerate().rev() {
        match byte {
            b',' if !quoted => return Some(index),
            b'"' if !quoted => quoted = true,
            // An opening quote follows a `=`; a quote inside follows the backslash that escapes it.
            b'"' => quoted = index > 0 && line[index - 1] == b'\\',
            _ => {}
        }
    }
    None
}

/// How much of a chain is examined, from the right: room for about a hundred hops, of which real
/// chains have a handful. If a longer chain has trusted proxies only, the client is unknown.
const MAX_BYTES: usize = 4096;
