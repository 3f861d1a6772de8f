//! The bytes of a manifest: a specification, and decoders that trust nothing.
//!
//! The manifest is one file, `manifest`, in the data directory. Fixed-width integers are little-endian.
//!
//! | Offset | Bytes | Header |
//! |---|---|---|
//! | 0 | 8 | magic `HELENMAN` |
//! | 8 | 4 | version, 2 |
//! | 12 | 4 | zero |
//! | 16 | 8 | generation: rises when the file is written anew |
//! | 24 | 4 | zero |
//! | 28 | 4 | crc32 of the bytes before |
//!
//! | Offset | Bytes | Slots, at 4096 and 8192 |
//! |---|---|---|
//! | 0 | 8 | length of the file up to which records were synced |
//! | 8 | 4 | crc32 of the bytes before, salted with the generation |
//!
//! | Offset | Bytes | Records, from 12288 on |
//! |---|---|---|
//! | 0 | 4 | length of the body |
//! | 4 | 4 | crc32 of the four bytes before and the body, salted with the generation |
//! | 8 | n | body: edits, each a tag byte and its fields |
//!
//! A record is one change of the state, as a whole. It is written and synced; then its end is noted in the slot that
//! has the smaller length. The slots lie in sectors of their own, so a torn write spoils one at most. Bytes below the
//! larger length of the valid slots were synced: if they do not decode they are *damage*. Bytes above are a record
//! that was synced (it is valid, and counts) or not (it is torn, and is cut off).
//!
//! | Tag | Edit | Fields |
//! |---|---|---|
//! | 1 | table is known | table id (16) |
//! | 2 | table was dropped | table id (16), log position (varint) |
//! | 3 | dropped table is forgotten | table id (16) |
//! | 4 | file is live, in version 1 | table id (16), file id (varint), length (varint), footer checksum (4) |
//! | 5 | file is dead | table id (16), file id (varint) |
//! | 6 | table is in files up to a log position | table id (16), log position (varint) |
//! | 7 | table was truncated | table id (16), log position (varint), time in microseconds (signed varint) |
//! | 8 | the log begins at a segment | segment id (varint) |
//! | 9 | file ids below are taken | file id (varint) |
//! | 10 | the metadata log was followed up to an epoch | epoch (varint) |
//! | 11 | file is live | table id (16), bytes that follow (varint): file id (varint), length (varint), footer checksum (4), level (varint), and what later versions may add, which is skipped |
//!
//! Version 1 is the same with edit 4 for 11, and without edit 10. It is read, and written anew as the present version when it is opened.

use base::bytes::{Error, Reader, put_signed_varint, put_varint};
use base::checksum::{Crc32, crc32, crc32_salted};
use model::TableId;
use uuid::Uuid;

use crate::commitlog::Position;

/// The first bytes of a manifest.
pub const MAGIC: [u8; 8] = *b"HELENMAN";
/// The version of this format.
pub const VERSION: u32 = 2;
/// The oldest version that is read.
pub const VERSION_MIN: u32 = 1;
/// Length of the header.
pub const HEADER_BYTES: usize = 32;
/// Where the slots are: in sectors of their own, whatever the disk calls a sector.
pub const SLOTS: [u64; 2] = [4096, 8192];
/// Length of a slot.
pub const SLOT_BYTES: usize = 12;
/// Where the first record is.
pub const RECORDS_AT: u64 = SLOTS[1] + 4096;
/// Length and checksum before a record's body.
pub const RECORD_HEADER_BYTES: usize = 8;
/// The largest body: a snapshot of half a million files.
pub const RECORD_BYTES_MAX: usize = 32 << 20;

const HEADER_CHECKSUM_AT: usize = HEADER_BYTES - 4;

/// One edit of the state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// The table exists from here on.
    Table(TableId),
    /// The table was dropped; the log may hold records of it below this position.
    Dropped(TableId, Position),
    /// No record of the dropped table can be left.
    Forgotten(TableId),
    /// A file belongs to the table.
    Added(TableId, File),
    /// A file no longer belongs to the table.
    Removed(TableId, u64),
    /// Whatever lies below in the log is in the table's files.
    Replay(TableId, Position),
    /// Whatever lies below in the log, or was written at or before this time in microseconds, is gone.
    Truncated(TableId, Position, i64),
    /// Segments below are not needed.
    LogStart(u64),
    /// The next file gets this id or a larger one.
    NextFile(u64),
    /// Tables came and went as the metadata log had it at this epoch.
    Epoch(u64),
}

/// What a header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The format's version.
    pub version: u32,
    /// The file's generation.
    pub generation: u64,
}

/// What the manifest knows of an SSTable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct File {
    /// Its id.
    pub id: u64,
    /// Its length in bytes.
    pub len: u64,
    /// The checksum in its footer.
    pub footer_checksum: u32,
    /// Where its compaction strategy has put it; 0 for what was flushed.
    pub level: u32,
}

/// A manifest's header.
pub fn header(generation: u64) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[..8].copy_from_slice(&MAGIC);
    header[8..12].copy_from_slice(&VERSION.to_le_bytes());
    header[16..24].copy_from_slice(&generation.to_le_bytes());
    let checksum = crc32(&header[..HEADER_CHECKSUM_AT]);
    header[HEADER_CHECKSUM_AT..].copy_from_slice(&checksum.to_le_bytes());
    header
}

/// The header of the manifest that begins with `bytes`.
pub fn decode_header(bytes: &[u8]) -> Result<Header, &'static str> {
    let Some(header) = bytes.first_chunk::<HEADER_BYTES>() else {
        return Err("file shorter than its header");
    };
    let mut reader = Reader::new(header);
    let mut read = || -> Result<_, Error> {
        let magic = reader.fixed::<8>()?;
        let version = reader.u32_le()?;
        reader.skip(4)?;
        let generation = reader.u64_le()?;
        reader.skip(4)?;
        Ok((magic, version, generation, reader.u32_le()?))
    };
    let (magic, version, generation, checksum) = read().map_err(|error| error.what)?;
    if magic != MAGIC {
        return Err("not a manifest");
    }
    if checksum != crc32(&header[..HEADER_CHECKSUM_AT]) {
        return Err("header checksum");
    }
    if !(VERSION_MIN..=VERSION).contains(&version) {
        return Err("a version of the format that this program does not know");
    }
    Ok(Header {
        version,
        generation,
    })
}

/// A slot that says that the records up to `len` were synced.
pub fn slot(generation: u64, len: u64) -> [u8; SLOT_BYTES] {
    let mut slot = [0; SLOT_BYTES];
    slot[..8].copy_from_slice(&len.to_le_bytes());
    let checksum = crc32_salted(generation, &slot[..8]);
    slot[8..].copy_from_slice(&checksum.to_le_bytes());
    slot
}

/// What a slot of the manifest whose bytes are `file` says; none if it is not valid.
pub fn decode_slot(generation: u64, file: &[u8], slot: usize) -> Option<u64> {
    let bytes = file
        .get(SLOTS[slot] as usize..)?
        .first_chunk::<SLOT_BYTES>()?;
    let mut reader = Reader::new(bytes);
    let len = reader.u64_le().ok()?;
    (reader.u32_le().ok()? == crc32_salted(generation, &bytes[..8])).then_some(len)
}

/// Appends a record of these edits.
pub fn encode_record(generation: u64, edits: &[Edit], out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&[0; RECORD_HEADER_BYTES]);
    edits.iter().for_each(|edit| encode_edit(edit, out));
    let body = start + RECORD_HEADER_BYTES;
    let length = ((out.len() - body) as u32).to_le_bytes();
    let checksum = record_checksum(generation, length, &out[body..]);
    out[start..start + 4].copy_from_slice(&length);
    out[start + 4..body].copy_from_slice(&checksum.to_le_bytes());
}

fn record_checksum(generation: u64, length: [u8; 4], body: &[u8]) -> u32 {
    Crc32::with_salt(generation)
        .update(&length)
        .update(body)
        .finish()
}

/// The edits of the record that `reader` stands at.
pub fn decode_record(generation: u64, reader: &mut Reader<'_>) -> Result<Vec<Edit>, Error> {
    let start = reader.clone();
    let length = reader.fixed::<4>()?;
    let checksum = reader.u32_le()?;
    let bytes = u32::from_le_bytes(length) as usize;
    if bytes > RECORD_BYTES_MAX {
        return Err(start.error("record longer than any"));
    }
    let mut body = reader.slice(bytes)?;
    if checksum != record_checksum(generation, length, body.peek()) {
        return Err(start.error("record checksum"));
    }
    let mut edits = Vec::new();
    while !body.is_empty() {
        edits.push(decode_edit(&mut body)?);
    }
    Ok(edits)
}

fn encode_edit(edit: &Edit, out: &mut Vec<u8>) {
    let mut tag = |tag, table: &TableId| {
        out.push(tag);
        out.extend_from_slice(table.0.as_bytes());
    };
    match edit {
        Edit::Table(table) => tag(1, table),
        Edit::Dropped(table, position) => {
            tag(2, table);
            put_varint(out, position.0);
        }
        Edit::Forgotten(table) => tag(3, table),
        Edit::Added(table, file) => {
            tag(11, table);
            let mut fields = Vec::with_capacity(24);
            put_varint(&mut fields, file.id);
            put_varint(&mut fields, file.len);
            fields.extend_from_slice(&file.footer_checksum.to_le_bytes());
            put_varint(&mut fields, u64::from(file.level));
            put_varint(out, fields.len() as u64);
            out.extend_from_slice(&fields);
        }
        Edit::Removed(table, id) => {
            tag(5, table);
            put_varint(out, *id);
        }
        Edit::Replay(table, position) => {
            tag(6, table);
            put_varint(out, position.0);
        }
        Edit::Truncated(table, position, at_micros) => {
            tag(7, table);
            put_varint(out, position.0);
            put_signed_varint(out, *at_micros);
        }
        Edit::LogStart(segment) => {
            out.push(8);
            put_varint(out, *segment);
        }
        Edit::NextFile(id) => {
            out.push(9);
            put_varint(out, *id);
        }
        Edit::Epoch(epoch) => {
            out.push(10);
            put_varint(out, *epoch);
        }
    }
}

fn decode_edit(reader: &mut Reader<'_>) -> Result<Edit, Error> {
    let start = reader.clone();
    let tag = reader.u8()?;
    let table = match tag {
        1..=7 | 11 => TableId(Uuid::from_bytes(reader.fixed()?)),
        _ => TableId(Uuid::nil()),
    };
    Ok(match tag {
        1 => Edit::Table(table),
        2 => Edit::Dropped(table, Position(reader.varint()?)),
        3 => Edit::Forgotten(table),
        4 => {
            let file = decode_file(reader)?;
            Edit::Added(table, file)
        }
        5 => Edit::Removed(table, reader.varint()?),
        6 => Edit::Replay(table, Position(reader.varint()?)),
        7 => Edit::Truncated(table, Position(reader.varint()?), reader.signed_varint()?),
        8 => Edit::LogStart(reader.varint()?),
        9 => Edit::NextFile(reader.varint()?),
        10 => Edit::Epoch(reader.varint()?),
        11 => {
            let mut fields = Reader::at(reader.varint_bytes()?, start.position());
            let mut file = decode_file(&mut fields)?;
            let level = fields.varint()?;
            file.level = u32::try_from(level).map_err(|_| start.error("level of a file"))?;
            Edit::Added(table, file)
        }
        _ => return Err(start.error("unknown edit")),
    })
}

/// What both edits that make a file live begin with.
fn decode_file(reader: &mut Reader<'_>) -> Result<File, Error> {
    Ok(File {
        id: reader.varint()?,
        len: reader.varint()?,
        footer_checksum: reader.u32_le()?,
        level: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edits() -> Vec<Edit> {
        let table = TableId(Uuid::from_u128(7));
        let file = File {
            id: 300,
            len: 1 << 40,
            footer_checksum: 0xdead_beef,
            level: 3,
        };
        vec![
            Edit::Table(table),
            Edit::Dropped(table, Position::new(3, 40)),
            Edit::Forgotten(table),
            Edit::Added(table, file),
            Edit::Removed(table, 300),
            Edit::Replay(table, Position::new(9, 1)),
            Edit::Truncated(table, Position::new(9, 2), -5),
            Edit::LogStart(8),
            Edit::NextFile(301),
            Edit::Epoch(12),
        ]
    }

    #[test]
    fn records_are_read_back() {
        let mut bytes = Vec::new();
        encode_record(5, &edits(), &mut bytes);
        encode_record(5, &[], &mut bytes);
        let mut reader = Reader::new(&bytes);
        assert_eq!(decode_record(5, &mut reader), Ok(edits()));
        assert_eq!(decode_record(5, &mut reader), Ok(vec![]));
        assert!(reader.is_empty());
        assert!(
            decode_record(6, &mut Reader::new(&bytes)).is_err(),
            "another generation"
        );
    }

    #[test]
    fn a_file_may_have_more_fields_some_day() {
        let mut record = Vec::new();
        encode_edit(&edits()[3], &mut record);
        let length_at = 1 + 16;
        record[length_at] += 2;
        record.extend([7, 7]);
        let mut reader = Reader::new(&record);
        assert_eq!(decode_edit(&mut reader), Ok(edits()[3].clone()));
        assert!(reader.is_empty());
    }

    #[test]
    fn every_flipped_bit_is_seen() {
        let mut bytes = Vec::new();
        encode_record(5, &edits(), &mut bytes);
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(
                decode_record(5, &mut Reader::new(&damaged)).is_err(),
                "bit {bit}"
            );
        }
        let header = header(5);
        let expected = Header {
            version: VERSION,
            generation: 5,
        };
        assert_eq!(decode_header(&header), Ok(expected));
        for bit in 0..header.len() * 8 {
            let mut damaged = header;
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(decode_header(&damaged).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn slots_are_read_back() {
        let mut file = vec![0; RECORDS_AT as usize];
        file[4096..4096 + SLOT_BYTES].copy_from_slice(&slot(5, 12_288));
        assert_eq!(decode_slot(5, &file, 0), Some(12_288));
        assert_eq!(decode_slot(5, &file, 1), None);
        assert_eq!(decode_slot(6, &file, 0), None);
    }
}
