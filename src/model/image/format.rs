//! The bytes of a row image, version 0, and their decoders.
//!
//! | part | bytes | content |
//! |---|---|---|
//! | flags | 1 | bits below; the rest, with the version in the top three bits, is zero |
//! | base | 8 | the smallest timestamp in the image, microseconds, little-endian; 0 in an empty image |
//! | row timestamp | varint | distance from base; present with [`LIVENESS`] or [`ONE_TIMESTAMP`] |
//! | liveness | varint, signed varint | TTL (not 0) and expiry in seconds; present with [`EXPIRES`] |
//! | deletion | varint, signed varint | distance from base, local deletion time in seconds; present with [`DELETION`] |
//! | columns | to the end | ascending by id, each as below |
//!
//! The row timestamp is the liveness's. With [`ONE_TIMESTAMP`] it is that of every cell too, and no cell has one of its
//! own: set when there are cells, they all have one timestamp, and it is the liveness's, or there is no liveness but
//! more than one cell. So the bit is set exactly when it saves bytes.
//!
//! A column begins with one varint: eight times the id's distance (from the id before plus one; the first from 0),
//! plus a code.
//!
//! | code | follows |
//! |---|---|
//! | 0 [`VALUE`] | \[timestamp], length, value |
//! | 1 [`EXPIRING`] | \[timestamp], TTL (not 0), expiry (signed), length, value |
//! | 2 [`EXPIRED`] | \[timestamp], TTL (not 0), expiry (signed): compaction dropped the value |
//! | 3 [`TOMBSTONE`] | \[timestamp], local deletion time (signed) |
//! | 4 [`COMPLEX`] | count, byte length, elements |
//! | 5 [`COMPLEX_DELETED`] | deletion (distance from base, local time), count, byte length, elements |
//!
//! An element begins with four times the length of its path, plus a code from 0 to 3; then the path, then as above.
//! Paths ascend as bytes. A path is a set's element or a map's key in CQL's serialized form, a user-defined type's
//! field number in two bytes, or a list element's place ([`crate::image::list_path`]).
//!
//! All varints are minimal. Timestamps are distances from base. The byte length of a complex column lets a reader
//! skip it. A container of images (frame, memtable, file) names the version.

use base::bytes::Reader;

use crate::cell::Kind;
use crate::{Cell, Damage, Deletion, Liveness, Timestamp};

/// The row has a liveness.
pub const LIVENESS: u8 = 0x01;
/// The liveness has a TTL.
pub const EXPIRES: u8 = 0x02;
/// The row has a deletion.
pub const DELETION: u8 = 0x04;
/// All cells have the row timestamp.
pub const ONE_TIMESTAMP: u8 = 0x08;
/// All flags of this version.
pub const FLAGS: u8 = LIVENESS | EXPIRES | DELETION | ONE_TIMESTAMP;

/// A plain value.
pub const VALUE: u8 = 0;
/// A value with a time to live.
pub const EXPIRING: u8 = 1;
/// An expired cell without its value.
pub const EXPIRED: u8 = 2;
/// A deleted value.
pub const TOMBSTONE: u8 = 3;
/// A column with elements and no deletion.
pub const COMPLEX: u8 = 4;
/// A column with a deletion and perhaps elements.
pub const COMPLEX_DELETED: u8 = 5;

/// Bits of a column's first varint that hold its code.
pub const COLUMN_CODE_BITS: u32 = 3;
/// Bits of an element's first varint that hold its code.
pub const ELEMENT_CODE_BITS: u32 = 2;

/// Flags and base: the length of an empty image.
pub const EMPTY_BYTES: usize = 9;

/// Everything before the columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The smallest timestamp.
    pub base: i64,
    /// The timestamp of all cells, if they have one.
    pub one: Option<Timestamp>,
    /// The row's liveness.
    pub liveness: Option<Liveness>,
    /// The row's deletion.
    pub deletion: Option<Deletion>,
}

/// Reads the part before the columns.
pub fn head(reader: &mut Reader<'_>) -> Result<Head, Damage> {
    let start = reader.clone();
    let flags = reader.u8()?;
    if flags & !FLAGS != 0 {
        return Err(start.error("unknown row image version or flag"));
    }
    if flags & (LIVENESS | EXPIRES) == EXPIRES {
        return Err(start.error("expiry of a row without liveness"));
    }
    let base = reader.u64_le()? as i64;
    let mut head = Head {
        base,
        one: None,
        liveness: None,
        deletion: None,
    };
    if flags & (LIVENESS | ONE_TIMESTAMP) != 0 {
        let row = timestamp(reader, base)?;
        head.one = (flags & ONE_TIMESTAMP != 0).then_some(row);
        head.liveness = (flags & LIVENESS != 0).then_some(Liveness::plain(row));
    }
    if let Some(liveness) = &mut head.liveness
        && flags & EXPIRES != 0
    {
        (liveness.ttl_seconds, liveness.expiry_seconds) = expiry(reader)?;
    }
    if flags & DELETION != 0 {
        head.deletion = Some(deletion(reader, base)?);
    }
    Ok(head)
}

/// Reads a timestamp as its distance from `base`.
#[inline]
pub fn timestamp(reader: &mut Reader<'_>, base: i64) -> Result<Timestamp, Damage> {
    let distance = reader.varint()?;
    match base.checked_add_unsigned(distance) {
        Some(timestamp) => Ok(Timestamp(timestamp)),
        None => Err(reader.error("timestamp beyond 64 bits")),
    }
}

/// Reads a deletion.
pub fn deletion(reader: &mut Reader<'_>, base: i64) -> Result<Deletion, Damage> {
    let timestamp = timestamp(reader, base)?;
    Ok(Deletion {
        timestamp,
        local_seconds: reader.signed_varint()?,
    })
}

fn expiry(reader: &mut Reader<'_>) -> Result<(u32, i64), Damage> {
    let start = reader.clone();
    let ttl_seconds = match u32::try_from(reader.varint()?) {
        Ok(ttl) if ttl > 0 => ttl,
        _ => return Err(start.error("TTL of 0 or beyond 32 bits")),
    };
    Ok((ttl_seconds, reader.signed_varint()?))
}

/// Reads a cell after its first varint, which held `code`.
#[inline]
pub fn cell<'a>(reader: &mut Reader<'a>, code: u8, head: &Head) -> Result<Cell<'a>, Damage> {
    let timestamp = match head.one {
        Some(one) => one,
        None => timestamp(reader, head.base)?,
    };
    let kind = match code {
        VALUE => Kind::Value(reader.varint_bytes()?),
        EXPIRING | EXPIRED => {
            let (ttl_seconds, expiry_seconds) = expiry(reader)?;
            let value = if code == EXPIRING {
                Some(reader.varint_bytes()?)
            } else {
                None
            };
            Kind::Expiring {
                ttl_seconds,
                expiry_seconds,
                value,
            }
        }
        TOMBSTONE => Kind::Tombstone {
            local_seconds: reader.signed_varint()?,
        },
        _ => return Err(reader.error("unknown kind of cell")),
    };
    Ok(Cell { timestamp, kind })
}

/// The code of a cell's kind.
#[inline]
pub fn code(kind: &Kind<'_>) -> u8 {
    match kind {
        Kind::Value(_) => VALUE,
        Kind::Expiring { value: Some(_), .. } => EXPIRING,
        Kind::Expiring { value: None, .. } => EXPIRED,
        Kind::Tombstone { .. } => TOMBSTONE,
    }
}
