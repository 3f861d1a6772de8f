//! The bytes of a mutation, version 1.
//!
//! | part | bytes | content |
//! |---|---|---|
//! | version | 1 | [`VERSION`] |
//! | table | 16 | the table's id |
//! | token | 8 | the key's token, big-endian, so that applying does not hash again |
//! | key | varint, bytes | the partition key |
//! | elements | to the end | each a tag and its content |
//!
//! | tag | content |
//! |---|---|
//! | 1 [`PARTITION_DELETION`] | timestamp, local deletion time (signed varints) |
//! | 2 [`STATIC`] | length of the image, image |
//! | 3 [`ROW`] | length of the clustering key, key, length of the image, image |
//! | 4 [`RANGE_TOMBSTONE`] | start and end, each with its length; timestamp, local deletion time (signed varints) |
//!
//! The deletion comes first, then the static row, each at most once; then rows and range tombstones, ascending as the
//! writer gave them. A clustering key may come more than once: applying merges. The container knows the length.

/// The version of this table.
pub const VERSION: u8 = 1;
/// Where the table's id lies.
pub const TABLE: std::ops::Range<usize> = 1..1 + 16;
/// The id that no table has. A mutation of it counts for nothing: its table was dropped while it was on its way.
pub const NO_TABLE: [u8; 16] = [0; 16];
/// Bytes before the key's length.
pub const FIXED_BYTES: usize = TABLE.end + 8;

/// Deletes the partition.
pub const PARTITION_DELETION: u8 = 1;
/// Static columns.
pub const STATIC: u8 = 2;
/// A row.
pub const ROW: u8 = 3;
/// Deletes a range of rows.
pub const RANGE_TOMBSTONE: u8 = 4;
