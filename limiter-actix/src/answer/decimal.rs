//! Numbers as header values, without an allocation each.

use std::cell::RefCell;

use actix_web::{
    http::header::HeaderValue,
    web::{Bytes, BytesMut},
};

/// Gives access to the numbers of this worker.
#[inline]
pub(crate) fn with_decimals<T>(write: impl FnOnce(&mut Decimals) -> T) -> T {
    thread_local! {
        static DECIMALS: RefCell<Decimals> = RefCell::new(Decimals::new());
    }
    DECIMALS.with_borrow_mut(write)
}

/// Recently written numbers of this worker, and a buffer for new ones. The amount of a limit and
/// its reset second appear in many responses; the remaining count may appear in one only.
pub(crate) struct Decimals {
    /// Each number is stored at its value modulo [`KEPT`].
    kept: [(u64, HeaderValue); KEPT],
    /// Values are split off its front. The memory is freed when all of them are dropped.
    buffer: BytesMut,
}

/// How many numbers are kept. Each may keep a buffer alive: 64 KiB at most.
const KEPT: usize = 64;

/// Enough for some 50 to 300 numbers.
const BUFFER_BYTES: usize = 1 << 10;

impl Decimals {
    fn new() -> Self {
        // Zero in every slot at first: a lookup finds it under zero only.
        let zero = (0, HeaderValue::from_static("0"));
        Self { kept: std::array::from_fn(|_| zero.clone()), buffer: BytesMut::new() }
    }

    /// A number in decimal.
    #[inline]
    pub(crate) fn value(&mut self, number: u64) -> HeaderValue {
        let place = (number % KEPT as u64) as usize;
        let (kept, value) = &mut self.kept[place];
        if *kept != number {
            let text = cut(&mut self.buffer, itoa::Buffer::new().format(number).as_bytes());
            // Digits are legal in a header value.
            *value = HeaderValue::from_maybe_shared(text).unwrap_or_else(|_| number.into());
            *kept = number;
        }
        value.clone()
    }
}

/// The text, in shared memory.
fn cut(buffer: &mut BytesMut, text: &[u8]) -> Bytes {
    if buffer.capacity() < text.len() {
        *buffer = BytesMut::with_capacity(BUFFER_BYTES);
    }
    buffer.extend_from_slice(text);
    buffer.split().freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_written_as_it_is() {
        let decimal = |number| with_decimals(|decimals| decimals.value(number));
        let numbers = [0, 1, 63, 64, 65, 128, 999, 4_000_000_000, u64::MAX, u64::MAX - 1];
        // Several numbers per slot, and more than one buffer holds.
        let many = (0..1_000).map(|n| n * 64 * 1_000_000_007);
        for number in numbers.into_iter().chain(many).chain(numbers) {
            assert_eq!(decimal(number), number.to_string());
            assert_eq!(decimal(number), number.to_string(), "once more");
        }
    }
}
