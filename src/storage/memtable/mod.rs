//! Memtables: the newest rows of each table, in memory, in order.
//!
//! - [`Memtable`] is the trait; `btree` its implementation: shards of `shard` over `partition`, `rows`, `record` and `arena`.
//! - [`Cursor`] is a stream over one: it copies out under the lock, a hold at a time, into a `chunk`.
//!
//! What always holds:
//! - A mutation of one partition is applied under one hold of a lock: readers see all of it or nothing.
//! - A hold is at most 128 rows and range tombstones, 32 KiB, or 128 slices long. If a slice of one partition of up to 1,000 rows needed several and the
//!   partition changed in between, it is read again in one hold; longer reads are isolated per hold.
//! - Nothing awaits, starts a task, or touches the disk under a shard's lock, and no reference leaves it.
//! - Rows are only ever added to, so a reader that comes back finds its place.

mod arena;
mod btree;
mod chunk;
mod cursor;
mod partition;
mod record;
mod rows;
mod shard;
#[cfg(test)]
mod tests;

use base::limits::KEPT_BUFFER_BYTES;
use model::key::{KeyBytes, RangeTombstone};
use model::{Deletion, PartitionKey, PartitionKeyRef, Timestamp, image, mutation};
use types::Token;

pub(crate) use self::btree::BTree;
pub(crate) use self::chunk::Chunk;
pub(crate) use self::cursor::Cursor;
use crate::scan::Scan;

/// The newest rows of a table.
pub(crate) trait Memtable: Send + Sync {
    /// Merges a mutation in.
    fn apply(&self, mutation: &mutation::View<'_>) -> Applied;

    /// Copies from `place` on what fits one hold, and moves the place. False when nothing is left.
    fn read(&self, place: &mut Place, scan: &Scan, hold: Hold, chunk: &mut Chunk) -> bool;

    /// Merges what it knows of one row, and of the partition around it, into `out`. Without a clustering key it is the
    /// static row.
    fn point(&self, key: PartitionKeyRef<'_>, clustering: Option<&[u8]>, out: &mut PointRow);

    /// Bytes it holds.
    fn bytes(&self) -> u64;

    /// Rows it holds.
    fn rows(&self) -> u64;

    /// A timestamp not above any that it holds for this partition; the largest if it holds nothing of it.
    fn min_timestamp_of(&self, key: PartitionKeyRef<'_>) -> Timestamp;
}

/// What a mutation did to a memtable.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Applied {
    /// By how much [`Memtable::bytes`] grew, which may wrap.
    pub grown: u64,
    /// Bytes of the largest row that it made grow beyond its place; 0 if none did.
    pub largest_moved: usize,
}

/// How much is copied under one hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hold {
    /// Rows and range tombstones.
    pub rows: usize,
    /// Bytes.
    pub bytes: usize,
}

impl Hold {
    /// The longest hold while others may wait.
    pub const LONGEST: Hold = Hold {
        rows: 128,
        bytes: 32 << 10,
    };
    /// A slice that was disturbed once.
    pub const WHOLE_SLICE: Hold = Hold {
        rows: 1000,
        bytes: 1 << 20,
    };
}

/// How far a reader has come.
#[derive(Debug, Clone, Default)]
pub(crate) enum Place {
    #[default]
    Start,
    /// At the first key of this token or above.
    FromToken(Token),
    /// At this key or above.
    From(PartitionKey),
    /// Above this key.
    After(PartitionKey),
    /// Within a partition.
    Inside {
        key: PartitionKey,
        /// The partition's version when it was read last.
        version: u64,
        /// The bound up to which it was read; down to which, if reversed.
        reached: Option<KeyBytes>,
        /// The last range tombstone given.
        tombstone: Option<RangeTombstone>,
    },
    End,
}

/// One row, gathered from several sources.
#[derive(Debug, Default)]
pub(crate) struct PointRow {
    /// Whether any source has anything of the partition.
    pub is_found: bool,
    /// The partition's deletion.
    pub deletion: Option<Deletion>,
    /// The strongest range tombstone over the row.
    pub row_deletion: Option<Deletion>,
    has_row: bool,
    row: Vec<u8>,
    /// What is merged into the row, and then the row before that.
    others: [Vec<u8>; 2],
}

impl PointRow {
    /// Forgets everything but a little memory.
    pub fn clear(&mut self) {
        (self.is_found, self.has_row) = (false, false);
        (self.deletion, self.row_deletion) = (None, None);
        for buffer in self.others.iter_mut().chain([&mut self.row]) {
            buffer.clear();
            buffer.shrink_to(KEPT_BUFFER_BYTES);
        }
    }

    /// The row's image, if any source has it.
    pub fn row(&self) -> Option<&[u8]> {
        self.has_row.then_some(&self.row[..])
    }

    pub fn found(&mut self) {
        self.is_found = true;
    }

    pub fn delete(&mut self, deletion: Option<Deletion>) {
        self.deletion = Deletion::join_option(self.deletion, deletion);
    }

    pub fn delete_row(&mut self, deletion: Option<Deletion>) {
        self.row_deletion = Deletion::join_option(self.row_deletion, deletion);
    }

    /// Merges the image that `fill` appends into the row.
    pub fn row_with(&mut self, fill: impl FnOnce(&mut Vec<u8>)) {
        if !self.has_row {
            self.row.clear();
            fill(&mut self.row);
            self.has_row = true;
            return;
        }
        let [other, merged] = &mut self.others;
        other.clear();
        fill(other);
        merged.clear();
        image::merge(&self.row, other, merged);
        std::mem::swap(&mut self.row, merged);
    }

    /// Applies what was gathered of deletions to the row.
    pub fn shadow(&mut self) {
        let deletion = Deletion::join_option(self.deletion, self.row_deletion);
        let Some(deletion) = deletion.filter(|_| self.has_row) else {
            return;
        };
        let [left, _] = &mut self.others;
        left.clear();
        self.has_row = image::shadow(&self.row, deletion, left);
        std::mem::swap(&mut self.row, left);
    }
}
