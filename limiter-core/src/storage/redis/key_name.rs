//! What counters are called in Redis.

use sha2::{Digest, Sha256};

use crate::charge::Charge;

/// How much of the digest of a limit's id is stored: 96 bits keep apart more limits than any app
/// has.
const DIGEST: usize = 12;

/// `<prefix>{<client>}<digest of the limit>`. Unambiguous: the client holds no brace, and the
/// digest has one length.
pub(super) fn of(prefix: &str, charge: &Charge<'_>) -> Vec<u8> {
    let mut name = prefix.as_bytes().to_vec();
    name.push(b'{');
    client(charge, &mut name);
    name.push(b'}');
    name.extend(&Sha256::digest(charge.limit().id().as_bytes())[..DIGEST]);
    name
}

/// The bytes of the key, without the brace that would end the hash tag.
fn client(charge: &Charge<'_>, name: &mut Vec<u8>) {
    for byte in &*charge.key().to_bytes() {
        match byte {
            b'}' | b'%' => name.extend(format!("%{byte:02X}").as_bytes()),
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
