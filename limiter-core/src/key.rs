//! Who is limited: the identity that a counter belongs to.

use std::{
    borrow::Cow,
    fmt,
    hash::{BuildHasher, Hash, Hasher},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    ops::Deref,
    sync::LazyLock,
};

use ahash::{AHasher, RandomState};
use sha2::{Digest, Sha256};
use smallvec::SmallVec;

/// The identity of a client: typed parts, each with its length, so that no two identities are
/// ever the same key.
///
/// A key is at most 64 bytes long whatever went in: longer ones are replaced by their SHA-256.
/// [`secret`](Self::secret) parts are hashed at once, so that no credential reaches a store.
///
/// ```
/// use limiter_core::Key;
///
/// assert_ne!(Key::text("a").and(&Key::text("bc")), Key::text("ab").and(&Key::text("c")));
/// assert_eq!(Key::text(&"x".repeat(1_000_000)).to_bytes().len(), 33);
/// ```
#[derive(Clone)]
pub struct Key {
    /// Stands for the parts: 128 bits, with a new seed in every process.
    hash: u128,
    parts: Parts,
}

/// The parts of a key. An address is kept as it is and encoded only where bytes are needed.
#[derive(Clone, PartialEq, Eq)]
enum Parts {
    V4 { prefix: u8, network: u32 },
    V6 { prefix: u8, network: u128 },
    Encoded(Encoded),
}

type Encoded = SmallVec<[u8; 40]>;

/// The longest key that is stored as it is.
const MAX_BYTES: usize = 64;

/// The longest text that is kept as it is, with its tag and length byte.
const MAX_TEXT: usize = MAX_BYTES - 2;

/// The first byte of a part, which says how the rest is to be read.
mod tag {
    pub(super) const TEXT: u8 = b't';
    pub(super) const LONG_TEXT: u8 = b'T';
    pub(super) const NUMBER: u8 = b'n';
    pub(super) const IPV4: u8 = b'4';
    pub(super) const IPV6: u8 = b'6';
    pub(super) const SECRET: u8 = b's';
    pub(super) const LONG_KEY: u8 = b'#';
}

impl Key {
    /// A name: a user id, a tenant, a plan.
    pub fn text(text: &str) -> Self {
        if text.len() > MAX_TEXT {
            return Self::digest(tag::LONG_TEXT, text.as_bytes());
        }
        // Put together in an array: appending to a list bit by bit takes twice as long.
        let mut bytes = [0; MAX_BYTES];
        let encoded = &mut bytes[..2 + text.len()];
        // At most MAX_TEXT, so the length fits a byte.
        encoded[..2].copy_from_slice(&[tag::TEXT, text.len() as u8]);
        encoded[2..].copy_from_slice(text.as_bytes());
        Self::encoded(Encoded::from_slice(encoded))
    }

    /// A number, such as a numeric user id.
    pub fn number(number: u64) -> Self {
        let mut encoded = Encoded::from_slice(&[tag::NUMBER]);
        encoded.extend_from_slice(&number.to_be_bytes());
        Self::encoded(encoded)
    }

    /// An address. An IPv4-mapped IPv6 address is its IPv4 address; other IPv6 addresses are kept
    /// in full: see [`network`](Self::network) for one key per /64.
    pub fn ip(address: IpAddr) -> Self {
        Self::network(address, 32, 128)
    }

    /// The network of an address: its first `ipv4_prefix` or `ipv6_prefix` bits. Longer prefixes
    /// than the address has mean the whole address.
    ///
    /// One household has at least a /64, so a limiter that keeps IPv6 addresses in full gives each
    /// client 2^64 counters.
    ///
    /// ```
    /// use limiter_core::Key;
    ///
    /// let key = |address: &str| Key::network(address.parse().unwrap(), 32, 64);
    /// assert_eq!(key("2001:db8::1"), key("2001:db8::ffff:2"));
    /// assert_ne!(key("2001:db8::1"), key("2001:db8:0:1::1"));
    /// assert_eq!(key("::ffff:192.0.2.1"), key("192.0.2.1"));
    /// ```
    #[inline]
    pub fn network(address: IpAddr, ipv4_prefix: u8, ipv6_prefix: u8) -> Self {
        match address {
            IpAddr::V4(address) => Self::ipv4(address, ipv4_prefix),
            IpAddr::V6(address) => match address.to_ipv4_mapped() {
                Some(address) => Self::ipv4(address, ipv4_prefix),
                None => Self::ipv6(address, ipv6_prefix),
            },
        }
    }

    #[inline]
    fn ipv4(address: Ipv4Addr, prefix: u8) -> Self {
        let prefix = prefix.min(32);
        let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
        let network = address.to_bits() & mask;
        // The tag, the prefix and the network fill 48 bits.
        let number = u64::from(tag::IPV4) << 40 | u64::from(prefix) << 32 | u64::from(network);
        let hash = hash128_with(|hasher| hasher.write_u64(number));
        Self { hash, parts: Parts::V4 { prefix, network } }
    }

    #[inline]
    fn ipv6(address: Ipv6Addr, prefix: u8) -> Self {
        let prefix = prefix.min(128);
        let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
        let network = address.to_bits() & mask;
        let hash = hash128_with(|hasher| {
            hasher.write_u64(u64::from(tag::IPV6) << 40 | u64::from(prefix));
            hasher.write_u128(network);
        });
        Self { hash, parts: Parts::V6 { prefix, network } }
    }

    /// A credential, such as an API key: only its SHA-256 is kept, in memory and in any store.
    pub fn secret(secret: &[u8]) -> Self {
        Self::digest(tag::SECRET, secret)
    }

    /// This key combined with another one: a key of its own, with counters of its own.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let mut encoded = self.encode();
        encoded.extend_from_slice(&other.encode());
        if encoded.len() > MAX_BYTES {
            Self::digest(tag::LONG_KEY, &encoded)
        } else {
            Self::encoded(encoded)
        }
    }

    /// The encoded parts: what a networked store uses in its own keys. At most 64 bytes.
    pub fn to_bytes(&self) -> impl AsRef<[u8]> + Deref<Target = [u8]> + use<> {
        self.encode()
    }

    fn encode(&self) -> Encoded {
        let mut encoded = Encoded::new();
        match &self.parts {
            Parts::V4 { prefix, network } => {
                encoded.extend_from_slice(&[tag::IPV4, *prefix]);
                encoded.extend_from_slice(&network.to_be_bytes());
            }
            Parts::V6 { prefix, network } => {
                encoded.extend_from_slice(&[tag::IPV6, *prefix]);
                encoded.extend_from_slice(&network.to_be_bytes());
            }
            Parts::Encoded(parts) => encoded.extend_from_slice(parts),
        }
        encoded
    }

    /// A number that stands for the bytes.
    #[inline]
    pub(crate) fn hash(&self) -> u128 {
        self.hash
    }

    fn digest(tag: u8, bytes: &[u8]) -> Self {
        let mut encoded = Encoded::from_slice(&[tag]);
        encoded.extend_from_slice(&Sha256::digest(bytes));
        Self::encoded(encoded)
    }

    fn encoded(encoded: Encoded) -> Self {
        Self { hash: hash128(&encoded), parts: Parts::Encoded(encoded) }
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.parts == other.parts
    }
}

impl Eq for Key {}

/// The seed is new in every process, as that of a counter: no client can choose a bucket.
impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u128(self.hash);
    }
}

/// Shows nothing of the client: keys end up in logs.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({} bytes)", self.to_bytes().len())
    }
}

/// What a key function may return. An empty text and `None` are *no* identity: the limiter's
/// policy for a missing identity applies, never "unlimited".
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a key",
    note = "a key function returns a `Key`, a text, a number, an `IpAddr`, or an `Option` of one"
)]
pub trait IntoKey {
    /// The key, or `None` where there is no identity.
    fn into_key(self) -> Option<Key>;
}

impl IntoKey for Key {
    fn into_key(self) -> Option<Key> {
        Some(self)
    }
}

impl<K: IntoKey> IntoKey for Option<K> {
    fn into_key(self) -> Option<Key> {
        self.and_then(K::into_key)
    }
}

impl IntoKey for &str {
    fn into_key(self) -> Option<Key> {
        (!self.is_empty()).then(|| Key::text(self))
    }
}

impl IntoKey for String {
    fn into_key(self) -> Option<Key> {
        self.as_str().into_key()
    }
}

impl IntoKey for Cow<'_, str> {
    fn into_key(self) -> Option<Key> {
        self.as_ref().into_key()
    }
}

/// An IPv6 address counts as its /64: a client has at least that many addresses. [`Key::ip`] keeps
/// it in full.
impl IntoKey for IpAddr {
    fn into_key(self) -> Option<Key> {
        Some(Key::network(self, 32, 64))
    }
}

impl IntoKey for u32 {
    fn into_key(self) -> Option<Key> {
        Some(Key::number(self.into()))
    }
}

impl IntoKey for u64 {
    fn into_key(self) -> Option<Key> {
        Some(Key::number(self))
    }
}

/// 128 bits of hash of a text, as [`hash128_with`].
pub(crate) fn hash128(bytes: &[u8]) -> u128 {
    hash128_with(|hasher| hasher.write(bytes))
}

/// 128 bits of hash under two random seeds of this process: no client can choose keys that
/// collide.
#[inline]
fn hash128_with(feed: impl Fn(&mut AHasher)) -> u128 {
    static SEEDS: LazyLock<[RandomState; 2]> =
        LazyLock::new(|| [RandomState::new(), RandomState::new()]);
    let seeds = &*SEEDS;
    let half = |seed: &RandomState| {
        let mut hasher = seed.build_hasher();
        feed(&mut hasher);
        u128::from(hasher.finish())
    };
    half(&seeds[0]) << 64 | half(&seeds[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_never_run_into_each_other() {
        let keys = [
            Key::text("a").and(&Key::text("bc")),
            Key::text("ab").and(&Key::text("c")),
            Key::text("abc"),
            Key::text("a").and(&Key::text("b")).and(&Key::text("c")),
            Key::number(7),
            Key::text("7"),
            Key::secret(b"7"),
            Key::ip("0.0.0.7".parse().unwrap()),
        ];
        for (i, left) in keys.iter().enumerate() {
            for right in &keys[i + 1..] {
                assert_ne!(left, right);
                assert_ne!(left.hash(), right.hash());
            }
        }
    }

    #[test]
    fn hostile_texts_are_keys_of_at_most_64_bytes() {
        for text in ["/ : { } _", "\r\nSET x", "\0", "🦀🦀", &"k".repeat(1 << 20)] {
            assert!(Key::text(text).to_bytes().len() <= 64, "{text:.20}");
            assert_eq!(Key::text(text), Key::text(text));
        }
        let long = Key::text(&"x".repeat(60)).and(&Key::text(&"y".repeat(60)));
        assert_eq!(long.to_bytes().len(), 33);
    }

    #[test]
    fn every_spelling_of_an_ipv4_address_is_one_key() {
        let key = |text: &str| Key::ip(text.parse().unwrap());
        assert_eq!(key("::ffff:1.2.3.4"), key("1.2.3.4"));
        assert_eq!(key("::ffff:102:304"), key("1.2.3.4"));
        assert_ne!(key("2001:db8::1.2.3.4"), key("1.2.3.4"));
        assert_ne!(key("64:ff9b::1.2.3.4"), key("1.2.3.4"));
        assert_ne!(key("::1"), key("0.0.0.1"));
    }

    #[test]
    fn prefixes_of_every_length_are_legal() {
        for prefix in 0..=255 {
            Key::network("192.0.2.1".parse().unwrap(), prefix, prefix);
            Key::network("2001:db8::1".parse().unwrap(), prefix, prefix);
        }
        let all = |text: &str| Key::network(text.parse().unwrap(), 0, 0);
        assert_eq!(all("192.0.2.1"), all("198.51.100.1"));
    }

    #[test]
    fn debug_does_not_show_the_client_of_a_key() {
        assert_eq!(format!("{:?}", Key::text("alice")), "Key(7 bytes)");
    }

    #[test]
    fn an_empty_text_and_none_are_not_a_key() {
        assert!("".into_key().is_none());
        assert!(String::new().into_key().is_none());
        assert!(None::<u64>.into_key().is_none());
        assert!(Some("").into_key().is_none());
    }
}
