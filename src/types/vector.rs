//! The wire form of vectors: elements of fixed length bare, one after another; others each with an unsigned vint
//! length before the bytes.
//!
//! Cassandra's unsigned vint: the leading one bits of the first byte count the bytes that follow, big-endian; what
//! is left of the first byte holds the highest bits. 0 to 127 take one byte.

use crate::{Error, Type};

/// Walks the elements of a vector.
#[derive(Debug, Clone)]
pub struct Elements<'a> {
    rest: &'a [u8],
    left: u32,
    fixed: Option<usize>,
}

/// The elements of `value`.
pub fn elements<'a>(element: &Type, dimension: u32, value: &'a [u8]) -> Elements<'a> {
    Elements {
        rest: value,
        left: dimension,
        fixed: element.fixed_len(),
    }
}

impl<'a> Elements<'a> {
    /// The bytes not walked yet.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Result<&'a [u8], Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let len = match self.fixed {
            Some(len) => Some(len),
            None => take_vint(&mut self.rest).and_then(|len| usize::try_from(len).ok()),
        };
        match len.and_then(|len| self.rest.split_at_checked(len)) {
            Some((element, rest)) => {
                self.rest = rest;
                Some(Ok(element))
            }
            None => {
                self.left = 0;
                Some(Err(Error::value("Not enough bytes to read a vector")))
            }
        }
    }
}

/// Appends one element.
pub fn put(out: &mut Vec<u8>, element: &Type, bytes: &[u8]) {
    if element.fixed_len().is_none() {
        put_vint(out, bytes.len() as u64);
    }
    out.extend(bytes);
}

/// A vector of these elements.
pub fn encode<'a>(element: &Type, parts: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut out = Vec::new();
    parts
        .into_iter()
        .for_each(|part| put(&mut out, element, part));
    out
}

/// Appends an unsigned vint.
pub fn put_vint(out: &mut Vec<u8>, value: u64) {
    let bits = 64 - (value | 1).leading_zeros() as usize;
    // Each byte carries seven bits, except that nine bytes carry all 64.
    let extra = ((bits - 1) / 7).min(8);
    if extra == 8 {
        out.push(0xff);
        out.extend(value.to_be_bytes());
        return;
    }
    let bytes = value.to_be_bytes();
    let marker = !(0xffu16 >> extra) as u8;
    out.push(marker | bytes[7 - extra]);
    out.extend(&bytes[8 - extra..]);
}

/// Reads an unsigned vint off the front of `input`.
pub fn take_vint(input: &mut &[u8]) -> Option<u64> {
    let (first, rest) = input.split_first()?;
    let extra = first.leading_ones() as usize;
    let (tail, rest) = rest.split_at_checked(extra)?;
    let high = u64::from(*first) & (0xffu64 >> extra);
    let value = tail
        .iter()
        .fold(high, |value, byte| value << 8 | u64::from(*byte));
    *input = rest;
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vints_have_cassandras_bytes() {
        for (value, bytes) in [
            (0u64, &[0u8][..]),
            (1, &[1]),
            (127, &[0x7f]),
            (128, &[0x80, 0x80]),
            (255, &[0x80, 0xff]),
            (16383, &[0xbf, 0xff]),
            (16384, &[0xc0, 0x40, 0x00]),
            (u64::from(u32::MAX), &[0xf0, 0xff, 0xff, 0xff, 0xff]),
            (
                (1 << 56) - 1,
                &[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            ),
            (1 << 56, &[0xff, 1, 0, 0, 0, 0, 0, 0, 0]),
            (u64::MAX, &[0xff; 9]),
        ] {
            let mut out = Vec::new();
            put_vint(&mut out, value);
            assert_eq!(out, bytes, "{value}");
            let mut rest = &out[..];
            assert_eq!(take_vint(&mut rest), Some(value));
            assert!(rest.is_empty());
            assert_eq!(take_vint(&mut &out[..out.len() - 1]), None, "cut {value}");
        }
    }
}
