//! What keeps a row alive without any cell: the mark that INSERT leaves.

use std::cmp::Reverse;

use crate::Timestamp;

/// The mark of an INSERT.
///
/// Two marks join by a total order: the later timestamp wins; at a tie an expiring mark beats a plain one, then the later
/// expiry, then the smaller TTL. It is a cell's order without value and tombstone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Liveness {
    /// When it was written.
    pub timestamp: Timestamp,
    /// The time to live it was written with; 0: none.
    pub ttl_seconds: u32,
    /// From this second on it no longer counts; 0 without TTL.
    pub expiry_seconds: i64,
}

impl Liveness {
    /// A mark that does not expire.
    pub fn plain(timestamp: Timestamp) -> Liveness {
        Liveness {
            timestamp,
            expiry_seconds: 0,
            ttl_seconds: 0,
        }
    }

    /// A mark that expires; a TTL of 0 means that it does not.
    pub fn expiring(timestamp: Timestamp, ttl_seconds: u32, expiry_seconds: i64) -> Liveness {
        let expiry_seconds = if ttl_seconds == 0 { 0 } else { expiry_seconds };
        Liveness {
            timestamp,
            expiry_seconds,
            ttl_seconds,
        }
    }

    /// Whether it has a TTL.
    #[inline]
    pub fn expires(&self) -> bool {
        self.ttl_seconds != 0
    }

    /// Whether it keeps the row alive at `now_seconds`.
    #[inline]
    pub fn is_live(&self, now_seconds: i64) -> bool {
        self.ttl_seconds == 0 || now_seconds < self.expiry_seconds
    }

    /// The local deletion time it has once it has expired: when it was written.
    #[inline]
    pub fn local_seconds(&self) -> i64 {
        self.expiry_seconds
            .saturating_sub(i64::from(self.ttl_seconds))
    }

    fn rank(&self) -> (Timestamp, bool, i64, Reverse<u32>) {
        (
            self.timestamp,
            self.expires(),
            self.expiry_seconds,
            Reverse(self.ttl_seconds),
        )
    }

    /// The winner of two.
    #[inline]
    pub fn join(self, other: Liveness) -> Liveness {
        if self.rank() >= other.rank() {
            self
        } else {
            other
        }
    }

    /// The winner of two that may be absent.
    #[inline]
    pub fn join_option(a: Option<Liveness>, b: Option<Liveness>) -> Option<Liveness> {
        match (a, b) {
            (Some(a), Some(b)) => Some(a.join(b)),
            (a, b) => a.or(b),
        }
    }
}
