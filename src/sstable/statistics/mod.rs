//! What is known of a whole file without reading it: ranges that let a reader skip it, sums that guide compaction.
//!
//! Collected while the file is written ([`Collector`]), stored in one block before the footer ([`codec`]), in memory
//! as long as the file is open. Everything about it is a bound that holds: skipping by it is never wrong.

pub mod codec;
mod collector;
mod histogram;

use model::{ColumnId, PartitionKey, Timestamp};

pub use collector::Collector;
pub use histogram::{DropTimes, Sizes};

/// The local deletion time of what is never deleted or expired.
pub const NEVER_SECONDS: i64 = i64::MAX;

/// What is known of a whole file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statistics {
    /// The first partition.
    pub first: PartitionKey,
    /// The last partition.
    pub last: PartitionKey,
    /// How many of what there are.
    pub counts: Counts,
    /// Smallest and largest clustering key of a row, or bound of a range tombstone; `None` without either. Partition
    /// deletions and static rows lie outside of it: see their counts.
    pub clustering: Option<(Vec<u8>, Vec<u8>)>,
    /// Smallest and largest timestamp of anything.
    pub timestamps: (Timestamp, Timestamp),
    /// Smallest and largest time, in seconds, from which something is dead: a tombstone's local deletion time, the
    /// expiry of what has a TTL, [`NEVER_SECONDS`] of anything else.
    pub local_deletion_seconds: (i64, i64),
    /// The columns that have cells, ascending.
    pub columns: Vec<Column>,
    /// When tombstones were made, and when what has a TTL expires.
    pub drop_times: DropTimes,
    /// Bytes of partitions, before compression.
    pub partition_bytes: Sizes,
    /// Rows of partitions.
    pub partition_rows: Sizes,
    /// The commit log positions that the contents lie between, in the commit log's own terms.
    pub log_positions: Option<(u64, u64)>,
    /// Until when the contents are known to be repaired, in microseconds.
    pub repaired_micros: Option<i64>,
}

/// How many of what there are in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Partitions.
    pub partitions: u64,
    /// Partition deletions.
    pub partition_deletions: u64,
    /// Static rows.
    pub static_rows: u64,
    /// Rows, static ones not counted.
    pub rows: u64,
    /// Range tombstones.
    pub range_tombstones: u64,
    /// Cells, of static rows and collections too.
    pub cells: u64,
    /// Deletions of any kind: of partitions, ranges, rows, collections and cells.
    pub tombstones: u64,
    /// Data blocks.
    pub data_blocks: u64,
    /// Bytes of data blocks before compression.
    pub plain_bytes: u64,
    /// Bytes of data blocks as stored.
    pub stored_bytes: u64,
}

/// A column that has cells in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its id.
    pub id: ColumnId,
    /// Its type when the file was written, in the encoding of `types::Type`; empty if the writer was not told.
    pub column_type: Vec<u8>,
}

impl Statistics {
    /// Whether any partition of the file lies in these tokens, both included: false is certain.
    pub fn may_contain_tokens(&self, first: types::Token, last: types::Token) -> bool {
        self.first.token <= last && first <= self.last.token
    }

    /// Whether the file may say anything about clustering keys from `start` to before `end`: false is certain.
    pub fn may_contain_clustering(&self, start: &[u8], end: &[u8]) -> bool {
        if self.counts.partition_deletions > 0 || self.counts.static_rows > 0 {
            return true;
        }
        self.clustering.as_ref().is_some_and(|(smallest, largest)| {
            start <= largest.as_slice() && smallest.as_slice() < end
        })
    }
}
