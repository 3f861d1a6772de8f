//! The two protocol versions that are spoken, and the answer to all others.
//!
//! | | v4 | v5 |
//! |---|---|---|
//! | envelopes | bare on the socket | inside checksummed segments, after READY or AUTHENTICATE |
//! | compression | of each body: lz4, snappy | of each segment: lz4 |
//! | flags of a query | one byte | four bytes, with keyspace and now |
//! | failures | a count | a map from address to reason |

use std::fmt;

use crate::error::Error;

/// A protocol version, with its number as discriminant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Version {
    /// Version 4: every driver speaks it.
    V4 = 4,
    /// Version 5: checksums, result metadata ids, keyspace per request.
    V5 = 5,
}

impl Version {
    /// The newest version; its number is also the one that refusals carry.
    pub const NEWEST: Version = Version::V5;

    /// The version of this number, if it is spoken.
    pub fn from_number(number: u8) -> Option<Version> {
        match number {
            4 => Some(Version::V4),
            5 => Some(Version::V5),
            _ => None,
        }
    }

    /// The number in the low seven bits of an envelope's first byte.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The error for a version that is not spoken. Python, Java and Node drivers match its words and try a lower version.
    pub fn unsupported(number: u8) -> Error {
        Error::Protocol(format!(
            "Invalid or unsupported protocol version ({number}); supported versions are (4/v4, 5/v5)"
        ))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{0}/v{0}", self.number())
    }
}
