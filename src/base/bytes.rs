//! A checked cursor over bytes that nobody vouches for, and variable-length integers.
//!
//! A [`Reader`] never panics and never reads past its slice: each call returns what it read or an [`Error`] that says
//! where and what was wanted. Lengths found in the data are compared with what remains before anything is allocated.
//!
//! The variable-length integer is LEB128: seven bits a byte, lowest first, the top bit set on all but the last. It is
//! *minimal*: the decoder refuses a last byte of zero (after the first) and more than 64 bits, so each number has one
//! spelling and files can be compared by their bytes. Signed numbers go through [`zigzag`] first.

/// Bytes that are not what they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{what} at byte {offset}")]
pub struct Error {
    /// Where the value that failed begins.
    pub offset: u64,
    /// What was wrong there.
    pub what: &'static str,
}

/// The most bytes a variable-length integer takes: ten times seven bits hold 64.
pub const VARINT_BYTES_MAX: usize = 10;

/// A cursor over a slice.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    rest: &'a [u8],
    position: u64,
}

/// Fixed-width integers of either byte order.
macro_rules! integers {
    ($($name:ident $from:ident $type:ty, $what:literal;)*) => {
        $(
            #[doc = concat!("The next ", $what, ".")]
            #[inline]
            pub fn $name(&mut self) -> Result<$type, Error> {
                self.array(concat!("truncated ", $what)).map(<$type>::$from)
            }
        )*
    };
}

impl<'a> Reader<'a> {
    /// A cursor at the first of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader::at(bytes, 0)
    }

    /// A cursor over `bytes` that lie at `position` of something larger, such as a file, so that errors name it.
    pub fn at(bytes: &'a [u8], position: u64) -> Reader<'a> {
        Reader {
            rest: bytes,
            position,
        }
    }

    /// Where the next byte lies.
    #[inline]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// How many bytes are left.
    #[inline]
    pub fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Whether no byte is left.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The bytes that are left, without taking them.
    #[inline]
    pub fn peek(&self) -> &'a [u8] {
        self.rest
    }

    /// Takes all bytes that are left.
    pub fn rest(&mut self) -> &'a [u8] {
        let rest = std::mem::take(&mut self.rest);
        self.position += rest.len() as u64;
        rest
    }

    /// An error about what comes next.
    pub fn error(&self, what: &'static str) -> Error {
        Error {
            offset: self.position,
            what,
        }
    }

    /// Refuses bytes that are left over.
    pub fn expect_end(&self) -> Result<(), Error> {
        if self.is_empty() {
            Ok(())
        } else {
            Err(self.error("unexpected bytes"))
        }
    }

    /// The next `count` bytes.
    #[inline]
    pub fn bytes(&mut self, count: usize) -> Result<&'a [u8], Error> {
        self.take(count, "truncated bytes")
    }

    /// Leaves out the next `count` bytes.
    #[inline]
    pub fn skip(&mut self, count: usize) -> Result<(), Error> {
        self.bytes(count).map(drop)
    }

    /// The next `count` bytes as a cursor of their own.
    pub fn slice(&mut self, count: usize) -> Result<Reader<'a>, Error> {
        let position = self.position;
        Ok(Reader::at(self.bytes(count)?, position))
    }

    /// The next `N` bytes by value.
    #[inline]
    pub fn fixed<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        self.array("truncated bytes")
    }

    integers! {
        u8 from_be_bytes u8, "byte";
        i8 from_be_bytes i8, "signed byte";
        u16_be from_be_bytes u16, "big-endian u16";
        u16_le from_le_bytes u16, "little-endian u16";
        u32_be from_be_bytes u32, "big-endian u32";
        u32_le from_le_bytes u32, "little-endian u32";
        u64_be from_be_bytes u64, "big-endian u64";
        u64_le from_le_bytes u64, "little-endian u64";
        u128_be from_be_bytes u128, "big-endian u128";
        u128_le from_le_bytes u128, "little-endian u128";
        i16_be from_be_bytes i16, "big-endian i16";
        i32_be from_be_bytes i32, "big-endian i32";
        i32_le from_le_bytes i32, "little-endian i32";
        i64_be from_be_bytes i64, "big-endian i64";
        i64_le from_le_bytes i64, "little-endian i64";
    }

    /// The next variable-length integer.
    #[inline]
    pub fn varint(&mut self) -> Result<u64, Error> {
        match self.rest {
            [byte @ 0..=0x7f, rest @ ..] => {
                self.rest = rest;
                self.position += 1;
                Ok(u64::from(*byte))
            }
            _ => self.long_varint(),
        }
    }

    /// The next variable-length integer as a length or count of things that take at least a byte each: more than
    /// what remains is refused, so a buffer may be allocated for it.
    #[inline]
    pub fn varint_count(&mut self) -> Result<usize, Error> {
        let start = self.clone();
        let value = self.varint()?;
        match usize::try_from(value) {
            Ok(count) if count <= self.remaining() => Ok(count),
            _ => Err(start.error("length beyond the data")),
        }
    }

    /// The next signed variable-length integer.
    #[inline]
    pub fn signed_varint(&mut self) -> Result<i64, Error> {
        self.varint().map(unzigzag)
    }

    /// The next bytes, preceded by their length as a variable-length integer.
    #[inline]
    pub fn varint_bytes(&mut self) -> Result<&'a [u8], Error> {
        let count = self.varint_count()?;
        self.bytes(count)
    }

    fn long_varint(&mut self) -> Result<u64, Error> {
        let mut value = 0u64;
        for (index, &byte) in self.rest.iter().take(VARINT_BYTES_MAX).enumerate() {
            let bits = u64::from(byte & 0x7f);
            if index == VARINT_BYTES_MAX - 1 && bits > 1 {
                return Err(self.error("varint beyond 64 bits"));
            }
            value |= bits << (7 * index);
            if byte < 0x80 {
                if byte == 0 && index > 0 {
                    return Err(self.error("varint not minimal"));
                }
                self.rest = &self.rest[index + 1..];
                self.position += index as u64 + 1;
                return Ok(value);
            }
        }
        let too_long = self.rest.len() >= VARINT_BYTES_MAX;
        Err(self.error(if too_long {
            "varint beyond 64 bits"
        } else {
            "truncated varint"
        }))
    }

    #[inline]
    fn take(&mut self, count: usize, what: &'static str) -> Result<&'a [u8], Error> {
        let Some((taken, rest)) = self.rest.split_at_checked(count) else {
            return Err(self.error(what));
        };
        self.rest = rest;
        self.position += count as u64;
        Ok(taken)
    }

    #[inline]
    fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], Error> {
        let Some((taken, rest)) = self.rest.split_first_chunk::<N>() else {
            return Err(self.error(what));
        };
        self.rest = rest;
        self.position += N as u64;
        Ok(*taken)
    }
}

/// Appends `value` as a variable-length integer.
#[inline]
pub fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a signed number as a variable-length integer.
#[inline]
pub fn put_signed_varint(out: &mut Vec<u8>, value: i64) {
    put_varint(out, zigzag(value));
}

/// Appends `bytes` after their length as a variable-length integer.
#[inline]
pub fn put_varint_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// How many bytes [`put_varint`] appends.
#[inline]
pub fn varint_len(value: u64) -> usize {
    let bits = 64 - (value | 1).leading_zeros() as usize;
    bits.div_ceil(7)
}

/// Maps 0, -1, 1, -2, ... to 0, 1, 2, 3, ... so that small numbers of either sign are short.
#[inline]
pub fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

/// The reverse of [`zigzag`].
#[inline]
pub fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(bytes: &[u8], expected: Result<u64, &'static str>) {
        let mut reader = Reader::at(bytes, 100);
        match expected {
            Ok(value) => assert_eq!(reader.varint(), Ok(value), "{bytes:?}"),
            Err(what) => {
                assert_eq!(
                    reader.varint(),
                    Err(Error { offset: 100, what }),
                    "{bytes:?}"
                );
                assert_eq!(reader.position(), 100, "a failed read takes nothing");
            }
        }
    }

    #[test]
    fn varints_have_one_spelling() {
        check(&[0], Ok(0));
        check(&[0x7f], Ok(127));
        check(&[0x80, 1], Ok(128));
        check(
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
            Ok(u64::MAX),
        );
        check(&[], Err("truncated varint"));
        check(&[0x80], Err("truncated varint"));
        check(&[0x80, 0], Err("varint not minimal"));
        check(&[0xff, 0x80, 0], Err("varint not minimal"));
        check(
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2],
            Err("varint beyond 64 bits"),
        );
        check(&[0xff; 11], Err("varint beyond 64 bits"));
        check(
            &[
                0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1,
            ],
            Err("varint beyond 64 bits"),
        );
    }

    #[test]
    fn fixed_integers_follow_their_byte_order() {
        let bytes = [1, 2, 3, 4, 5, 6, 7, 8];
        assert_eq!(Reader::new(&bytes).u16_be(), Ok(0x0102));
        assert_eq!(Reader::new(&bytes).u16_le(), Ok(0x0201));
        assert_eq!(Reader::new(&bytes).u32_be(), Ok(0x0102_0304));
        assert_eq!(Reader::new(&bytes).u64_le(), Ok(0x0807_0605_0403_0201));
        assert_eq!(Reader::new(&[0xff; 8]).i64_be(), Ok(-1));
        assert_eq!(
            Reader::new(&bytes[..3]).u32_be(),
            Err(Error {
                offset: 0,
                what: "truncated big-endian u32"
            })
        );
    }

    #[test]
    fn errors_name_the_place() {
        let mut reader = Reader::at(b"abcdef", 4096);
        assert_eq!(reader.bytes(2), Ok(&b"ab"[..]));
        let mut inner = reader.slice(3).unwrap();
        assert_eq!(inner.position(), 4098);
        assert_eq!(
            inner.skip(4),
            Err(Error {
                offset: 4098,
                what: "truncated bytes"
            })
        );
        assert_eq!(
            reader.expect_end(),
            Err(Error {
                offset: 4101,
                what: "unexpected bytes"
            })
        );
        assert_eq!(reader.rest(), b"f");
        assert_eq!(reader.expect_end(), Ok(()));
        assert_eq!(reader.error("torn").to_string(), "torn at byte 4102");
    }

    #[test]
    fn a_length_beyond_the_data_is_refused_before_use() {
        let mut bytes = Vec::new();
        put_varint(&mut bytes, u64::MAX);
        bytes.extend_from_slice(b"xyz");
        assert_eq!(
            Reader::new(&bytes).varint_bytes(),
            Err(Error {
                offset: 0,
                what: "length beyond the data"
            })
        );
        let mut bytes = Vec::new();
        put_varint_bytes(&mut bytes, b"xyz");
        assert_eq!(Reader::new(&bytes).varint_bytes(), Ok(&b"xyz"[..]));
    }

    proptest! {
        #[test]
        fn varints_come_back(value in any::<u64>(), shift in 0u32..64) {
            let value = value >> shift;
            let mut bytes = Vec::new();
            put_varint(&mut bytes, value);
            prop_assert_eq!(bytes.len(), varint_len(value));
            let mut reader = Reader::new(&bytes);
            prop_assert_eq!(reader.varint(), Ok(value));
            prop_assert!(reader.is_empty());
        }

        #[test]
        fn signed_varints_come_back(value in any::<i64>()) {
            let mut bytes = Vec::new();
            put_signed_varint(&mut bytes, value);
            prop_assert_eq!(Reader::new(&bytes).signed_varint(), Ok(value));
        }

        #[test]
        fn what_decodes_encodes_to_the_same_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..12)) {
            let mut reader = Reader::new(&bytes);
            if let Ok(value) = reader.varint() {
                let mut again = Vec::new();
                put_varint(&mut again, value);
                prop_assert_eq!(&again[..], &bytes[..reader.position() as usize]);
            }
        }
    }
}
