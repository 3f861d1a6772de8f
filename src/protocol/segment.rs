//! Segments: how v5 carries envelopes, with checksums on header and payload.
//!
//! | | Uncompressed | lz4 |
//! |---|---|---|
//! | header, little-endian | 3 bytes: 17 bits payload length, 1 bit self-contained | 5 bytes: 17 bits payload length, 17 bits original length or 0, 1 bit self-contained |
//! | CRC-24 of the header, little-endian | 3 bytes | 3 bytes |
//! | payload | at most 131071 bytes | at most 131071 bytes, one raw LZ4 block, or as it is if the original length is 0 |
//! | CRC-32 of the payload as sent, little-endian | 4 bytes | 4 bytes |
//!
//! - A self-contained segment holds whole envelopes, one or several. An envelope that does not fit is cut over several segments,
//!   which hold nothing else and are not self-contained.
//! - CRC-24 has polynomial 0x1974F0B and starts with 0x875060; CRC-32 is the usual one over the bytes FA 2D 55 CA and the payload.
//! - A wrong checksum is final for the connection: after it, nobody knows where the next segment begins.

use base::checksum::Crc32;
use base::limits::SEGMENT_PAYLOAD_BYTES_MAX;
use bytes::{Buf, BufMut, BytesMut};

use crate::compress::{self, COMPRESSED_BYTES_MIN, Compression};
use crate::frame::envelope_bytes;
use crate::wire::Malformed;

/// Which of the two headers a connection's segments have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Three bytes, payload as it is.
    Uncompressed,
    /// Five bytes, payload as an LZ4 block where that is smaller.
    Lz4,
}

/// A segment whose checksums were right.
#[derive(Debug, PartialEq, Eq)]
pub struct Segment {
    /// Envelopes, or a piece of one, decompressed.
    pub payload: BytesMut,
    /// Whether it holds whole envelopes.
    pub self_contained: bool,
}

const LENGTH_BITS: u32 = 17;
const LENGTH_MASK: u64 = (1 << LENGTH_BITS) - 1;
const HEADER_CHECKSUM_BYTES: usize = 3;
const PAYLOAD_CHECKSUM_BYTES: usize = 4;

impl Format {
    fn header_bytes(self) -> usize {
        match self {
            Format::Uncompressed => 3,
            Format::Lz4 => 5,
        }
    }

    fn self_contained_bit(self) -> u32 {
        match self {
            Format::Uncompressed => LENGTH_BITS,
            Format::Lz4 => 2 * LENGTH_BITS,
        }
    }
}

/// Takes a segment off the front of `input`; `None` if more bytes are needed.
pub fn decode(format: Format, input: &mut BytesMut) -> Result<Option<Segment>, Malformed> {
    let header_bytes = format.header_bytes();
    let payload_offset = header_bytes + HEADER_CHECKSUM_BYTES;
    if input.len() < payload_offset {
        return Ok(None);
    }
    let header = little_endian(&input[..header_bytes]);
    check(
        "header",
        crc24(header, header_bytes),
        little_endian(&input[header_bytes..payload_offset]) as u32,
    )?;
    let payload_bytes = (header & LENGTH_MASK) as usize;
    if input.len() < payload_offset + payload_bytes + PAYLOAD_CHECKSUM_BYTES {
        return Ok(None);
    }
    input.advance(payload_offset);
    let payload = input.split_to(payload_bytes);
    check("payload", crc32(&payload), input.get_u32_le())?;
    let self_contained = header >> format.self_contained_bit() & 1 == 1;
    let original_bytes = (header >> LENGTH_BITS & LENGTH_MASK) as usize;
    let payload = match format {
        Format::Lz4 if original_bytes > 0 => {
            let original = compress::decompress_block(Compression::Lz4, &payload, original_bytes)?;
            BytesMut::from(original)
        }
        Format::Lz4 | Format::Uncompressed => payload,
    };
    Ok(Some(Segment {
        payload,
        self_contained,
    }))
}

/// Appends whole envelopes as segments.
pub fn encode(format: Format, mut envelopes: &[u8], out: &mut BytesMut) {
    while !envelopes.is_empty() {
        let whole_bytes = whole_envelopes_bytes(envelopes);
        if whole_bytes > 0 {
            put_segment(format, &envelopes[..whole_bytes], true, out);
            envelopes = &envelopes[whole_bytes..];
            continue;
        }
        let large_bytes = envelope_bytes(envelopes)
            .unwrap_or(envelopes.len())
            .min(envelopes.len());
        let (large, rest) = envelopes.split_at(large_bytes);
        for piece in large.chunks(SEGMENT_PAYLOAD_BYTES_MAX) {
            put_segment(format, piece, false, out);
        }
        envelopes = rest;
    }
}

/// How many bytes from the start are whole envelopes that fit into one segment.
fn whole_envelopes_bytes(envelopes: &[u8]) -> usize {
    let mut whole_bytes = 0;
    while let Some(length) = envelope_bytes(&envelopes[whole_bytes..]) {
        if whole_bytes + length > SEGMENT_PAYLOAD_BYTES_MAX.min(envelopes.len()) {
            break;
        }
        whole_bytes += length;
    }
    whole_bytes
}

pub(crate) fn put_segment(
    format: Format,
    payload: &[u8],
    self_contained: bool,
    out: &mut BytesMut,
) {
    debug_assert!(
        payload.len() <= SEGMENT_PAYLOAD_BYTES_MAX,
        "{} bytes in a segment",
        payload.len()
    );
    let compressed = match format {
        Format::Lz4 if payload.len() >= COMPRESSED_BYTES_MIN => compressed(payload),
        Format::Lz4 | Format::Uncompressed => None,
    };
    let original_bytes = if compressed.is_some() {
        payload.len() as u64
    } else {
        0
    };
    let payload = compressed.as_deref().unwrap_or(payload);
    let header = payload.len() as u64
        | original_bytes << LENGTH_BITS
        | u64::from(self_contained) << format.self_contained_bit();
    let header_bytes = format.header_bytes();
    out.reserve(header_bytes + HEADER_CHECKSUM_BYTES + payload.len() + PAYLOAD_CHECKSUM_BYTES);
    out.put_uint_le(header, header_bytes);
    out.put_uint_le(
        u64::from(crc24(header, header_bytes)),
        HEADER_CHECKSUM_BYTES,
    );
    out.put_slice(payload);
    out.put_u32_le(crc32(payload));
}

/// The payload as an LZ4 block, if that is smaller.
fn compressed(payload: &[u8]) -> Option<Vec<u8>> {
    let mut block = Vec::new();
    base::compress::Codec::Lz4.compress(payload, &mut block);
    (block.len() < payload.len()).then_some(block)
}

fn check(what: &str, computed: u32, read: u32) -> Result<(), Malformed> {
    if computed == read {
        return Ok(());
    }
    Err(Malformed::new(format!(
        "Invalid message: CRC mismatch in the {what} of a frame. Read {read:#x}, computed {computed:#x}"
    )))
}

fn little_endian(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .rev()
        .fold(0, |value, byte| value << 8 | u64::from(*byte))
}

fn crc32(payload: &[u8]) -> u32 {
    Crc32::new()
        .update(&[0xFA, 0x2D, 0x55, 0xCA])
        .update(payload)
        .finish()
}

const CRC24_START: u32 = 0x0087_5060;
const CRC24_POLYNOMIAL: u32 = 0x0197_4F0B;
const CRC24_TABLE: [u32; 256] = crc24_table();

/// What each value of the top byte adds to the other two.
const fn crc24_table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut top = 0;
    while top < 256 {
        let mut crc = (top as u32) << 16;
        let mut bit = 0;
        while bit < 8 {
            crc <<= 1;
            if crc & 0x0100_0000 != 0 {
                crc ^= CRC24_POLYNOMIAL;
            }
            bit += 1;
        }
        table[top] = crc;
        top += 1;
    }
    table
}

/// The checksum of a header's bytes, the lowest first.
fn crc24(header: u64, header_bytes: usize) -> u32 {
    header.to_le_bytes()[..header_bytes]
        .iter()
        .fold(CRC24_START, |crc, byte| {
            let top = (crc >> 16) as u8 ^ byte;
            (crc << 8 & 0x00FF_FFFF) ^ CRC24_TABLE[usize::from(top)]
        })
}

#[cfg(test)]
mod tests;
