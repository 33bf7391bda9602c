//! One element of a forwarding header: the proxy, and the client that it names.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An entry of a chain without an address: `unknown`, `_hidden`, or invalid syntax.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoAddress;

/// The `for` node of one element of a `Forwarded` header. An element without it, or with two, has
/// no address.
pub(super) fn forwarded_for(element: &[u8]) -> Result<IpAddr, NoAddress> {
    let mut address = None;
    let mut rest = element;
    loop {
        rest = rest.trim_ascii_start();
        if let [b';', tail @ ..] = rest {
            rest = tail;
            continue;
        }
        if rest.is_empty() {
            return address.ok_or(NoAddress);
        }
        let equals = rest.iter().position(|byte| *byte == b'=').ok_or(NoAddress)?;
        let name = &rest[..equals];
        let (value, tail) = parameter_value(&rest[equals + 1..])?;
        if !name.iter().copied().all(is_token) || !matches!(tail.first(), None | Some(b';')) {
            return Err(NoAddress);
        }
        if name.eq_ignore_ascii_case(b"for") && address.replace(value.node()?).is_some() {
            return Err(NoAddress);
        }
        rest = tail;
    }
}

/// Splits the value of a parameter from the text after it.
fn parameter_value(text: &[u8]) -> Result<(Value<'_>, &[u8]), NoAddress> {
    let (value, tail) = if let [b'"', quoted @ ..] = text {
        let end = closing_quote(quoted).ok_or(NoAddress)?;
        (Value::Quoted(&quoted[..end]), &quoted[end + 1..])
    } else {
        // More than a token of RFC 7239: `for=192.0.2.1:47` without quotes is common, and it is not
        // ambiguous.
        let end = text.iter().position(|byte| matches!(byte, b';' | b' ' | b'\t'));
        let (value, tail) = text.split_at(end.unwrap_or(text.len()));
        if value.contains(&b'"') {
            return Err(NoAddress);
        }
        (Value::Plain(value), tail)
    };
    Ok((value, tail.trim_ascii_start()))
}

enum Value<'a> {
    Plain(&'a [u8]),
    /// The text between the quotes, with its escapes.
    Quoted(&'a [u8]),
}

impl Value<'_> {
    fn node(&self) -> Result<IpAddr, NoAddress> {
        match self {
            Self::Plain(text) => node(text),
            Self::Quoted(text) if !text.contains(&b'\\') => node(text),
            Self::Quoted(text) => unescaped_node(text),
        }
    }
}

/// The end of a quoted string whose opening quote has been read.
fn closing_quote(text: &[u8]) -> Option<usize> {
    let mut escaped = false;
    text.iter().position(|byte| {
        let closes = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        closes
    })
}

/// Escapes are pointless in an address, but legal.
fn unescaped_node(text: &[u8]) -> Result<IpAddr, NoAddress> {
    let mut unescaped = [0; MAX_NODE];
    let mut len = 0;
    let mut bytes = text.iter().copied();
    while let Some(byte) = bytes.next() {
        let byte = if byte == b'\\' { bytes.next().ok_or(NoAddress)? } else { byte };
        *unescaped.get_mut(len).ok_or(NoAddress)? = byte;
        len += 1;
    }
    node(&unescaped[..len])
}

/// Some proxies quote addresses in `X-Forwarded-For` as in `Forwarded`.
pub(super) fn unquoted(entry: &[u8]) -> &[u8] {
    if let [b'"', entry @ .., b'"'] = entry { entry } else { entry }
}

/// An address with or without a port: `192.0.2.1`, `192.0.2.1:47`, `2001:db8::1`, `[2001:db8::1]`,
/// `[2001:db8::1]:47`.
pub(super) fn node(text: &[u8]) -> Result<IpAddr, NoAddress> {
    let text = str::from_utf8(text).map_err(|_| NoAddress)?;
    // Checked before the port is cut off: the last group of a bare IPv6 address is not a port.
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(address.to_canonical());
    }
    let (address, port): (IpAddr, _) = if let Some(text) = text.strip_prefix('[') {
        let (address, port) = text.split_once(']').ok_or(NoAddress)?;
        (address.parse::<Ipv6Addr>().map_err(|_| NoAddress)?.into(), port)
    } else {
        let (address, port) = text.split_at(text.find(':').ok_or(NoAddress)?);
        (address.parse::<Ipv4Addr>().map_err(|_| NoAddress)?.into(), port)
    };
    if port.is_empty() || port.strip_prefix(':').is_some_and(is_port) {
        Ok(address.to_canonical())
    } else {
        Err(NoAddress)
    }
}

/// A number, or a name that hides it: RFC 7239, section 6. Ports never distinguish clients.
fn is_port(port: &str) -> bool {
    let (hidden, port) = port.strip_prefix('_').map_or((false, port), |port| (true, port));
    !port.is_empty()
        && if hidden {
            port.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
        } else {
            port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok()
        }
}

/// A character of a token: RFC 9110, section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// The longest address, with its port.
const MAX_NODE: usize = 64;
