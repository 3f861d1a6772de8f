//! The file format: every byte of it, its constants, and decoders that distrust what they read.
//!
//! A file holds partitions in the order of (token, partition key), their rows in the order of clustering keys. It is
//! written once, front to back, and never changed. All fixed-width integers are little-endian; *varint* is the minimal
//! LEB128 of `base::bytes`, *signed* its zigzag form, *bytes* a varint length and that many bytes.
//!
//! ```text
//! file         header  block*  footer                  nothing between them, nothing after
//! ```
//!
//! # Header
//!
//! | Offset | Bytes | |
//! |---|---|---|
//! | 0 | 8 | magic `HELENSST` |
//! | 8 | 2 | version of this format: 1 |
//! | 10 | 2 | version of the row image (`model::image`): 1 |
//! | 12 | 8 | file id |
//! | 20 | 16 | table id, as the UUID's bytes |
//! | 36 | 4 | crc32 of bytes 0 to 35 |
//!
//! # Block
//!
//! | Offset | Bytes | |
//! |---|---|---|
//! | 0 | 4 | crc32 of: file id (8), this block's offset in the file (8), bytes 4 to the block's end |
//! | 4 | 1 | type: 1 data, 2 index, 3 filter, 4 filter directory, 5 statistics |
//! | 5 | 1 | codec: 0 none, 1 LZ4, 2 Zstandard, 3 Snappy |
//! | 6 | 2 | zero |
//! | 8 | 4 | stored length *s*: at least 1 |
//! | 12 | 4 | plain length *p*: at least 1, at most [`PLAIN_BYTES_MAX`] |
//! | 16 | *s* | the contents, compressed; with codec 0, *s* = *p* |
//!
//! A *handle* names a block: its offset, and its length with these 16 bytes. A block is valid if it lies between header
//! and footer, the length fits its handle, the checksum matches, and the contents decompress to *p* bytes that decode
//! without a byte left over. The checksum holds offset and file id, so a block that was stored in the wrong place, or
//! left behind by a former file, is refused.
//!
//! Index and filter blocks are written as soon as they are full, among the data blocks, so that a writer needs little
//! memory. Filter directory, root index and statistics come last.
//!
//! # Position
//!
//! The place of a row or range tombstone in the file, as bytes that compare in file order (see `position`):
//!
//! ```text
//! position     token (8, big-endian, top bit flipped)  key (0x00 written as 0x00 0xff)  0x00 0x00  clustering
//! ```
//!
//! *clustering* is a row's clustering key, a range tombstone's start, or nothing for the partition itself.
//!
//! # Data block
//!
//! About 16 KiB of consecutive entries. A *run* is the part of one partition that lies in one block.
//!
//! ```text
//! data         run*  token*  offset*  count            count (4): runs that begin a partition here
//!                                                      token (8): theirs, ascending;  offset (4): from the block's start
//! run          flags (1)  key (bytes)  [continued]  [deletion]  [static row (bytes)]  entries
//! continued    token (8)  distance (varint)  [header length (varint)]
//! deletion     timestamp (signed)  local deletion time (signed)
//! entries      of a SINGLE run:  clustering (bytes)  image (bytes)
//!              else:  rows length (varint)  restart count (varint)  [tombstones length (varint)]
//!                     row*  restart*  tombstone*
//! row          shared (varint)  rest of the clustering key (bytes)  image (bytes)
//! restart      offset (4) of every 8th row, the first included, from the first row; its shared is 0
//! tombstone    start (bytes)  end (bytes)  deletion
//! ```
//!
//! | Flag | Bit | |
//! |---|---|---|
//! | SINGLE | 1 | the whole partition is one row, without deletion, static row or tombstone; no other flag is set |
//! | CONTINUED | 2 | the partition began in an earlier block: only the block's first run, not in its directory |
//! | MORE | 4 | the partition goes on in the next data block: only the block's last run |
//! | DELETION | 8 | the partition is deleted; repeated in every run of the partition |
//! | STATIC | 16 | a static row follows: never in a CONTINUED run |
//! | TOMBSTONES | 32 | there are range tombstones |
//! | OPEN_START | 64 | the first tombstone began in an earlier block and reaches beyond the last position there |
//! | OPEN_END | 128 | the last tombstone reaches beyond the last position of this run, and MORE is set |
//!
//! So a block's first run carries what the block needs to be read alone: the partition's key and deletion, and the
//! range tombstone open at the start; its last run tells the one open at the end. *distance* goes back from this block to the one where
//! the partition begins, with *header length* as in its handle; it is 0, without a length, if there is no static row.
//!
//! Within a partition, rows ascend strictly, range tombstones are disjoint and ascend, and a tombstone that starts at a
//! row's key comes before the row, in the same block. A tombstone covers the keys from its start on, up to but without
//! its end. A row's *shared* counts the bytes it takes over from the key before it.
//!
//! # Index block
//!
//! ```text
//! index        entry*
//! entry        shared (varint)  rest of the separator (bytes)  offset (varint)  length (varint)
//! ```
//!
//! One entry per block below, which is a data block or, in a root of depth 2, an index block. A separator is the shortest
//! string above the last position of the block before and not above the first position of its own; the first one of the
//! file is empty. So the block that may hold a position is that of the largest separator not above it.
//!
//! # Filter
//!
//! ```text
//! filter       probes (1)  zero (3)  line*             line (64): 512 bits
//! directory    entry*
//! entry        first token (8)  offset (8)  length (4)
//! ```
//!
//! A filter block covers consecutive tokens, from its first token to before the next block's. Membership: see `filter`.
//!
//! # Statistics
//!
//! See `statistics::Statistics`, whose encoding is in `statistics::codec`.
//!
//! # Footer
//!
//! | Offset | Bytes | |
//! |---|---|---|
//! | 0 | 12 | handle of the statistics: offset (8), length (4) |
//! | 12 | 12 | handle of the root index |
//! | 24 | 12 | handle of the filter directory; zero if the file has no filter |
//! | 36 | 1 | index depth: 1 (the root's entries are data blocks) or 2 |
//! | 37 | 1 | zero |
//! | 38 | 2 | version of this format: 1 |
//! | 40 | 8 | length of the whole file |
//! | 48 | 8 | file id |
//! | 56 | 4 | crc32 of bytes 0 to 55 |
//! | 60 | 8 | magic `TSSNELEH` |
//!
//! A file is valid if header and footer are, name the same id, and the length is the file's. A file without a valid
//! footer was never finished and is nobody's: a finished one is synced before it gets its name.

mod block;

use base::bytes::{self, Reader};
use base::checksum::crc32;

use crate::FileId;
pub use block::{Envelope, Handle, Kind, Opened, codec_byte, codec_from_byte, open, seal};

/// Version of the format written here.
pub const VERSION: u16 = 1;
/// Version of the row images inside.
pub const IMAGE_VERSION: u16 = 1;

/// First bytes of a file.
pub const MAGIC: [u8; 8] = *b"HELENSST";
/// Last bytes of a file.
pub const END_MAGIC: [u8; 8] = *b"TSSNELEH";

/// Length of the header's checksummed part.
const HEADER_BODY_BYTES: usize = 8 + 2 + 2 + 8 + 16;
/// Length of the header.
pub const HEADER_BYTES: usize = HEADER_BODY_BYTES + 4;
/// Length of a block before its contents.
pub const ENVELOPE_BYTES: usize = 16;
/// Length of the footer's checksummed part.
const FOOTER_BODY_BYTES: usize = 3 * HANDLE_BYTES + 1 + 1 + 2 + 8 + 8;
/// Length of the footer.
pub const FOOTER_BYTES: usize = FOOTER_BODY_BYTES + 4 + 8;
/// Length of a fixed-width handle.
const HANDLE_BYTES: usize = 8 + 4;

/// The most contents of a block: one row can outgrow the 16 MiB of a mutation by merging, and must still be stored.
/// A reader allocates this much only after the checksum of the stored bytes has matched.
pub const PLAIN_BYTES_MAX: usize = 1 << 30;
/// The most a row may have: the block that holds it has other contents before it, and its key.
pub const ROW_BYTES_MAX: usize = PLAIN_BYTES_MAX / 2;
/// Rows between two restart points.
pub const RESTART_INTERVAL: usize = 8;

/// The partition is one row and nothing else.
pub const SINGLE: u8 = 1;
/// The partition began in an earlier block.
pub const CONTINUED: u8 = 2;
/// The partition goes on in the next data block.
pub const MORE: u8 = 4;
/// The partition is deleted.
pub const DELETION: u8 = 8;
/// A static row follows.
pub const STATIC: u8 = 16;
/// There are range tombstones.
pub const TOMBSTONES: u8 = 32;
/// The first tombstone began in an earlier block.
pub const OPEN_START: u8 = 64;
/// The last tombstone goes on in the next block.
pub const OPEN_END: u8 = 128;

/// The name of a finished file.
pub fn file_name(id: FileId) -> String {
    format!("{:016x}.sst", id.0)
}

/// The name of a file that is being written.
pub fn temporary_name(id: FileId) -> String {
    format!("{:016x}.tmp", id.0)
}

/// The id in a finished file's name.
pub fn parse_file_name(name: &str) -> Option<FileId> {
    parse_id(name.strip_suffix(".sst")?)
}

/// The id in the name of a file that was being written.
pub fn parse_temporary_name(name: &str) -> Option<FileId> {
    parse_id(name.strip_suffix(".tmp")?)
}

fn parse_id(digits: &str) -> Option<FileId> {
    let plain = digits.len() == 16
        && digits
            .bytes()
            .all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    if !plain {
        return None;
    }
    u64::from_str_radix(digits, 16).ok().map(FileId)
}

/// The first bytes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The file's id, which salts its checksums.
    pub id: FileId,
    /// The table's id, as bytes of the UUID.
    pub table: [u8; 16],
}

impl Header {
    /// Appends the header.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&IMAGE_VERSION.to_le_bytes());
        out.extend_from_slice(&self.id.0.to_le_bytes());
        out.extend_from_slice(&self.table);
        let crc = crc32(&out[start..]);
        out.extend_from_slice(&crc.to_le_bytes());
    }

    /// Reads a header from a file's first bytes.
    pub fn decode(bytes: &[u8]) -> Result<Header, bytes::Error> {
        let mut input = Reader::new(bytes);
        let body = input.clone().bytes(HEADER_BODY_BYTES)?;
        if input.fixed::<8>()? != MAGIC {
            return Err(Reader::new(bytes).error("not an SSTable"));
        }
        let versions = (input.u16_le()?, input.u16_le()?);
        let id = FileId(input.u64_le()?);
        let table = input.fixed::<16>()?;
        if input.u32_le()? != crc32(body) {
            return Err(input.error("header checksum"));
        }
        if versions != (VERSION, IMAGE_VERSION) {
            return Err(Reader::at(bytes, 8).error("unknown version"));
        }
        Ok(Header { id, table })
    }
}

/// The last bytes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Footer {
    /// The statistics block.
    pub statistics: Handle,
    /// The root of the index.
    pub root: Handle,
    /// The directory of filter blocks, unless the file has none.
    pub filters: Option<Handle>,
    /// 1 if the root's entries are data blocks, 2 if they are index blocks.
    pub depth: u8,
    /// Length of the whole file.
    pub file_len: u64,
    /// The file's id.
    pub id: FileId,
}

impl Footer {
    /// Appends the footer and returns its checksum.
    pub fn encode(&self, out: &mut Vec<u8>) -> u32 {
        let start = out.len();
        self.statistics.put(out);
        self.root.put(out);
        self.filters.unwrap_or_default().put(out);
        out.extend_from_slice(&[self.depth, 0]);
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&self.file_len.to_le_bytes());
        out.extend_from_slice(&self.id.0.to_le_bytes());
        let crc = crc32(&out[start..]);
        out.extend_from_slice(&crc.to_le_bytes());
        out.extend_from_slice(&END_MAGIC);
        crc
    }

    /// Reads a footer, and its checksum, from the last [`FOOTER_BYTES`] of a file of `file_len` bytes.
    pub fn decode(bytes: &[u8], file_len: u64) -> Result<(Footer, u32), bytes::Error> {
        let position = file_len.saturating_sub(FOOTER_BYTES as u64);
        let mut input = Reader::at(bytes, position);
        let body = input.clone().bytes(FOOTER_BODY_BYTES)?;
        let mut end = Reader::at(bytes, position);
        end.skip(FOOTER_BODY_BYTES)?;
        let crc = end.u32_le()?;
        if end.fixed::<8>()? != END_MAGIC {
            return Err(input.error("no footer"));
        }
        end.expect_end()?;
        if crc != crc32(body) {
            return Err(input.error("footer checksum"));
        }
        let footer = Footer::fields(&mut input)?;
        footer
            .check(file_len)
            .map_err(|what| bytes::Error {
                offset: position,
                what,
            })
            .map(|()| (footer, crc))
    }

    fn fields(input: &mut Reader<'_>) -> Result<Footer, bytes::Error> {
        let statistics = Handle::read(input)?;
        let root = Handle::read(input)?;
        let filters = Handle::read(input)?;
        let depth = input.u8()?;
        if input.u8()? != 0 || input.u16_le()? != VERSION {
            return Err(input.error("unknown version"));
        }
        Ok(Footer {
            statistics,
            root,
            filters: (filters != Handle::default()).then_some(filters),
            depth,
            file_len: input.u64_le()?,
            id: FileId(input.u64_le()?),
        })
    }

    fn check(&self, file_len: u64) -> Result<(), &'static str> {
        if self.file_len != file_len {
            return Err("wrong file length");
        }
        if !matches!(self.depth, 1 | 2) {
            return Err("unknown index depth");
        }
        self.statistics.check(file_len)?;
        self.root.check(file_len)?;
        self.filters.map_or(Ok(()), |handle| handle.check(file_len))
    }
}

#[cfg(test)]
mod tests;
