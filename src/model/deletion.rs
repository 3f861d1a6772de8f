//! A deletion of a row, a collection, a range or a partition.

use base::bytes::{Reader, put_signed_varint};

use crate::{Damage, Timestamp};

/// Everything at or below `timestamp` is gone.
///
/// The order is the join: the later timestamp wins, and of two deletions with one timestamp the later local time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Deletion {
    /// The last timestamp it covers.
    pub timestamp: Timestamp,
    /// When the coordinator made it, in seconds: what gc_grace is counted from.
    pub local_seconds: i64,
}

impl Deletion {
    /// Whether something written at `timestamp` is gone.
    #[inline]
    pub fn covers(&self, timestamp: Timestamp) -> bool {
        timestamp <= self.timestamp
    }

    /// The stronger of two.
    #[inline]
    pub fn join(self, other: Deletion) -> Deletion {
        self.max(other)
    }

    /// The stronger of two that may be absent.
    #[inline]
    pub fn join_option(a: Option<Deletion>, b: Option<Deletion>) -> Option<Deletion> {
        // None is below every Some.
        a.max(b)
    }

    /// Appends it: both numbers as signed varints. Images have a shorter form of their own.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put_signed_varint(out, self.timestamp.0);
        put_signed_varint(out, self.local_seconds);
    }

    /// Reads what [`Deletion::encode`] wrote.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Deletion, Damage> {
        let timestamp = Timestamp(reader.signed_varint()?);
        let local_seconds = reader.signed_varint()?;
        Ok(Deletion {
            timestamp,
            local_seconds,
        })
    }
}
