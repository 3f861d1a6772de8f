//! One shard: the partitions of a part of the ring, under one lock that its owner holds.
//!
//! A partition of one row is an offset into the arena, where partition key and row lie together. It becomes a
//! [`Partition`] of its own when it gets a second row, a static row, or a deletion; its record stays where it is.
//! Partitions whose keys have one token (which takes intent, or 2^32 keys) share an entry.

use std::collections::BTreeMap;
use std::ops::Bound;

use model::image;
use model::mutation::Element;
use model::{PartitionKeyRef, Timestamp};
use types::Token;

use super::arena::{Arena, Offset};
use super::partition::{KEY_HEADER_BYTES, Partition, Write, key_of, put_key, row_of};
use super::record::{self, Change, Scratch};

/// Besides the arena a row costs an entry in some tree.
const ROW_BYTES: usize = 24;
/// A partition with a tree of its own.
const PARTITION_BYTES: usize = size_of::<Partition>() + 64;
/// A shard with fewer dead bytes is not worth copying.
const DEAD_BYTES_MIN: usize = 1 << 20;
/// One with more bytes alive would hold everyone up for longer than half a millisecond. Its dead bytes count as used, so
/// they bring on the flush that leaves them behind.
const COPIED_BYTES_MAX: usize = 1 << 20;
/// The shard.
#[derive(Debug)]
pub(super) struct Shard {
    pub arena: Arena,
    partitions: BTreeMap<i64, Entry>,
    min_timestamp: i64,
    rows: usize,
    /// Bytes outside the arena.
    outside: usize,
    /// Bytes of the arena that nothing refers to.
    dead: usize,
    /// Bytes of the largest row that the last mutation made grow beyond its place.
    largest_moved: usize,
    scratch: Scratch,
}

/// What a token leads to.
#[derive(Debug)]
enum Entry {
    /// A partition key and the only row.
    Single(Offset),
    Wide(Box<Partition>),
    /// Several partitions, by key; none of them is another list.
    #[expect(
        clippy::box_collection,
        reason = "an entry stays at 16 bytes, and hardly any is a list"
    )]
    Shared(Box<Vec<Entry>>),
}

/// A partition as a reader finds it.
#[derive(Clone, Copy)]
pub(super) enum Found<'a> {
    Single {
        key: &'a [u8],
        row: Offset,
    },
    Wide {
        key: &'a [u8],
        partition: &'a Partition,
    },
}

impl<'a> Found<'a> {
    pub fn key(self) -> &'a [u8] {
        match self {
            Found::Single { key, .. } | Found::Wide { key, .. } => key,
        }
    }
}

impl Default for Shard {
    fn default() -> Shard {
        Shard {
            arena: Arena::default(),
            partitions: BTreeMap::new(),
            min_timestamp: i64::MAX,
            rows: 0,
            outside: 0,
            dead: 0,
            largest_moved: 0,
            scratch: Scratch::default(),
        }
    }
}

impl Entry {
    fn find<'a>(&'a self, arena: &'a Arena) -> Found<'a> {
        match self {
            Entry::Single(offset) => Found::Single {
                key: key_of(arena, *offset),
                row: row_of(arena, *offset),
            },
            Entry::Wide(partition) => Found::Wide {
                key: key_of(arena, partition.key),
                partition,
            },
            Entry::Shared(entries) => entries[0].find(arena),
        }
    }

    fn all(&self) -> &[Entry] {
        match self {
            Entry::Shared(entries) => entries,
            one => std::slice::from_ref(one),
        }
    }
}

impl Shard {
    /// Bytes that the shard holds.
    pub fn bytes(&self) -> usize {
        self.arena.allocated() + self.outside + self.rows * ROW_BYTES
    }

    /// How many rows it holds.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The smallest timestamp of anything in it.
    pub fn min_timestamp(&self) -> Timestamp {
        Timestamp(self.min_timestamp)
    }

    /// Bytes of the largest row that the last mutation made grow beyond its place; 0 if none did.
    pub fn largest_moved(&self) -> usize {
        self.largest_moved
    }

    /// Merges the elements of a mutation into the partition.
    pub fn apply<'m>(
        &mut self,
        key: PartitionKeyRef<'_>,
        mut elements: impl Iterator<Item = Element<'m>>,
    ) {
        self.largest_moved = 0;
        let Some(first) = elements.next() else { return };
        let second = elements.next();
        if let (Element::Row { clustering, image }, None) = (&first, &second)
            && self.apply_single(key, clustering, image)
        {
            return;
        }
        let scratch = std::mem::take(&mut self.scratch);
        let mut write = self.widen(key, scratch);
        write.element(first);
        second
            .into_iter()
            .chain(elements)
            .for_each(|element| write.element(element));
        self.scratch = write.finish();
        self.copy_if_dead();
    }

    /// Writes one row, if its partition is not there yet or has just this row.
    #[inline]
    fn apply_single(&mut self, key: PartitionKeyRef<'_>, clustering: &[u8], image: &[u8]) -> bool {
        let entry = match self.partitions.entry(key.token.0) {
            std::collections::btree_map::Entry::Vacant(vacant) => {
                self.scratch.prefix(key.bytes);
                let row = record::put(&mut self.arena, self.scratch.before(), clustering, image, 0);
                vacant.insert(Entry::Single(row.minus(KEY_HEADER_BYTES + key.bytes.len())));
                self.rows += 1;
                self.note(image);
                return true;
            }
            std::collections::btree_map::Entry::Occupied(occupied) => occupied.into_mut(),
        };
        let Entry::Single(offset) = entry else {
            return false;
        };
        let row = row_of(&self.arena, *offset);
        if key_of(&self.arena, *offset) != key.bytes
            || record::clustering(&self.arena, row) != clustering
        {
            return false;
        }
        self.scratch.prefix(key.bytes);
        let change = record::merge_with_key(&mut self.arena, row, image, &mut self.scratch);
        if let Change::Moved { row, dead, image } = change {
            *offset = row.minus(KEY_HEADER_BYTES + key.bytes.len());
            self.dead += dead;
            self.largest_moved = self.largest_moved.max(image);
        }
        self.note(image);
        self.copy_if_dead();
        true
    }

    fn note(&mut self, image: &[u8]) {
        self.min_timestamp = self
            .min_timestamp
            .min(image::View::new(image).min_timestamp().0);
    }

    /// The partition, as one that takes any element.
    fn widen(&mut self, key: PartitionKeyRef<'_>, scratch: Scratch) -> Write<'_> {
        let arena = &mut self.arena;
        let mut added = 0;
        let entry = self.partitions.entry(key.token.0).or_insert_with(|| {
            added = 1;
            Entry::Wide(Partition::new(arena, key.bytes))
        });
        let entry = match entry.find(arena).key() == key.bytes || matches!(entry, Entry::Shared(_))
        {
            true => entry,
            false => share(entry),
        };
        let entry = match entry {
            Entry::Shared(entries) => {
                let place = entries.binary_search_by(|e| e.find(arena).key().cmp(key.bytes));
                let place = place.unwrap_or_else(|place| {
                    added = 1;
                    entries.insert(place, Entry::Wide(Partition::new(arena, key.bytes)));
                    place
                });
                &mut entries[place]
            }
            one => one,
        };
        if let Entry::Single(offset) = *entry {
            added = 1;
            *entry = Entry::Wide(Partition::around(arena, offset));
        }
        self.outside += added * PARTITION_BYTES;
        let Entry::Wide(partition) = entry else {
            unreachable!("a single row was just made wide, and no list is in a list")
        };
        partition.version += 1;
        Write {
            partition,
            arena: &mut self.arena,
            rows: &mut self.rows,
            outside: &mut self.outside,
            dead: &mut self.dead,
            largest_moved: &mut self.largest_moved,
            min_timestamp: &mut self.min_timestamp,
            scratch,
        }
    }

    /// The partition of `key`.
    pub fn find(&self, key: PartitionKeyRef<'_>) -> Option<Found<'_>> {
        let entries = self.partitions.get(&key.token.0)?.all();
        entries
            .iter()
            .map(|entry| entry.find(&self.arena))
            .find(|found| found.key() == key.bytes)
    }

    /// The partitions from `start` on, in order.
    pub fn from(
        &self,
        start: Bound<PartitionKeyRef<'_>>,
    ) -> impl Iterator<Item = (Token, Found<'_>)> {
        let first = match start {
            Bound::Included(key) | Bound::Excluded(key) => key.token.0,
            Bound::Unbounded => i64::MIN,
        };
        self.partitions
            .range(first..)
            .flat_map(|(token, entry)| entry.all().iter().map(|entry| (Token(*token), entry)))
            .map(|(token, entry)| (token, entry.find(&self.arena)))
            .skip_while(move |(token, found)| {
                let key = PartitionKeyRef {
                    token: *token,
                    bytes: found.key(),
                };
                match start {
                    Bound::Included(start) => key < start,
                    Bound::Excluded(start) => key <= start,
                    Bound::Unbounded => false,
                }
            })
    }

    /// Copies the shard when most of its arena is dead, and the rest is soon copied.
    fn copy_if_dead(&mut self) {
        let alive = self.arena.used().saturating_sub(self.dead);
        if self.dead < DEAD_BYTES_MIN.max(alive) || alive > COPIED_BYTES_MAX {
            return;
        }
        let old = std::mem::take(&mut self.arena);
        let mut copy = Copy {
            old: &old,
            new: &mut self.arena,
            scratch: &mut self.scratch,
            image: Vec::new(),
        };
        for entry in self.partitions.values_mut() {
            copy.entry(entry);
        }
        self.dead = 0;
    }
}

/// Turns an entry into a list of one.
fn share(entry: &mut Entry) -> &mut Entry {
    let one = std::mem::replace(entry, Entry::Shared(Box::default()));
    if let Entry::Shared(entries) = entry {
        entries.push(one);
    }
    entry
}

/// Copying what is alive into a new arena.
struct Copy<'a> {
    old: &'a Arena,
    new: &'a mut Arena,
    scratch: &'a mut Scratch,
    image: Vec<u8>,
}

impl Copy<'_> {
    fn entry(&mut self, entry: &mut Entry) {
        match entry {
            Entry::Single(offset) => {
                let key = key_of(self.old, *offset);
                let before = KEY_HEADER_BYTES + key.len();
                self.scratch.prefix(key);
                let row = self.row(row_of(self.old, *offset), true);
                *offset = row.minus(before);
            }
            Entry::Wide(partition) => {
                partition.key = put_key(self.new, key_of(self.old, partition.key));
                partition.static_row = partition.static_row.map(|row| self.row(row, false));
                partition
                    .rows
                    .records_mut()
                    .for_each(|row| *row = self.row(*row, false));
            }
            Entry::Shared(entries) => entries.iter_mut().for_each(|entry| self.entry(entry)),
        }
    }

    fn row(&mut self, row: Offset, with_key: bool) -> Offset {
        self.image.clear();
        record::image_into(self.old, row, &mut self.image, self.scratch);
        let before = if with_key { self.scratch.before() } else { &[] };
        record::put(
            self.new,
            before,
            record::clustering(self.old, row),
            &self.image,
            0,
        )
    }
}
