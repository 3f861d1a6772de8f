//! What QUERY and EXECUTE carry beside the statement.
//!
//! | Field | When |
//! |---|---|
//! | `[short]` consistency | always |
//! | flags, `[byte]` on v4, `[int]` on v5 | always |
//! | `[short]` n, n times `[string]` name if 0x40, `[value]` | 0x01 |
//! | `[int]` page size | 0x04 |
//! | `[bytes]` paging state | 0x08 |
//! | `[short]` serial consistency | 0x10 |
//! | `[long]` timestamp in microseconds | 0x20 |
//! | `[string]` keyspace | 0x80 |
//! | `[int]` now in seconds | 0x100, v5 |
//!
//! 0x02 asks for an answer without metadata. A page size below 0 means no paging; 0 is refused. BATCH ends with the same fields from serial
//! consistency on, so both share them here. A flag without a meaning is ignored, as Cassandra does.

use bytes::{BufMut, BytesMut};

use super::Values;
use crate::consistency::Consistency;
use crate::version::Version;
use crate::wire::{self, Malformed, Reader};

const VALUES: u32 = 0x01;
const SKIP_METADATA: u32 = 0x02;
const PAGE_SIZE: u32 = 0x04;
const PAGING_STATE: u32 = 0x08;
const SERIAL_CONSISTENCY: u32 = 0x10;
const TIMESTAMP: u32 = 0x20;
const NAMES_FOR_VALUES: u32 = 0x40;
const KEYSPACE: u32 = 0x80;
const NOW_IN_SECONDS: u32 = 0x100;

/// How to execute a statement, and with which values.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameters<'a> {
    /// How many replicas must answer.
    pub consistency: Consistency,
    /// The bound values.
    pub values: Values<'a>,
    /// Whether the client already holds the result's metadata.
    pub skip_metadata: bool,
    /// The largest number of rows in a page; no paging if absent.
    pub page_size: Option<u32>,
    /// Where the last page ended.
    pub paging_state: Option<&'a [u8]>,
    /// The level of the conditional part: SERIAL or LOCAL_SERIAL.
    pub serial_consistency: Option<Consistency>,
    /// The timestamp of the write, in microseconds.
    pub timestamp: Option<i64>,
    /// The keyspace of unqualified names (v5).
    pub keyspace: Option<&'a str>,
    /// The time to take as now (v5).
    pub now_in_seconds: Option<i32>,
}

impl<'a> Parameters<'a> {
    /// Only a consistency level: no values, no paging.
    pub fn new(consistency: Consistency) -> Parameters<'a> {
        Parameters {
            consistency,
            values: Values::empty(),
            skip_metadata: false,
            page_size: None,
            paging_state: None,
            serial_consistency: None,
            timestamp: None,
            keyspace: None,
            now_in_seconds: None,
        }
    }

    pub(super) fn decode(
        version: Version,
        reader: &mut Reader<'a>,
    ) -> Result<Parameters<'a>, Malformed> {
        let mut parameters = Parameters::new(consistency(reader)?);
        let flags = flags(version, reader)?;
        if flags & VALUES != 0 {
            parameters.values = Values::decode(flags & NAMES_FOR_VALUES != 0, reader)?;
        }
        parameters.skip_metadata = flags & SKIP_METADATA != 0;
        if flags & PAGE_SIZE != 0 {
            parameters.page_size = page_size(reader)?;
        }
        if flags & PAGING_STATE != 0 {
            parameters.paging_state = reader.bytes("the paging state")?;
        }
        let tail = Tail::decode(flags, reader)?;
        parameters.serial_consistency = tail.serial_consistency;
        parameters.timestamp = tail.timestamp;
        parameters.keyspace = tail.keyspace;
        parameters.now_in_seconds = tail.now_in_seconds;
        Ok(parameters)
    }

    pub(super) fn encode(&self, version: Version, out: &mut BytesMut) {
        let tail = self.tail(version);
        let mut flags = tail.flags();
        flags |= if self.values.is_empty() { 0 } else { VALUES };
        flags |= if self.values.are_named() && !self.values.is_empty() {
            NAMES_FOR_VALUES
        } else {
            0
        };
        flags |= if self.skip_metadata { SKIP_METADATA } else { 0 };
        flags |= if self.page_size.is_some() {
            PAGE_SIZE
        } else {
            0
        };
        flags |= if self.paging_state.is_some() {
            PAGING_STATE
        } else {
            0
        };
        out.put_u16(self.consistency.code());
        put_flags(flags, version, out);
        if !self.values.is_empty() {
            self.values.encode(out);
        }
        if let Some(rows) = self.page_size {
            out.put_i32(i32::try_from(rows).unwrap_or(i32::MAX));
        }
        if let Some(state) = self.paging_state {
            wire::put_bytes(out, Some(state));
        }
        tail.encode(out);
    }

    fn tail(&self, version: Version) -> Tail<'a> {
        Tail {
            serial_consistency: self.serial_consistency,
            timestamp: self.timestamp,
            keyspace: self.keyspace,
            now_in_seconds: self.now_in_seconds,
        }
        .as_known_in(version)
    }
}

/// The fields that a BATCH has too, from serial consistency on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Tail<'a> {
    pub serial_consistency: Option<Consistency>,
    pub timestamp: Option<i64>,
    pub keyspace: Option<&'a str>,
    pub now_in_seconds: Option<i32>,
}

impl<'a> Tail<'a> {
    pub(super) fn decode(flags: u32, reader: &mut Reader<'a>) -> Result<Tail<'a>, Malformed> {
        let serial_consistency = if flags & SERIAL_CONSISTENCY != 0 {
            Some(consistency(reader)?)
        } else {
            None
        };
        let timestamp = if flags & TIMESTAMP != 0 {
            Some(timestamp(reader)?)
        } else {
            None
        };
        let keyspace = if flags & KEYSPACE != 0 {
            Some(reader.string("the keyspace")?)
        } else {
            None
        };
        let now_in_seconds = if flags & NOW_IN_SECONDS != 0 {
            Some(reader.int("now in seconds")?)
        } else {
            None
        };
        Ok(Tail {
            serial_consistency,
            timestamp,
            keyspace,
            now_in_seconds,
        })
    }

    /// Leaves out what the version cannot say.
    pub(super) fn as_known_in(self, version: Version) -> Tail<'a> {
        match version {
            Version::V4 => Tail {
                keyspace: None,
                now_in_seconds: None,
                ..self
            },
            Version::V5 => self,
        }
    }

    pub(super) fn flags(&self) -> u32 {
        let mut flags = 0;
        flags |= if self.serial_consistency.is_some() {
            SERIAL_CONSISTENCY
        } else {
            0
        };
        flags |= if self.timestamp.is_some() {
            TIMESTAMP
        } else {
            0
        };
        flags |= if self.keyspace.is_some() { KEYSPACE } else { 0 };
        flags |= if self.now_in_seconds.is_some() {
            NOW_IN_SECONDS
        } else {
            0
        };
        flags
    }

    pub(super) fn encode(&self, out: &mut BytesMut) {
        if let Some(level) = self.serial_consistency {
            out.put_u16(level.code());
        }
        if let Some(timestamp) = self.timestamp {
            out.put_i64(timestamp);
        }
        if let Some(keyspace) = self.keyspace {
            wire::put_string(out, keyspace);
        }
        if let Some(now) = self.now_in_seconds {
            out.put_i32(now);
        }
    }
}

pub(super) fn consistency(reader: &mut Reader<'_>) -> Result<Consistency, Malformed> {
    Consistency::from_code(reader.short("the consistency level")?)
}

pub(super) fn flags(version: Version, reader: &mut Reader<'_>) -> Result<u32, Malformed> {
    match version {
        Version::V4 => Ok(u32::from(reader.byte("the flags")?)),
        Version::V5 => Ok(reader.int("the flags")? as u32),
    }
}

fn page_size(reader: &mut Reader<'_>) -> Result<Option<u32>, Malformed> {
    match reader.int("the page size")? {
        0 => Err(Malformed::new("The page size cannot be 0")),
        rows => Ok(u32::try_from(rows).ok()),
    }
}

pub(super) fn put_flags(flags: u32, version: Version, out: &mut BytesMut) {
    match version {
        Version::V4 => out.put_u8(flags as u8),
        Version::V5 => out.put_u32(flags),
    }
}

/// The smallest long is Cassandra's word for "no timestamp", so no client may send it.
fn timestamp(reader: &mut Reader<'_>) -> Result<i64, Malformed> {
    match reader.long("the timestamp")? {
        i64::MIN => Err(Malformed::new(format!(
            "Out of bound timestamp, must be in [{}, {}] (got {})",
            i64::MIN + 1,
            i64::MAX,
            i64::MIN
        ))),
        timestamp => Ok(timestamp),
    }
}
