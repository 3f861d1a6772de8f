//! The bytes of a key or of a bound on keys.

use std::fmt;
use std::ops::Deref;

use smallvec::SmallVec;

/// What lies in the value itself: a partition key of a UUID, a clustering key of two numbers with a bound's byte.
const INLINE_BYTES: usize = 24;

/// Bytes that are short for most keys, and then allocate nothing. They compare as slices do.
#[derive(Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyBytes(SmallVec<[u8; INLINE_BYTES]>);

impl KeyBytes {
    /// No bytes.
    pub fn new() -> KeyBytes {
        KeyBytes::default()
    }

    /// Takes the place of what is there, in its memory.
    #[inline]
    pub fn set(&mut self, bytes: &[u8]) {
        self.0.clear();
        self.0.extend_from_slice(bytes);
    }

    /// Appends a byte.
    #[inline]
    pub fn push(&mut self, byte: u8) {
        self.0.push(byte);
    }
}

impl Clone for KeyBytes {
    #[inline]
    fn clone(&self) -> KeyBytes {
        KeyBytes(SmallVec::from_slice(&self.0))
    }

    #[inline]
    fn clone_from(&mut self, source: &KeyBytes) {
        self.set(source);
    }
}

impl Deref for KeyBytes {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl<T: AsRef<[u8]>> From<T> for KeyBytes {
    #[inline]
    fn from(bytes: T) -> KeyBytes {
        KeyBytes(SmallVec::from_slice(bytes.as_ref()))
    }
}

impl fmt::Debug for KeyBytes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "b\"{}\"", self.escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_keys_lie_in_the_value() {
        assert!(!KeyBytes::from([1; INLINE_BYTES]).0.spilled());
        assert_eq!(
            size_of::<KeyBytes>(),
            32,
            "no larger than what shares its bytes"
        );
    }

    #[test]
    fn what_is_set_takes_the_memory_that_is_there() {
        let long = [7; 3 * INLINE_BYTES];
        let mut bytes = KeyBytes::from(long);
        let place = bytes.as_ptr();
        bytes.set(b"short");
        bytes.push(b'!');
        assert_eq!(&*bytes, b"short!");
        bytes.clone_from(&KeyBytes::from(long));
        assert_eq!((&*bytes, bytes.as_ptr()), (&long[..], place));
    }
}
