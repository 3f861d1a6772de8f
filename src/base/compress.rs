//! Compression of one block at a time. The third-party codecs are used here and nowhere else.
//!
//! A block is raw: no magic, no length, no checksum. Whoever stores it keeps the original length, compares that with
//! its own limit, and passes it to [`Codec::decompress`], which allocates that much and no more and accepts nothing
//! that does not come out at exactly that length.

use std::fmt;

/// How a block is compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Codec {
    /// As it is.
    #[default]
    None,
    /// LZ4 block format: fast both ways.
    Lz4,
    /// Zstandard: smaller and slower.
    Zstd,
    /// Snappy raw format, which protocol version 4 allows.
    Snappy,
}

/// Cassandra's default level, and Zstandard's own.
const ZSTD_LEVEL: i32 = 3;

/// A block that does not decompress to its stated length.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("bad {codec} block of {stored_bytes} bytes for {len} bytes: {reason}")]
pub struct Error {
    /// The codec asked for.
    pub codec: Codec,
    /// Length of the compressed block.
    pub stored_bytes: usize,
    /// Length that should have come out.
    pub len: usize,
    /// What the codec found.
    pub reason: String,
}

impl Codec {
    /// Appends `input`, compressed, to `out`.
    pub fn compress(&self, input: &[u8], out: &mut Vec<u8>) {
        match self {
            Codec::None => out.extend_from_slice(input),
            Codec::Lz4 => into_tail(
                out,
                lz4_flex::block::get_maximum_output_size(input.len()),
                |tail| {
                    lz4_flex::block::compress_into(input, tail).expect("LZ4 fits its own maximum")
                },
            ),
            Codec::Zstd => into_tail(out, zstd::zstd_safe::compress_bound(input.len()), |tail| {
                zstd::bulk::compress_to_buffer(input, tail, ZSTD_LEVEL)
                    .expect("Zstandard fits its own maximum")
            }),
            Codec::Snappy => into_tail(out, snap::raw::max_compress_len(input.len()), |tail| {
                snap::raw::Encoder::new()
                    .compress(input, tail)
                    .expect("Snappy fits its own maximum")
            }),
        }
    }

    /// Appends the `len` bytes that `input` stands for to `out`, or leaves `out` as it was.
    ///
    /// `len` bytes are allocated: the caller has compared it with a limit.
    pub fn decompress(&self, input: &[u8], len: usize, out: &mut Vec<u8>) -> Result<(), Error> {
        let start = out.len();
        let result = self.decompress_tail(input, len, out);
        result.map_err(|reason| {
            out.truncate(start);
            Error {
                codec: *self,
                stored_bytes: input.len(),
                len,
                reason,
            }
        })
    }

    fn decompress_tail(&self, input: &[u8], len: usize, out: &mut Vec<u8>) -> Result<(), String> {
        if *self == Codec::Snappy {
            // Snappy states its length; checking it first keeps its decoder off a wrong one.
            let stated = snap::raw::decompress_len(input).map_err(|error| error.to_string())?;
            expect_len(stated, len)?;
        }
        let start = out.len();
        if *self == Codec::None {
            expect_len(input.len(), len)?;
            out.extend_from_slice(input);
            return Ok(());
        }
        out.resize(start + len, 0);
        let tail = &mut out[start..];
        let count =
            match self {
                Codec::None => len,
                Codec::Lz4 => lz4_flex::block::decompress_into(input, tail)
                    .map_err(|error| error.to_string())?,
                Codec::Zstd => zstd::bulk::decompress_to_buffer(input, tail)
                    .map_err(|error| error.to_string())?,
                Codec::Snappy => snap::raw::Decoder::new()
                    .decompress(input, tail)
                    .map_err(|error| error.to_string())?,
            };
        expect_len(count, len)
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Codec::None => "uncompressed",
            Codec::Lz4 => "LZ4",
            Codec::Zstd => "Zstandard",
            Codec::Snappy => "Snappy",
        })
    }
}

fn expect_len(found: usize, len: usize) -> Result<(), String> {
    if found == len {
        Ok(())
    } else {
        Err(format!("it holds {found} bytes"))
    }
}

/// Lets `write` fill up to `bytes_max` bytes at the end of `out` and keeps as many as it says.
fn into_tail(out: &mut Vec<u8>, bytes_max: usize, write: impl FnOnce(&mut [u8]) -> usize) {
    let start = out.len();
    out.resize(start + bytes_max, 0);
    let count = write(&mut out[start..]);
    out.truncate(start + count);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: [Codec; 4] = [Codec::None, Codec::Lz4, Codec::Zstd, Codec::Snappy];

    fn pack(codec: Codec, input: &[u8]) -> Vec<u8> {
        let mut packed = Vec::new();
        codec.compress(input, &mut packed);
        packed
    }

    #[test]
    fn blocks_come_back_behind_what_was_there() {
        let text = b"so it goes, so it goes, so it goes, so it goes".repeat(100);
        for codec in ALL {
            for input in [&b""[..], b"x", &text] {
                let packed = pack(codec, input);
                let mut out = b"before".to_vec();
                codec.decompress(&packed, input.len(), &mut out).unwrap();
                assert_eq!(out, [b"before", input].concat(), "{codec}");
            }
            if codec != Codec::None {
                assert!(
                    pack(codec, &text).len() < text.len() / 5,
                    "{codec} compresses"
                );
            }
        }
    }

    #[test]
    fn a_wrong_length_is_refused_and_leaves_nothing() {
        let text = b"abcdefgh".repeat(50);
        for codec in ALL {
            let packed = pack(codec, &text);
            for len in [0, 1, text.len() - 1, text.len() + 1] {
                let mut out = b"before".to_vec();
                let error = codec.decompress(&packed, len, &mut out).unwrap_err();
                assert_eq!(
                    (error.codec, error.len, error.stored_bytes),
                    (codec, len, packed.len())
                );
                assert_eq!(out, b"before", "{codec} {len}");
            }
        }
    }

    proptest! {
        #[test]
        fn any_bytes_come_back(input in proptest::collection::vec(any::<u8>(), 0..2000)) {
            for codec in ALL {
                let mut out = Vec::new();
                codec.decompress(&pack(codec, &input), input.len(), &mut out).unwrap();
                prop_assert_eq!(&out, &input);
            }
        }

        #[test]
        fn junk_never_panics(junk in proptest::collection::vec(any::<u8>(), 0..300), len in 0usize..5000) {
            for codec in ALL {
                let mut out = Vec::new();
                match codec.decompress(&junk, len, &mut out) {
                    Ok(()) => prop_assert_eq!(out.len(), len),
                    Err(_) => prop_assert!(out.is_empty()),
                }
            }
        }
    }
}
