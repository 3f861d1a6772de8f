//! Blocks: the envelope around everything between header and footer. The byte table is in the module above.

use base::bytes::{self, Reader};
use base::checksum::Crc32;
use base::compress::Codec;

use super::{ENVELOPE_BYTES, FOOTER_BYTES, HEADER_BYTES, PLAIN_BYTES_MAX};
use crate::FileId;

/// What a block holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// Partitions and rows.
    Data = 1,
    /// Separators and handles of other blocks.
    Index = 2,
    /// A Bloom filter of consecutive tokens.
    Filter = 3,
    /// Where the filter blocks are.
    FilterDirectory = 4,
    /// What is known of the whole file.
    Statistics = 5,
}

impl Kind {
    /// The kind of this byte.
    pub fn from_byte(byte: u8) -> Option<Kind> {
        [
            Kind::Data,
            Kind::Index,
            Kind::Filter,
            Kind::FilterDirectory,
            Kind::Statistics,
        ]
        .into_iter()
        .find(|kind| *kind as u8 == byte)
    }
}

/// The byte of a codec.
pub fn codec_byte(codec: Codec) -> u8 {
    match codec {
        Codec::None => 0,
        Codec::Lz4 => 1,
        Codec::Zstd => 2,
        Codec::Snappy => 3,
    }
}

/// The codec of a byte.
pub fn codec_from_byte(byte: u8) -> Option<Codec> {
    [Codec::None, Codec::Lz4, Codec::Zstd, Codec::Snappy]
        .into_iter()
        .find(|codec| codec_byte(*codec) == byte)
}

/// Where a block lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Handle {
    /// Of its first byte in the file.
    pub offset: u64,
    /// With its first 16 bytes.
    pub len: u32,
}

impl Handle {
    /// The first byte after the block, if there can be one.
    pub fn end(self) -> Option<u64> {
        self.offset.checked_add(u64::from(self.len))
    }

    pub(super) fn put(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.offset.to_le_bytes());
        out.extend_from_slice(&self.len.to_le_bytes());
    }

    pub(super) fn read(input: &mut Reader<'_>) -> Result<Handle, bytes::Error> {
        Ok(Handle {
            offset: input.u64_le()?,
            len: input.u32_le()?,
        })
    }

    /// Refuses a block that is not between the header and the footer of a file of `file_len` bytes.
    pub fn check(self, file_len: u64) -> Result<(), &'static str> {
        let end = file_len.saturating_sub(FOOTER_BYTES as u64);
        let inside = self.offset >= HEADER_BYTES as u64
            && self.len as usize > ENVELOPE_BYTES
            && self.end().is_some_and(|own_end| own_end <= end);
        inside.then_some(()).ok_or("block outside of the file")
    }
}

/// The first bytes of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Checksum as stored.
    pub crc: u32,
    /// What the block holds.
    pub kind: Kind,
    /// How it is compressed.
    pub codec: Codec,
    /// Length of the contents as stored.
    pub stored_len: u32,
    /// Length of the contents.
    pub plain_len: u32,
}

impl Envelope {
    /// Reads a block's first bytes. Nothing is known to be true until [`open`] has compared the checksum.
    pub fn decode(bytes: &[u8], offset: u64) -> Result<Envelope, bytes::Error> {
        let mut input = Reader::at(bytes, offset);
        let crc = input.u32_le()?;
        let kind = Kind::from_byte(input.u8()?).ok_or(input.error("unknown block type"))?;
        let codec = codec_from_byte(input.u8()?).ok_or(input.error("unknown codec"))?;
        if input.u16_le()? != 0 {
            return Err(input.error("reserved bytes are set"));
        }
        let (stored_len, plain_len) = (input.u32_le()?, input.u32_le()?);
        if stored_len == 0 || plain_len == 0 || plain_len as usize > PLAIN_BYTES_MAX {
            return Err(input.error("impossible block length"));
        }
        Ok(Envelope {
            crc,
            kind,
            codec,
            stored_len,
            plain_len,
        })
    }

    /// Length of the whole block.
    pub fn block_len(&self) -> u64 {
        ENVELOPE_BYTES as u64 + u64::from(self.stored_len)
    }
}

/// Appends a block with these contents, which will lie at `offset` of file `id`, and returns its handle. Contents that
/// `codec` does not make smaller by an eighth are stored as they are: decompressing them would cost more than it saves.
///
/// `None` if the contents are too long for a block.
pub fn seal(
    id: FileId,
    offset: u64,
    kind: Kind,
    codec: Codec,
    plain: &[u8],
    out: &mut Vec<u8>,
) -> Option<Handle> {
    if plain.is_empty() || plain.len() > PLAIN_BYTES_MAX {
        return None;
    }
    let start = out.len();
    out.resize(start + ENVELOPE_BYTES, 0);
    let contents = start + ENVELOPE_BYTES;
    let codec = compress(codec, plain, out, contents);
    let stored_len = out.len() - contents;
    let envelope = &mut out[start..contents];
    envelope[4] = kind as u8;
    envelope[5] = codec_byte(codec);
    envelope[8..12].copy_from_slice(&(stored_len as u32).to_le_bytes());
    envelope[12..16].copy_from_slice(&(plain.len() as u32).to_le_bytes());
    let crc = checksum(id, offset, &out[start..]);
    out[start..start + 4].copy_from_slice(&crc.to_le_bytes());
    Some(Handle {
        offset,
        len: (out.len() - start) as u32,
    })
}

fn compress(codec: Codec, plain: &[u8], out: &mut Vec<u8>, contents: usize) -> Codec {
    if codec != Codec::None {
        codec.compress(plain, out);
        if out.len() - contents <= plain.len() - plain.len() / 8 && out.len() > contents {
            return codec;
        }
        out.truncate(contents);
    }
    out.extend_from_slice(plain);
    Codec::None
}

/// The contents of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened<'a> {
    /// Its first bytes.
    pub envelope: Envelope,
    /// The contents as stored: checked, not decompressed.
    pub stored: &'a [u8],
}

/// Checks a whole block, which lies at `offset` of file `id`, up to its checksum. Bytes after it are refused.
pub fn open(id: FileId, offset: u64, block: &[u8]) -> Result<Opened<'_>, bytes::Error> {
    let here = |what| bytes::Error { offset, what };
    if block.len() <= ENVELOPE_BYTES {
        return Err(here("truncated block"));
    }
    // The checksum comes first: until it matches, no field says anything.
    let stored_crc = Reader::at(block, offset).u32_le()?;
    if stored_crc != checksum(id, offset, block) {
        return Err(here("block checksum"));
    }
    let envelope = Envelope::decode(block, offset)?;
    if envelope.block_len() != block.len() as u64 {
        return Err(here("wrong block length"));
    }
    Ok(Opened {
        envelope,
        stored: &block[ENVELOPE_BYTES..],
    })
}

impl Opened<'_> {
    /// Decompresses the contents.
    pub fn plain(&self) -> Result<Vec<u8>, base::compress::Error> {
        let len = self.envelope.plain_len as usize;
        let mut plain = Vec::with_capacity(len);
        self.envelope
            .codec
            .decompress(self.stored, len, &mut plain)?;
        Ok(plain)
    }
}

fn checksum(id: FileId, offset: u64, block: &[u8]) -> u32 {
    Crc32::with_salt(id.0)
        .update(&offset.to_le_bytes())
        .update(&block[4..])
        .finish()
}
