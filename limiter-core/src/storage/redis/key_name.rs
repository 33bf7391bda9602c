//! What counters are called in Redis.

use crate::{charge::Charge, key::Key};

/// Appends `<prefix>{<client>}<digest of the limit>`. Unambiguous: the client holds no brace, and
/// the digest has one length.
pub(super) fn extend(name: &mut Vec<u8>, prefix: &str, charge: &Charge<'_>) {
    name.extend_from_slice(prefix.as_bytes());
    name.push(b'{');
    extend_with_client(name, &charge.key().to_bytes());
    name.push(b'}');
    name.extend_from_slice(charge.limit().digest());
}

/// As long as most names are at the most.
pub(super) const USUAL_LEN: usize = 64;

/// The bytes of the key, without the brace that would end the hash tag.
fn extend_with_client(name: &mut Vec<u8>, client: &[u8]) {
    if !client.iter().any(|byte| matches!(byte, b'}' | b'%')) {
        name.extend_from_slice(client);
        return;
    }
    for byte in client {
        match byte {
            b'}' => name.extend_from_slice(b"%7D"),
            b'%' => name.extend_from_slice(b"%25"),
            byte => name.push(*byte),
        }
    }
}

/// A pattern of `SCAN` that matches the counters of all clients, and nothing else.
pub(super) fn pattern(prefix: &str) -> Vec<u8> {
    let mut pattern = Vec::new();
    extend_literally(&mut pattern, prefix.as_bytes());
    pattern.extend(b"{*");
    pattern
}

/// One that matches the counters of one client.
pub(super) fn pattern_of_client(prefix: &str, key: &Key) -> Vec<u8> {
    let mut client = Vec::new();
    extend_with_client(&mut client, &key.to_bytes());
    let mut pattern = Vec::new();
    extend_literally(&mut pattern, prefix.as_bytes());
    pattern.push(b'{');
    extend_literally(&mut pattern, &client);
    pattern.extend(b"}*");
    pattern
}

fn extend_literally(pattern: &mut Vec<u8>, bytes: &[u8]) {
    for byte in bytes {
        if matches!(byte, b'*' | b'?' | b'[' | b']' | b'\\' | b'^' | b'-') {
            pattern.push(b'\\');
        }
        pattern.push(*byte);
    }
}
