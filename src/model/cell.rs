//! One value of one column (or of one element of a collection), with what its merging needs.
//!
//! Two versions of a cell merge by a total order, so that the result never depends on who saw what first:
//!
//! 1. the larger timestamp;
//! 2. a tombstone beats an expiring cell, which beats a plain one;
//! 3. the later local deletion time of tombstones, the later expiry of expiring cells;
//! 4. the smaller TTL, which is the later write;
//! 5. the larger value bytes; a value that compaction dropped beats any.
//!
//! An expiring cell whose time has come reads as a tombstone, but it stays expiring in this order, and its value comes
//! last in it: so dropping the value of an expired cell before a merge or after gives the same result.

use std::cmp::{Ordering, Reverse};

use crate::Timestamp;

/// What a cell holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind<'a> {
    /// A value in CQL's serialized form.
    Value(&'a [u8]),
    /// A value with a time to live.
    Expiring {
        /// The time to live it was written with; not 0.
        ttl_seconds: u32,
        /// From this second on it is a tombstone.
        expiry_seconds: i64,
        /// `None` when compaction dropped it after the expiry.
        value: Option<&'a [u8]>,
    },
    /// A deleted value.
    Tombstone {
        /// When the coordinator deleted it: what gc_grace is counted from.
        local_seconds: i64,
    },
}

/// A cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cell<'a> {
    /// When it was written.
    pub timestamp: Timestamp,
    /// What it holds.
    pub kind: Kind<'a>,
}

impl<'a> Kind<'a> {
    /// A value with a time to live, or a plain one when that is 0.
    pub fn with_ttl(value: &'a [u8], ttl_seconds: u32, expiry_seconds: i64) -> Kind<'a> {
        match ttl_seconds {
            0 => Kind::Value(value),
            _ => Kind::Expiring {
                ttl_seconds,
                expiry_seconds,
                value: Some(value),
            },
        }
    }
}

impl<'a> Cell<'a> {
    /// The place in the order above.
    fn rank(&self) -> (Timestamp, u8, i64, Reverse<u32>, bool, &'a [u8]) {
        match self.kind {
            Kind::Value(value) => (self.timestamp, 0, 0, Reverse(0), false, value),
            Kind::Expiring {
                ttl_seconds,
                expiry_seconds,
                value,
            } => (
                self.timestamp,
                1,
                expiry_seconds,
                Reverse(ttl_seconds),
                value.is_none(),
                value.unwrap_or_default(),
            ),
            Kind::Tombstone { local_seconds } => {
                (self.timestamp, 2, local_seconds, Reverse(0), false, &[])
            }
        }
    }

    /// Compares by the order above: `Equal` only for equal cells.
    #[inline]
    pub fn compare(&self, other: &Cell<'_>) -> Ordering {
        match self.timestamp.cmp(&other.timestamp) {
            Ordering::Equal => self.rank().cmp(&other.rank()),
            unequal => unequal,
        }
    }

    /// The winner of two.
    #[inline]
    pub fn join(self, other: Cell<'a>) -> Cell<'a> {
        if self.compare(&other).is_ge() {
            self
        } else {
            other
        }
    }

    /// Whether it holds a value at `now_seconds`.
    #[inline]
    pub fn is_live(&self, now_seconds: i64) -> bool {
        self.value(now_seconds).is_some()
    }

    /// The value at `now_seconds`.
    #[inline]
    pub fn value(&self, now_seconds: i64) -> Option<&'a [u8]> {
        match self.kind {
            Kind::Value(value) => Some(value),
            Kind::Expiring {
                expiry_seconds,
                value,
                ..
            } if now_seconds < expiry_seconds => value,
            _ => None,
        }
    }

    /// Its local deletion time, if it is deleted or expired at `now_seconds`.
    pub fn deleted_seconds(&self, now_seconds: i64) -> Option<i64> {
        match self.kind {
            Kind::Tombstone { local_seconds } => Some(local_seconds),
            Kind::Expiring {
                ttl_seconds,
                expiry_seconds,
                value,
            } if value.is_none() || now_seconds >= expiry_seconds => {
                Some(expiry_seconds.saturating_sub(i64::from(ttl_seconds)))
            }
            _ => None,
        }
    }

    /// The time to live it was written with, and its expiry.
    pub fn expiry(&self) -> Option<(u32, i64)> {
        match self.kind {
            Kind::Expiring {
                ttl_seconds,
                expiry_seconds,
                ..
            } => Some((ttl_seconds, expiry_seconds)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(timestamp: i64, kind: Kind<'_>) -> Cell<'_> {
        Cell {
            timestamp: Timestamp(timestamp),
            kind,
        }
    }

    fn expiring(ttl_seconds: u32, expiry_seconds: i64, value: Option<&[u8]>) -> Kind<'_> {
        Kind::Expiring {
            ttl_seconds,
            expiry_seconds,
            value,
        }
    }

    #[test]
    fn each_rule_decides_only_what_the_ones_before_left_open() {
        let ascending = [
            at(1, Kind::Tombstone { local_seconds: 99 }),
            at(2, Kind::Value(b"")),
            at(2, Kind::Value(b"a")),
            at(2, Kind::Value(b"aa")),
            at(2, Kind::Value(b"b")),
            at(2, expiring(9, 10, Some(b"z"))),
            at(2, expiring(2, 11, Some(b"z"))),
            at(2, expiring(1, 11, Some(b"a"))),
            at(2, expiring(1, 11, Some(b"b"))),
            at(2, expiring(1, 11, None)),
            at(2, Kind::Tombstone { local_seconds: 1 }),
            at(2, Kind::Tombstone { local_seconds: 2 }),
            at(3, Kind::Value(b"")),
        ];
        for (i, a) in ascending.iter().enumerate() {
            for (j, b) in ascending.iter().enumerate() {
                assert_eq!(a.compare(b), i.cmp(&j), "{a:?} against {b:?}");
                assert_eq!(a.join(*b), b.join(*a), "{a:?} with {b:?}");
            }
        }
    }

    #[test]
    fn an_expired_cell_reads_as_a_tombstone_made_when_it_was_written() {
        let cell = at(5, expiring(60, 1060, Some(b"v")));
        assert_eq!(cell.value(1059), Some(&b"v"[..]));
        assert_eq!(cell.deleted_seconds(1059), None);
        assert_eq!(cell.value(1060), None);
        assert_eq!(cell.deleted_seconds(1060), Some(1000));
    }
}
