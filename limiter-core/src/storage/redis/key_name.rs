//! What counters are called in Redis.

use crate::charge::Charge;

/// `<prefix>{<client>}<digest of the limit>`. Unambiguous: the client holds no brace, and the
/// digest has one length.
pub(super) fn of(prefix: &str, charge: &Charge<'_>) -> Vec<u8> {
    let (client, digest) = (charge.key().to_bytes(), charge.limit().digest());
    let mut name = Vec::with_capacity(prefix.len() + client.len() + digest.len() + 2);
    name.extend_from_slice(prefix.as_bytes());
    name.push(b'{');
    extend_with_client(&mut name, &client);
    name.push(b'}');
    name.extend_from_slice(digest);
    name
}

/// The bytes of the key, without the brace that would end the hash tag.
fn extend_with_client(name: &mut Vec<u8>, client: &[u8]) {
    for byte in client {
        match byte {
            b'}' => name.extend_from_slice(b"%7D"),
            b'%' => name.extend_from_slice(b"%25"),
            byte => name.push(*byte),
        }
    }
}

/// A pattern of `SCAN` that matches what starts with the prefix, and nothing else.
pub(super) fn pattern(prefix: &str) -> Vec<u8> {
    let mut pattern = Vec::new();
    for byte in prefix.bytes() {
        if matches!(byte, b'*' | b'?' | b'[' | b']' | b'\\' | b'^' | b'-') {
            pattern.push(b'\\');
        }
        pattern.push(byte);
    }
    pattern.extend(b"{*");
    pattern
}
