//! Numbers and bytes, packed one after the other.

/// What is left of them.
pub(super) struct Unpack<'a>(&'a [u8]);

impl<'a> Unpack<'a> {
    pub(super) fn new(packed: &'a [u8]) -> Self {
        Self(packed)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next bytes; `None` if there are not so many.
    pub(super) fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(bytes)
    }

    /// The next numbers: whole ones, packed as doubles.
    pub(super) fn numbers<const COUNT: usize>(&mut self) -> Option<[u64; COUNT]> {
        let (doubles, []) = self.bytes(COUNT * size_of::<f64>())?.as_chunks() else { return None };
        let doubles: &[_; COUNT] = doubles.try_into().ok()?;
        Some(doubles.map(|double| f64::from_le_bytes(double) as u64))
    }
}
