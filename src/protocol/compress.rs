//! Compression of v4 bodies, and the choice of it in STARTUP.
//!
//! | Codec | A compressed body |
//! |---|---|
//! | lz4 | 4 bytes big-endian: length of the original; one raw LZ4 block |
//! | snappy | one raw Snappy block, which begins with the original's length as a varint |
//!
//! - The original's length is compared with the frame limit before a byte is allocated for it.
//! - An empty body is never compressed, and an answer is compressed only if that makes it smaller.
//! - v5 compresses whole segments instead, with lz4 alone: see `segment`.

use base::compress::Codec;
use bytes::{BufMut, Bytes, BytesMut};

use crate::error::Error;
use crate::wire::{Malformed, Reader};

/// Bodies and segments below this stay as they are: a codec saves nothing there and costs a call.
pub const COMPRESSED_BYTES_MIN: usize = 128;

/// A codec that clients can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Compression {
    /// LZ4: v4 and v5.
    Lz4,
    /// Snappy: v4 only.
    Snappy,
}

impl Compression {
    /// The name in STARTUP and SUPPORTED.
    pub fn name(self) -> &'static str {
        match self {
            Compression::Lz4 => "lz4",
            Compression::Snappy => "snappy",
        }
    }

    /// The codec of this name, in any case.
    pub fn from_name(name: &str) -> Option<Compression> {
        [Compression::Lz4, Compression::Snappy]
            .into_iter()
            .find(|codec| codec.name().eq_ignore_ascii_case(name))
    }

    fn codec(self) -> Codec {
        match self {
            Compression::Lz4 => Codec::Lz4,
            Compression::Snappy => Codec::Snappy,
        }
    }

    /// Appends a v4 body, compressed.
    pub fn compress(self, body: &[u8], out: &mut BytesMut) {
        let mut block = Vec::new();
        self.codec().compress(body, &mut block);
        if self == Compression::Lz4 {
            out.put_u32(u32::try_from(body.len()).expect("a body is at most 256 MiB"));
        }
        out.put_slice(&block);
    }

    /// The original of a compressed v4 body; [`Error::Invalid`] if it is longer than that, as for a body that came so.
    pub fn decompress(self, body: &[u8], bytes_max: usize) -> Result<Bytes, Error> {
        if body.is_empty() {
            return Ok(Bytes::new());
        }
        let mut reader = Reader::new(body);
        let (length, block) = match self {
            Compression::Lz4 => (reader.int("the uncompressed length")? as u32, reader.rest()),
            Compression::Snappy => (snappy_length(&mut reader)?, body),
        };
        let length = length as usize;
        if length > bytes_max {
            return Err(Error::too_big(length, bytes_max));
        }
        Ok(decompress_block(self, block, length)?)
    }
}

/// The original of one raw block, whose length was compared with a limit.
pub(crate) fn decompress_block(
    compression: Compression,
    block: &[u8],
    length: usize,
) -> Result<Bytes, Malformed> {
    let mut original = Vec::new();
    match compression.codec().decompress(block, length, &mut original) {
        Ok(()) => Ok(Bytes::from(original)),
        Err(error) => Err(Malformed::new(format!("Cannot decompress: {error}"))),
    }
}

/// The varint at the start of a Snappy block.
fn snappy_length(reader: &mut Reader<'_>) -> Result<u32, Malformed> {
    let mut length: u64 = 0;
    for shift in [0, 7, 14, 21, 28] {
        let byte = reader.byte("the uncompressed length")?;
        length |= u64::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            return u32::try_from(length)
                .map_err(|_| Malformed::new("Invalid uncompressed length"));
        }
    }
    Err(Malformed::new("Invalid uncompressed length"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn compressed(compression: Compression, body: &[u8]) -> BytesMut {
        let mut out = BytesMut::new();
        compression.compress(body, &mut out);
        out
    }

    #[test]
    fn lz4_has_its_length_in_front() {
        let body = b"abcabcabcabcabcabcabcabcabcabc";
        let out = compressed(Compression::Lz4, body);
        assert_eq!(&out[..4], [0, 0, 0, 30]);
        assert!(out.len() < body.len());
    }

    #[test]
    fn a_bomb_is_refused_before_it_is_allocated() {
        let complaint =
            |compression: Compression, body: &[u8]| compression.decompress(body, 100).unwrap_err();
        let expected = Error::Invalid(
            "Request is too big: length 4294967295 exceeds maximum allowed length 100.".to_owned(),
        );
        assert_eq!(complaint(Compression::Lz4, &[0xFF; 8]), expected);
        assert_eq!(
            complaint(Compression::Snappy, &[0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0]),
            expected
        );
        assert_eq!(
            complaint(Compression::Snappy, &[0xFF; 6]),
            Error::Protocol("Invalid uncompressed length".to_owned())
        );
    }

    proptest! {
        #[test]
        fn bodies_come_back(body in proptest::collection::vec(0u8..4, 0..3000)) {
            for compression in [Compression::Lz4, Compression::Snappy] {
                let out = compressed(compression, &body);
                prop_assert_eq!(compression.decompress(&out, 3000), Ok(Bytes::from(body.clone())));
            }
        }

        #[test]
        fn junk_is_an_error_at_most(body in proptest::collection::vec(any::<u8>(), 0..100)) {
            for compression in [Compression::Lz4, Compression::Snappy] {
                if let Ok(original) = compression.decompress(&body, 1000) {
                    prop_assert!(original.len() <= 1000);
                }
            }
        }
    }
}
