//! What a reader copied out of a memtable under one hold of a lock.
//!
//! Partitions, rows and range tombstones one behind the other, as a stream gives them; the bytes lie in one buffer
//! that is kept from hold to hold.

use base::limits::KEPT_BUFFER_BYTES;
use model::key::RangeTombstoneRef;
use model::stream::{Partition, Row};
use model::{Deletion, PartitionKeyRef};
use types::Token;

/// A part of the buffer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    start: u32,
    end: u32,
}

/// One thing that was copied.
#[derive(Debug, Clone, Copy)]
pub(super) enum Item {
    Partition {
        token: Token,
        key: Part,
        deletion: Option<Deletion>,
        static_row: Option<Part>,
    },
    Row {
        clustering: Part,
        image: Part,
    },
    RangeTombstone {
        start: Part,
        end: Part,
        deletion: Deletion,
    },
    PartitionEnd,
}

/// The items.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    pub(super) bytes: Vec<u8>,
    items: Vec<Item>,
    rows: usize,
    /// Slices that were looked for.
    seeks: usize,
    /// A partition had changed when a hold went on in it.
    is_disturbed: bool,
}

impl Chunk {
    /// Forgets everything but the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.items.clear();
        self.rows = 0;
        self.seeks = 0;
        self.is_disturbed = false;
    }

    /// Forgets everything but a little memory.
    pub fn release(&mut self) {
        self.clear();
        self.bytes.shrink_to(KEPT_BUFFER_BYTES);
        self.items.shrink_to(KEPT_BUFFER_BYTES / size_of::<Item>());
    }

    /// Whether a partition changed between the holds that filled the chunk.
    pub(super) fn is_disturbed(&self) -> bool {
        self.is_disturbed
    }

    pub(super) fn disturb(&mut self) {
        self.is_disturbed = true;
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn seek(&mut self) {
        self.seeks += 1;
    }

    /// Slices that were looked for beyond the rows found: work that no row is charged for.
    pub fn fruitless_seeks(&self) -> usize {
        self.seeks.saturating_sub(self.rows)
    }

    pub fn byte_count(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(super) fn item(&self, index: usize) -> Option<Item> {
        self.items.get(index).copied()
    }

    pub(super) fn put(&mut self, bytes: &[u8]) -> Part {
        let start = self.bytes.len() as u32;
        self.bytes.extend_from_slice(bytes);
        Part {
            start,
            end: self.bytes.len() as u32,
        }
    }

    /// What was appended to the buffer since it had `start` bytes.
    pub(super) fn since(&self, start: usize) -> Part {
        Part {
            start: start as u32,
            end: self.bytes.len() as u32,
        }
    }

    pub(super) fn push(&mut self, item: Item) {
        // A tombstone costs a hold as much as a row.
        self.rows += usize::from(matches!(
            item,
            Item::Row { .. } | Item::RangeTombstone { .. }
        ));
        self.items.push(item);
    }

    pub(super) fn get(&self, part: Part) -> &[u8] {
        &self.bytes[part.start as usize..part.end as usize]
    }

    pub(super) fn partition(&self, item: Option<Item>) -> Partition<'_> {
        match item {
            Some(Item::Partition {
                token,
                key,
                deletion,
                static_row,
            }) => Partition {
                key: PartitionKeyRef {
                    token,
                    bytes: self.get(key),
                },
                deletion,
                static_row: static_row.map(|part| self.get(part)),
            },
            _ => Partition::NONE,
        }
    }

    pub(super) fn row(&self, item: Option<Item>) -> Row<'_> {
        match item {
            Some(Item::Row { clustering, image }) => Row {
                clustering: self.get(clustering),
                image: self.get(image),
            },
            _ => Row::NONE,
        }
    }

    pub(super) fn range_tombstone(&self, item: Option<Item>) -> RangeTombstoneRef<'_> {
        match item {
            Some(Item::RangeTombstone {
                start,
                end,
                deletion,
            }) => RangeTombstoneRef {
                start: self.get(start),
                end: self.get(end),
                deletion,
            },
            _ => RangeTombstoneRef::NONE,
        }
    }
}
