//! The bytes of a read command, version 1.
//!
//! | part | bytes | content |
//! |---|---|---|
//! | version | 1 | [`VERSION`] |
//! | flags | 1 | bits below; the rest is zero |
//! | table | 16 | the table's id |
//! | columns | varints | 0 for all; else count plus one, then each id's distance from the one before plus one |
//! | keys | varint... | 0 and two bounds; else count plus one, then each key with its length |
//! | slices | varint... | count, then start and end of each with their lengths; disjoint, ascending |
//! | limits | 3 varints | rows, rows of each partition, bytes: each plus one, 0 for none |
//! | now | signed varint | seconds |
//! | filter | | with [`FILTER`]: [`crate::filter::format`] |
//! | position | | with [`RESUME`]: key with its length; 0, or 1 and the clustering key with its length; a varint |
//!
//! A key bound is a byte: 0 for none, 2 and the token's 8 bytes big-endian, or 4 and the key with its length; plus 1
//! if what it names is inside.

/// The version of this table.
pub const VERSION: u8 = 1;

/// Static content alone gives a row.
pub const STATICS: u8 = 0x01;
/// Largest clustering key first.
pub const REVERSED: u8 = 0x02;
/// One row per partition.
pub const DISTINCT: u8 = 0x04;
/// A filter follows.
pub const FILTER: u8 = 0x08;
/// A position follows.
pub const RESUME: u8 = 0x10;
/// All flags of this version.
pub const FLAGS: u8 = STATICS | REVERSED | DISTINCT | FILTER | RESUME;
