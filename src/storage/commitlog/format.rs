//! The bytes of a commit log segment: a specification, and decoders that trust nothing.
//!
//! A segment is a file `segment-IIIIIIIIII.log` of fixed length, named by its id in ten decimal digits. Integers are
//! little-endian.
//!
//! | Offset | Bytes | Segment header |
//! |---|---|---|
//! | 0 | 8 | magic `HELENLOG` |
//! | 8 | 4 | version, 1 |
//! | 12 | 4 | length of the file |
//! | 16 | 8 | segment id, from 1 |
//! | 24 | 4 | zero |
//! | 28 | 4 | crc32 of the bytes before |
//! | 32 | | frames, one behind the other |
//!
//! | Offset | Bytes | Frame |
//! |---|---|---|
//! | 0 | 8 | segment id |
//! | 8 | 4 | length of the body, or `END_MARK` |
//! | 12 | 8 | synced position: everything below was durable when this frame was written |
//! | 20 | 4 | crc32 of the bytes before, salted with the segment id |
//! | 24 | n | body: records |
//! | 24 + n | 4 | crc32 of the body, salted with the segment id |
//!
//! A record is a length of four bytes and an encoded mutation (`model::mutation`). A frame with `END_MARK` for a
//! length has neither body nor second checksum: the segment ends there and the log goes on in the segment of the
//! next id. A frame without records is a *witness*: it is written when nothing follows what was synced, for the synced
//! position that it names. A position is the segment id in the upper and the offset in the lower 32 bits.
//!
//! A frame is valid if both checksums are. The salt makes frames invalid that a segment's former life left behind,
//! so a recycled segment is not cleared. The first bytes that are no valid frame are either *damage*, if any frame
//! header found anywhere behind them names a higher synced position, or the *torn tail* of what was being written
//! when the process or the machine died; nothing behind a torn tail counts.

use base::bytes::Reader;
use base::checksum::{crc32, crc32_salted};

/// The first bytes of a segment.
pub const MAGIC: [u8; 8] = *b"HELENLOG";
/// The version of this format.
pub const VERSION: u32 = 1;
/// Offset of the first frame.
pub const SEGMENT_HEADER_BYTES: usize = MAGIC_BYTES + 4 + 4 + 8 + 4 + 4;
/// Offset of a frame's body; the whole of an end mark.
pub const FRAME_HEADER_BYTES: usize = ID_BYTES + 4 + 8 + 4;
/// What follows a frame's body.
pub const FRAME_TRAILER_BYTES: usize = 4;
/// What precedes a record's mutation.
pub const RECORD_HEADER_BYTES: usize = 4;
/// The body length that ends a segment.
pub const END_MARK: u32 = u32::MAX;

const MAGIC_BYTES: usize = MAGIC.len();
const ID_BYTES: usize = 8;
const LENGTH_AT: usize = ID_BYTES;
const SYNCED_AT: usize = LENGTH_AT + 4;
const HEADER_CHECKSUM_AT: usize = SYNCED_AT + 8;
const SEGMENT_CHECKSUM_AT: usize = SEGMENT_HEADER_BYTES - 4;

/// A place in the log.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Position(pub u64);

impl Position {
    /// Before everything.
    pub const START: Position = Position(0);

    /// Byte `offset` of a segment.
    pub fn new(segment: u64, offset: u32) -> Position {
        Position(segment << 32 | u64::from(offset))
    }

    /// The segment's id.
    pub fn segment(self) -> u64 {
        self.0 >> 32
    }

    /// The offset within the segment.
    pub fn offset(self) -> u32 {
        self.0 as u32
    }
}

impl std::fmt::Display for Position {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}:{}", self.segment(), self.offset())
    }
}

impl std::fmt::Debug for Position {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, out)
    }
}

/// A segment's file name.
pub fn segment_name(id: u64) -> String {
    format!("segment-{id:010}.log")
}

/// The id in a segment's file name; none if it is not one.
pub fn segment_id(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("segment-")?.strip_suffix(".log")?;
    let id = digits.parse().ok().filter(|&id| id > 0)?;
    (segment_name(id) == name).then_some(id)
}

/// The header of segment `id`.
pub fn segment_header(id: u64, file_bytes: u32) -> [u8; SEGMENT_HEADER_BYTES] {
    let mut header = [0; SEGMENT_HEADER_BYTES];
    header[..8].copy_from_slice(&MAGIC);
    header[8..12].copy_from_slice(&VERSION.to_le_bytes());
    header[12..16].copy_from_slice(&file_bytes.to_le_bytes());
    header[16..24].copy_from_slice(&id.to_le_bytes());
    let checksum = crc32(&header[..SEGMENT_CHECKSUM_AT]);
    header[SEGMENT_CHECKSUM_AT..].copy_from_slice(&checksum.to_le_bytes());
    header
}

/// The length that the header says the file has. The header must be valid.
pub fn file_bytes(header: &[u8]) -> Option<u32> {
    let bytes = header.get(12..16)?.try_into().ok()?;
    Some(u32::from_le_bytes(bytes))
}

/// The id of the segment that begins with `bytes`.
pub fn decode_segment_header(bytes: &[u8]) -> Result<u64, &'static str> {
    let Some(header) = bytes.first_chunk::<SEGMENT_HEADER_BYTES>() else {
        return Err("file shorter than a segment's header");
    };
    let mut reader = Reader::new(header);
    let mut read = || -> Result<_, base::bytes::Error> {
        let magic = reader.fixed::<8>()?;
        let version = reader.u32_le()?;
        reader.skip(4)?;
        let id = reader.u64_le()?;
        reader.skip(4)?;
        Ok((magic, version, id, reader.u32_le()?))
    };
    let (magic, version, id, checksum) = read().map_err(|error| error.what)?;
    if magic != MAGIC {
        return Err("not a commit log segment");
    }
    if checksum != crc32(&header[..SEGMENT_CHECKSUM_AT]) {
        return Err("segment header checksum");
    }
    if version != VERSION {
        return Err("segment of an unknown version");
    }
    Ok(id)
}

/// What lies at an offset of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found<'a> {
    /// A valid frame.
    Frame(Frame<'a>),
    /// The mark that ends the segment, naming this synced position.
    End(Position),
    /// Neither.
    Bad(&'static str),
}

/// A valid frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// What was durable when it was written.
    pub synced: Position,
    /// Its records.
    pub body: &'a [u8],
    /// The offset behind it.
    pub next: usize,
}

impl<'a> Frame<'a> {
    /// The mutations in the frame.
    pub fn records(&self) -> Records<'a> {
        Records {
            reader: Reader::new(self.body),
        }
    }
}

/// The mutations in a frame's body, as encoded.
#[derive(Debug, Clone)]
pub struct Records<'a> {
    reader: Reader<'a>,
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<&'a [u8], base::bytes::Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.reader.is_empty() {
            return None;
        }
        let record = self
            .reader
            .u32_le()
            .and_then(|len| self.reader.bytes(len as usize));
        if record.is_err() {
            self.reader.rest();
        }
        Some(record)
    }
}

/// Whether a frame of the segment `id` was begun at `offset`, valid or not.
pub(crate) fn begins_frame(id: u64, segment: &[u8], offset: usize) -> bool {
    let bytes = segment.get(offset..).unwrap_or_default();
    bytes.starts_with(&id.to_le_bytes())
}

/// What lies at `offset` of the segment `id`, whose bytes are `segment`.
pub fn decode_frame(id: u64, segment: &[u8], offset: usize) -> Found<'_> {
    let bytes = segment.get(offset..).unwrap_or_default();
    let Some((length, synced)) = decode_frame_header(id, bytes) else {
        return Found::Bad("frame header checksum");
    };
    if length == END_MARK {
        return Found::End(synced);
    }
    let body_end = FRAME_HEADER_BYTES + length as usize;
    let Some((body, trailer)) = bytes.get(FRAME_HEADER_BYTES..body_end).zip(
        bytes
            .get(body_end..)
            .and_then(|rest| rest.first_chunk::<FRAME_TRAILER_BYTES>()),
    ) else {
        return Found::Bad("frame beyond the segment's end");
    };
    if u32::from_le_bytes(*trailer) != crc32_salted(id, body) {
        return Found::Bad("frame body checksum");
    }
    Found::Frame(Frame {
        synced,
        body,
        next: offset + body_end + FRAME_TRAILER_BYTES,
    })
}

fn decode_frame_header(id: u64, bytes: &[u8]) -> Option<(u32, Position)> {
    let header = bytes.first_chunk::<FRAME_HEADER_BYTES>()?;
    let mut reader = Reader::new(header);
    if reader.u64_le().ok()? != id {
        return None;
    }
    let length = reader.u32_le().ok()?;
    let synced = Position(reader.u64_le().ok()?);
    let checksum = reader.u32_le().ok()?;
    (checksum == crc32_salted(id, &header[..HEADER_CHECKSUM_AT])).then_some((length, synced))
}

/// The highest synced position that any frame header at or behind `offset` names, whatever lies between.
pub fn highest_synced(id: u64, segment: &[u8], offset: usize) -> Option<Position> {
    let bytes = segment.get(offset..)?;
    let mark = id.to_le_bytes();
    let synced = |window: (usize, &[u8])| {
        let (at, first) = window;
        (first == mark)
            .then(|| decode_frame_header(id, &bytes[at..]))
            .flatten()
    };
    bytes
        .windows(ID_BYTES)
        .enumerate()
        .filter_map(synced)
        .map(|(_, synced)| synced)
        .max()
}

/// Notes the length of a frame's body, from which [`sealed_for`] finds the frame's end.
pub fn seal_length(frame: &mut [u8], length: u32) {
    frame[LENGTH_AT..SYNCED_AT].copy_from_slice(&length.to_le_bytes());
}

/// Completes what does not depend on a frame's place in its segment: length, body checksum, and the segment it is
/// meant for. `frame` has room for header and trailer.
pub fn seal_body(id: u64, frame: &mut [u8]) {
    let body_end = frame.len() - FRAME_TRAILER_BYTES;
    let length = (body_end - FRAME_HEADER_BYTES) as u32;
    let checksum = crc32_salted(id, &frame[FRAME_HEADER_BYTES..body_end]);
    frame[..ID_BYTES].copy_from_slice(&id.to_le_bytes());
    seal_length(frame, length);
    frame[body_end..].copy_from_slice(&checksum.to_le_bytes());
}

/// A frame without records, for segment `id`; its header is to be sealed.
pub fn empty_frame(id: u64) -> [u8; FRAME_HEADER_BYTES + FRAME_TRAILER_BYTES] {
    let mut frame = [0; FRAME_HEADER_BYTES + FRAME_TRAILER_BYTES];
    seal_body(id, &mut frame);
    frame
}

/// Completes a frame's header after [`seal_body`].
pub fn seal_header(id: u64, synced: Position, header: &mut [u8]) {
    header[SYNCED_AT..HEADER_CHECKSUM_AT].copy_from_slice(&synced.0.to_le_bytes());
    let checksum = crc32_salted(id, &header[..HEADER_CHECKSUM_AT]);
    header[HEADER_CHECKSUM_AT..FRAME_HEADER_BYTES].copy_from_slice(&checksum.to_le_bytes());
}

/// The segment a frame's body was sealed for, and the frame's length. The frame is this process's own.
pub fn sealed_for(frame: &[u8]) -> (u64, usize) {
    let id = frame
        .first_chunk()
        .map_or(0, |bytes| u64::from_le_bytes(*bytes));
    let length = frame.get(LENGTH_AT..).and_then(|bytes| bytes.first_chunk());
    let length = length.map_or(0, |bytes| u32::from_le_bytes(*bytes)) as usize;
    (id, FRAME_HEADER_BYTES + length + FRAME_TRAILER_BYTES)
}

/// The mark that ends segment `id`.
pub fn end_mark(id: u64, synced: Position) -> [u8; FRAME_HEADER_BYTES] {
    let mut mark = [0; FRAME_HEADER_BYTES];
    mark[..ID_BYTES].copy_from_slice(&id.to_le_bytes());
    mark[LENGTH_AT..SYNCED_AT].copy_from_slice(&END_MARK.to_le_bytes());
    seal_header(id, synced, &mut mark);
    mark
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(id: u64, synced: Position, records: &[&[u8]]) -> Vec<u8> {
        let mut bytes = vec![0; FRAME_HEADER_BYTES];
        for record in records {
            bytes.extend((record.len() as u32).to_le_bytes());
            bytes.extend(*record);
        }
        bytes.extend([0; FRAME_TRAILER_BYTES]);
        seal_body(id, &mut bytes);
        seal_header(id, synced, &mut bytes);
        bytes
    }

    fn sample() -> Vec<u8> {
        let mut segment = segment_header(7, 4096).to_vec();
        segment.extend(frame(7, Position::START, &[b"one", b"two"]));
        segment.extend(frame(7, Position::new(7, 40), &[b""]));
        segment.extend(end_mark(7, Position::new(7, 50)));
        segment.extend([0; 100]);
        segment
    }

    #[test]
    fn frames_are_read_back() {
        let segment = sample();
        assert_eq!(decode_segment_header(&segment), Ok(7));
        let Found::Frame(first) = decode_frame(7, &segment, SEGMENT_HEADER_BYTES) else {
            panic!("no first frame")
        };
        let records: Vec<_> = first.records().map(Result::unwrap).collect();
        assert_eq!(records, [b"one", b"two"]);
        let Found::Frame(second) = decode_frame(7, &segment, first.next) else {
            panic!("no second frame")
        };
        assert_eq!(second.records().collect::<Vec<_>>(), [Ok(&b""[..])]);
        assert_eq!(
            decode_frame(7, &segment, second.next),
            Found::End(Position::new(7, 50))
        );
        assert_eq!(highest_synced(7, &segment, 33), Some(Position::new(7, 50)));
        assert_eq!(highest_synced(7, &segment, second.next + 1), None);
    }

    #[test]
    fn another_life_is_no_frame() {
        let mut segment = sample();
        assert_eq!(
            decode_frame(8, &segment, SEGMENT_HEADER_BYTES),
            Found::Bad("frame header checksum")
        );
        let renamed = segment_header(8, 4096);
        segment[..SEGMENT_HEADER_BYTES].copy_from_slice(&renamed);
        assert_eq!(decode_segment_header(&segment), Ok(8));
        assert_eq!(highest_synced(8, &segment, SEGMENT_HEADER_BYTES), None);
    }

    #[test]
    fn every_flipped_bit_is_seen() {
        let segment = sample();
        let end = segment.len() - 100;
        for bit in 0..end * 8 {
            let mut damaged = segment.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let mut offset = SEGMENT_HEADER_BYTES;
            let mut good = decode_segment_header(&damaged) == Ok(7);
            while good {
                match decode_frame(7, &damaged, offset) {
                    Found::Frame(frame) => offset = frame.next,
                    Found::End(_) => break,
                    Found::Bad(_) => good = false,
                }
            }
            assert!(!good, "bit {bit}");
        }
    }

    #[test]
    fn names_carry_ids() {
        assert_eq!(segment_name(12), "segment-0000000012.log");
        assert_eq!(segment_id("segment-0000000012.log"), Some(12));
        for other in [
            "segment-12.log",
            "segment-0000000000.log",
            "segment-.log",
            "manifest",
        ] {
            assert_eq!(segment_id(other), None, "{other}");
        }
    }
}
