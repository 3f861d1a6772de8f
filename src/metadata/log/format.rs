//! The metadata log's file, version 1.
//!
//! | Offset | Bytes | Field |
//! |---|---|---|
//! | 0 | 8 | [`MAGIC`] |
//! | 8 | 4 | version, [`VERSION`] |
//! | 12 | 8 | salt: random for each file, mixed into every checksum |
//! | 20 | 16 | host id of the node that the file belongs to |
//! | 36 | 4 | crc32 of bytes 0 to 36 |
//! | 512 | 20 | mark A: how many bytes of the file are synced (8), epoch (8), crc32 with the salt |
//! | 1024 | 20 | mark B, the same |
//! | 1536 | | records, one after the other |
//!
//! A record at position *p*, its checksums salted with salt + *p*:
//!
//! | Offset | Bytes | Field |
//! |---|---|---|
//! | 0 | 1 | kind: [`ENTRY`] or [`SNAPSHOT`] |
//! | 1 | 4 | length of the body |
//! | 5 | 8 | epoch: of the state that the entry makes, or that the snapshot is |
//! | 13 | 16 | request id: random, so that a repeated proposal is recognised; zero for a snapshot |
//! | 29 | 4 | crc32 of bytes 0 to 29 |
//! | 33 | | body: a transformation, or a state |
//! | 33 + length | 4 | crc32 of the body |
//!
//! Numbers are little-endian. A file begins with a snapshot or with the entry of epoch 1; then each record is an entry
//! of the next epoch.
//!
//! A record is synced before anyone hears of it, then a mark says so: the marks are written in turn, so a torn one
//! leaves the other. Hence bad bytes below the higher mark are damage, and the log is refused with the offset. At or
//! above it they are the tail of a write that nobody was told of, and are cut.

use base::bytes::{Error as Damage, Reader};
use base::checksum::crc32_salted;
use uuid::Uuid;

use crate::Epoch;

/// The first bytes of the file.
pub const MAGIC: &[u8; 8] = b"HELMETA\0";
/// The version written.
pub const VERSION: u32 = 1;
/// The kind of a record that holds a transformation.
pub const ENTRY: u8 = 1;
/// The kind of a record that holds a state.
pub const SNAPSHOT: u8 = 2;

/// Where the marks are: a sector each, so that writing one cannot hurt the other.
pub const MARK_OFFSETS: [u64; 2] = [512, 1024];
/// Where the first record is.
pub const RECORDS_OFFSET: u64 = 1536;
/// The bytes of a record before its body.
pub const RECORD_HEAD_BYTES: usize = 33;
/// The bytes of a record after its body.
pub const RECORD_TAIL_BYTES: usize = 4;

/// How a file begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Mixed into every checksum.
    pub salt: u64,
    /// The node that the file belongs to.
    pub host_id: Uuid,
}

/// How far the file is synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// How many bytes of the file.
    pub synced_bytes: u64,
    /// The epoch of the last record in them.
    pub epoch: Epoch,
}

/// A record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// Where it begins.
    pub offset: u64,
    /// [`ENTRY`] or [`SNAPSHOT`].
    pub kind: u8,
    /// The epoch it makes or is.
    pub epoch: Epoch,
    /// What tells a repeated proposal.
    pub request: Uuid,
    /// The transformation or state.
    pub body: &'a [u8],
}

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents<'a> {
    /// How it begins.
    pub header: Header,
    /// Which of the marks is the higher one.
    pub mark_index: usize,
    /// The higher mark.
    pub mark: Mark,
    /// The records.
    pub records: Vec<Record<'a>>,
    /// Where the last record ends.
    pub end: u64,
    /// How many bytes follow that nobody was told of.
    pub tail_bytes: u64,
}

impl Header {
    /// The file up to its first record, with both marks.
    pub fn encode(&self, mark: Mark) -> Vec<u8> {
        let mut out = Vec::with_capacity(RECORDS_OFFSET as usize);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&self.salt.to_le_bytes());
        out.extend_from_slice(self.host_id.as_bytes());
        out.extend_from_slice(&base::checksum::crc32(&out).to_le_bytes());
        for offset in MARK_OFFSETS {
            out.resize(offset as usize, 0);
            out.extend_from_slice(&mark.encode(self.salt));
        }
        out.resize(RECORDS_OFFSET as usize, 0);
        out
    }

    fn decode(bytes: &[u8]) -> Result<Header, Damage> {
        let mut reader = Reader::new(bytes);
        if reader.bytes(MAGIC.len())? != MAGIC {
            return Err(Damage {
                offset: 0,
                what: "this is not a metadata log",
            });
        }
        let start = reader.clone();
        let version = reader.u32_le()?;
        let salt = reader.u64_le()?;
        let host_id = Uuid::from_bytes(reader.fixed()?);
        let covered = reader.position() as usize;
        if reader.u32_le()? != base::checksum::crc32(&bytes[..covered]) {
            return Err(Damage {
                offset: 0,
                what: "the header's checksum does not match",
            });
        }
        if version != VERSION {
            return Err(start.error("the log was written by a newer version"));
        }
        Ok(Header { salt, host_id })
    }
}

impl Mark {
    /// The mark's bytes in a file of this salt.
    pub fn encode(&self, salt: u64) -> Vec<u8> {
        let mut out = Vec::with_capacity(20);
        out.extend_from_slice(&self.synced_bytes.to_le_bytes());
        out.extend_from_slice(&self.epoch.0.to_le_bytes());
        out.extend_from_slice(&crc32_salted(salt, &out).to_le_bytes());
        out
    }

    fn decode(bytes: &[u8], offset: u64, salt: u64) -> Option<Mark> {
        let start = usize::try_from(offset).ok()?;
        let bytes = bytes.get(start..)?.get(..20)?;
        let mut reader = Reader::new(bytes);
        let mark = Mark {
            synced_bytes: reader.u64_le().ok()?,
            epoch: Epoch(reader.u64_le().ok()?),
        };
        (reader.u32_le().ok()? == crc32_salted(salt, &bytes[..16])).then_some(mark)
    }
}

/// Appends a record that will lie at `offset`.
pub fn put_record(out: &mut Vec<u8>, salt: u64, record: &Record<'_>) -> Result<(), Damage> {
    let too_long = Damage {
        offset: record.offset,
        what: "the record is too long",
    };
    let length = u32::try_from(record.body.len()).map_err(|_| too_long)?;
    let start = out.len();
    let salt = salt.wrapping_add(record.offset);
    out.push(record.kind);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&record.epoch.0.to_le_bytes());
    out.extend_from_slice(record.request.as_bytes());
    out.extend_from_slice(&crc32_salted(salt, &out[start..]).to_le_bytes());
    out.extend_from_slice(record.body);
    out.extend_from_slice(&crc32_salted(salt, record.body).to_le_bytes());
    Ok(())
}

/// The record at the start of `reader`.
fn record<'a>(reader: &mut Reader<'a>, salt: u64) -> Result<Record<'a>, Damage> {
    let start = reader.clone();
    let offset = reader.position();
    let salt = salt.wrapping_add(offset);
    let covered = reader.peek();
    let kind = reader.u8()?;
    let length = reader.u32_le()? as usize;
    let epoch = Epoch(reader.u64_le()?);
    let request = Uuid::from_bytes(reader.fixed()?);
    let head = covered.get(..RECORD_HEAD_BYTES - 4).unwrap_or_default();
    if reader.u32_le()? != crc32_salted(salt, head) {
        return Err(start.error("the checksum of a record's head does not match"));
    }
    let body = reader.bytes(length)?;
    if reader.u32_le()? != crc32_salted(salt, body) {
        return Err(start.error("the checksum of a record's body does not match"));
    }
    if kind != ENTRY && kind != SNAPSHOT {
        return Err(start.error("a record of unknown kind: the log was written by a newer version"));
    }
    Ok(Record {
        offset,
        kind,
        epoch,
        request,
        body,
    })
}

/// Reads a whole file. An error names the offset of the damage.
pub fn read(bytes: &[u8]) -> Result<Contents<'_>, Damage> {
    let header = Header::decode(bytes)?;
    let marks = MARK_OFFSETS.map(|offset| Mark::decode(bytes, offset, header.salt));
    let best = marks
        .iter()
        .enumerate()
        .filter_map(|(index, mark)| Some((index, (*mark)?)));
    let Some((mark_index, mark)) = best.max_by_key(|(_, mark)| mark.synced_bytes) else {
        return Err(Damage {
            offset: MARK_OFFSETS[0],
            what: "both marks of what is synced are damaged",
        });
    };
    let length = bytes.len() as u64;
    if mark.synced_bytes > length || length < RECORDS_OFFSET {
        return Err(Damage {
            offset: length,
            what: "the file ends before what was synced",
        });
    }
    let mut reader = Reader::at(&bytes[RECORDS_OFFSET as usize..], RECORDS_OFFSET);
    let mut records: Vec<Record<'_>> = Vec::new();
    let mut end = RECORDS_OFFSET;
    while !reader.is_empty() {
        let start = reader.clone();
        let found = record(&mut reader, header.salt);
        match found {
            Ok(record) => {
                check_order(records.last(), &record).map_err(|what| start.error(what))?;
                records.push(record);
                end = reader.position();
            }
            Err(damage) if end < mark.synced_bytes => return Err(damage),
            Err(_) => break,
        }
    }
    Ok(Contents {
        header,
        mark_index,
        mark,
        records,
        end,
        tail_bytes: length - end,
    })
}

fn check_order(last: Option<&Record<'_>>, record: &Record<'_>) -> Result<(), &'static str> {
    match last {
        None if record.kind == SNAPSHOT || record.epoch == Epoch(1) => Ok(()),
        None => Err("the first record is neither a snapshot nor the first entry"),
        Some(last) if record.kind == ENTRY && record.epoch == last.epoch.next() => Ok(()),
        Some(_) => Err("a record does not follow the one before it"),
    }
}
