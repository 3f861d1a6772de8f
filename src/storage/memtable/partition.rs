//! A partition with more than one row, a static row, or a deletion; and writing to it.
//!
//! Its rows lie in its shard's arena, as do its key and those of partitions of one row: a length of four bytes, the key,
//! and, where there is only one, the row behind it.

use model::image;
use model::key::range;
use model::mutation::Element;
use model::{Deletion, Timestamp};

use super::arena::{Arena, Offset};
use super::record::{self, Change, Scratch};
use super::rows::Rows;

/// A range tombstone besides its two bounds, which are allocations of their own.
const TOMBSTONE_BYTES: usize = 128;
/// What precedes a partition key in the arena.
pub(super) const KEY_HEADER_BYTES: usize = 4;

/// A partition with more than one row.
#[derive(Debug)]
pub(super) struct Partition {
    /// Where its key lies, after its length.
    pub key: Offset,
    pub deletion: Option<Deletion>,
    pub static_row: Option<Offset>,
    pub rows: Rows,
    pub tombstones: range::Set,
    /// Rises with each change, so that a reader who unlocked knows whether it saw one state.
    pub version: u64,
}

/// The partition key at an offset.
pub(super) fn key_of(arena: &Arena, offset: Offset) -> &[u8] {
    arena.get(offset.plus(KEY_HEADER_BYTES), arena.u32(offset) as usize)
}

/// The row behind a partition key.
pub(super) fn row_of(arena: &Arena, offset: Offset) -> Offset {
    offset.plus(KEY_HEADER_BYTES + arena.u32(offset) as usize)
}

/// Puts a partition key, after its length.
pub(super) fn put_key(arena: &mut Arena, key: &[u8]) -> Offset {
    let (offset, out) = arena.take(KEY_HEADER_BYTES + key.len());
    out.extend_from_slice(&(key.len() as u32).to_le_bytes());
    out.extend_from_slice(key);
    offset
}

impl Partition {
    /// An empty partition of this key.
    pub fn new(arena: &mut Arena, key: &[u8]) -> Box<Partition> {
        Partition::of(put_key(arena, key), Rows::default())
    }

    /// The partition of a single row's record.
    pub fn around(arena: &Arena, key: Offset) -> Box<Partition> {
        let row = row_of(arena, key);
        let mut rows = Rows::default();
        let clustering = record::clustering(arena, row);
        let (place, _) = rows.seek(arena, clustering);
        rows.insert(place, clustering, row);
        Partition::of(key, rows)
    }

    fn of(key: Offset, rows: Rows) -> Box<Partition> {
        Box::new(Partition {
            key,
            deletion: None,
            static_row: None,
            rows,
            tombstones: range::Set::new(),
            version: 0,
        })
    }
}

/// What a partition's range tombstones take.
fn tombstone_bytes(tombstones: &range::Set) -> usize {
    tombstones.len() * TOMBSTONE_BYTES + tombstones.bound_bytes()
}

/// A partition being written to.
pub(super) struct Write<'a> {
    pub partition: &'a mut Partition,
    pub arena: &'a mut Arena,
    pub rows: &'a mut usize,
    pub outside: &'a mut usize,
    pub dead: &'a mut usize,
    pub largest_moved: &'a mut usize,
    pub min_timestamp: &'a mut i64,
    pub scratch: Scratch,
}

impl Write<'_> {
    /// Merges an element of a mutation in.
    pub fn element(&mut self, element: Element<'_>) {
        match element {
            Element::PartitionDeletion(deletion) => {
                self.note(deletion.timestamp);
                let joined = self
                    .partition
                    .deletion
                    .map_or(deletion, |old| old.join(deletion));
                self.partition.deletion = Some(joined);
            }
            Element::Static(image) => self.static_row(image),
            Element::Row { clustering, image } => self.row(clustering, image),
            Element::RangeTombstone(tombstone) => {
                self.note(tombstone.deletion.timestamp);
                let tombstones = &mut self.partition.tombstones;
                // The counted bytes may shrink: one range may take the place of many.
                *self.outside -= tombstone_bytes(tombstones);
                tombstones.insert(tombstone.to_owned());
                *self.outside += tombstone_bytes(tombstones);
            }
        }
    }

    fn note(&mut self, timestamp: Timestamp) {
        *self.min_timestamp = timestamp.0.min(*self.min_timestamp);
    }

    fn static_row(&mut self, image: &[u8]) {
        self.note(image::View::new(image).min_timestamp());
        let row = match self.partition.static_row {
            None => {
                *self.rows += 1;
                record::put(self.arena, &[], &[], image, 0)
            }
            Some(row) => self.merge(row, image),
        };
        self.partition.static_row = Some(row);
    }

    fn row(&mut self, clustering: &[u8], image: &[u8]) {
        self.note(image::View::new(image).min_timestamp());
        let (place, found) = self.partition.rows.seek(self.arena, clustering);
        match self.partition.rows.get(place).filter(|_| found) {
            Some(row) => {
                let row = self.merge(row, image);
                self.partition.rows.set(place, row);
            }
            None => {
                *self.rows += 1;
                let row = record::put(self.arena, &[], clustering, image, 0);
                self.partition.rows.insert(place, clustering, row);
            }
        }
    }

    fn merge(&mut self, row: Offset, image: &[u8]) -> Offset {
        match record::merge(self.arena, row, image, &mut self.scratch) {
            Change::Stayed => row,
            Change::Moved { row, dead, image } => {
                *self.dead += dead;
                *self.largest_moved = image.max(*self.largest_moved);
                row
            }
        }
    }

    /// Gives the buffers back.
    pub fn finish(self) -> Scratch {
        self.scratch
    }
}
