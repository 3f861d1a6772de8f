//! The memtable of choice: shards by the top bits of the token, each a B-tree and an arena under a lock.
//!
//! Shard order is token order, so a scan goes through them one by one. A mutation is applied under one hold of its
//! shard's lock; a reader copies out what fits a hold, unlocks, and comes back for more.

use std::ops::Bound;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use model::key::{KeyBytes, RangeTombstone, RangeTombstoneRef, Slice, clustering};
use model::mutation;
use model::stream::Direction;
use model::{PartitionKey, PartitionKeyRef, Timestamp};
use parking_lot::{Mutex, MutexGuard};
use types::Token;

use super::chunk::{Chunk, Item};
use super::partition::Partition;
use super::record::{self, Scratch};
use super::shard::{Found, Shard};
use super::{Applied, Hold, Memtable, Place, PointRow};
use crate::scan::{Scan, ScanKeys};

/// Slices looked for under one hold.
const SEEKS_MAX: usize = 128;

/// The memtable.
pub(crate) struct BTree {
    shards: Box<[Mutex<Shard>]>,
    /// Bits of the token that do not choose the shard.
    shift: u32,
    bytes: AtomicU64,
    rows: AtomicU64,
}

impl BTree {
    /// An empty memtable of this many shards, a power of two.
    pub fn new(shards: usize) -> BTree {
        debug_assert!(shards.is_power_of_two(), "{shards} shards");
        BTree {
            shards: (0..shards).map(|_| Mutex::default()).collect(),
            shift: 64 - shards.trailing_zeros(),
            bytes: AtomicU64::new(0),
            rows: AtomicU64::new(0),
        }
    }

    fn shard_of(&self, token: Token) -> usize {
        // Tokens are signed: flipping the top bit makes their order that of the bits.
        let bits = token.0 as u64 ^ (1 << 63);
        bits.checked_shr(self.shift).unwrap_or(0) as usize
    }
}

impl Memtable for BTree {
    fn apply(&self, mutation: &mutation::View<'_>) -> Applied {
        let key = mutation.key();
        let mut shard = self.shards[self.shard_of(key.token)].lock();
        let (bytes, rows) = (shard.bytes() as u64, shard.rows() as u64);
        shard.apply(key, mutation.elements());
        // A shard that was copied compactly may have shrunk: the difference wraps, and so does the sum.
        let more = (shard.bytes() as u64).wrapping_sub(bytes);
        let more_rows = shard.rows() as u64 - rows;
        let largest_moved = shard.largest_moved();
        drop(shard);
        self.bytes.fetch_add(more, Relaxed);
        self.rows.fetch_add(more_rows, Relaxed);
        Applied {
            grown: more,
            largest_moved,
        }
    }

    fn read(&self, place: &mut Place, scan: &Scan, hold: Hold, chunk: &mut Chunk) -> bool {
        let mut reading = Reading {
            scan,
            hold,
            chunk,
            seeks: 0,
            scratch: Scratch::default(),
        };
        if matches!(place, Place::Start) {
            let Some(first) = self.first(scan) else {
                return false;
            };
            *place = first;
        }
        while !matches!(place, Place::End) {
            let index = place
                .token()
                .map_or(self.shards.len(), |token| self.shard_of(token));
            let Some(shard) = self.shards.get(index) else {
                break;
            };
            reading.seeks = 0;
            let shard = shard.lock();
            let done = reading.shard(&shard, place);
            MutexGuard::unlock_fair(shard);
            if done == Done::Shard {
                *place = self.start_of(index + 1);
            }
            if !reading.chunk.is_empty() {
                break;
            }
        }
        !matches!(place, Place::End)
    }

    fn point(&self, key: PartitionKeyRef<'_>, clustering: Option<&[u8]>, out: &mut PointRow) {
        let shard = self.shards[self.shard_of(key.token)].lock();
        let Some(found) = shard.find(key) else { return };
        out.found();
        let arena = &shard.arena;
        let row = match (found, clustering) {
            (Found::Single { row, .. }, Some(key)) => {
                Some(row).filter(|row| record::clustering(arena, *row) == key)
            }
            (Found::Single { .. }, None) => None,
            (Found::Wide { partition, .. }, Some(key)) => {
                out.delete(partition.deletion);
                out.delete_row(partition.tombstones.covering(key));
                let (place, is_equal) = partition.rows.seek(arena, key);
                partition.rows.get(place).filter(|_| is_equal)
            }
            (Found::Wide { partition, .. }, None) => {
                out.delete(partition.deletion);
                partition.static_row
            }
        };
        if let Some(row) = row {
            let mut scratch = Scratch::default();
            out.row_with(|image| record::image_into(arena, row, image, &mut scratch));
        }
    }

    fn bytes(&self) -> u64 {
        self.bytes.load(Relaxed)
    }

    fn rows(&self) -> u64 {
        self.rows.load(Relaxed)
    }

    fn min_timestamp_of(&self, key: PartitionKeyRef<'_>) -> Timestamp {
        let shard = self.shards[self.shard_of(key.token)].lock();
        match shard.find(key) {
            Some(_) => shard.min_timestamp(),
            None => Timestamp::MAX,
        }
    }
}

impl BTree {
    fn first(&self, scan: &Scan) -> Option<Place> {
        match &scan.keys {
            ScanKeys::One(key) => Some(Place::From(key.clone())),
            ScanKeys::Range(range) => {
                let token = range.first_token();
                (token <= range.last_token()).then_some(Place::FromToken(token))
            }
        }
    }

    fn start_of(&self, shard: usize) -> Place {
        if shard >= self.shards.len() {
            return Place::End;
        }
        let bits = (shard as u64) << self.shift;
        Place::FromToken(Token((bits ^ (1 << 63)) as i64))
    }
}

/// Why a hold ended.
#[derive(Debug, PartialEq, Eq)]
enum Done {
    /// It took what it may, or all there is: the place says which.
    Hold,
    /// Nothing is left in this shard.
    Shard,
}

/// One call of a reader.
struct Reading<'a> {
    scan: &'a Scan,
    hold: Hold,
    chunk: &'a mut Chunk,
    /// Slices looked for under this hold.
    seeks: usize,
    scratch: Scratch,
}

impl Reading<'_> {
    fn is_full(&self) -> bool {
        self.chunk.rows() >= self.hold.rows || self.chunk.byte_count() >= self.hold.bytes
    }

    /// Copies from one shard, from `place` on, and moves the place.
    fn shard(&mut self, shard: &Shard, place: &mut Place) -> Done {
        if let Place::Inside { key, .. } = &*place {
            let key = key.clone();
            match shard.find(key.as_ref()) {
                Some(Found::Wide { partition, .. }) => {
                    if !self.rows(shard, partition, &key, place) {
                        return Done::Hold;
                    }
                }
                // Rows are never removed, so a partition with more to read is there and wide.
                _ => self.end(key, place),
            }
            if self.is_full() || matches!(place, Place::End) {
                return Done::Hold;
            }
        }
        let start = place.bound();
        for (token, found) in shard.from(start.as_ref().map(PartitionKey::as_ref)) {
            let key = PartitionKeyRef {
                token,
                bytes: found.key(),
            };
            if !self.scan.contains(key) {
                if self.scan.is_after(key) {
                    *place = Place::End;
                    return Done::Hold;
                }
                continue;
            }
            if !self.partition(shard, key, found, place)
                || self.is_full()
                || matches!(place, Place::End)
            {
                return Done::Hold;
            }
        }
        if matches!(self.scan.keys, ScanKeys::One(_)) {
            *place = Place::End;
            return Done::Hold;
        }
        Done::Shard
    }

    /// Copies a partition from its start. False if the hold ended inside.
    fn partition(
        &mut self,
        shard: &Shard,
        key: PartitionKeyRef<'_>,
        found: Found<'_>,
        place: &mut Place,
    ) -> bool {
        let arena = &shard.arena;
        match found {
            Found::Single { row, .. } => {
                let key_part = self.chunk.put(key.bytes);
                let token = key.token;
                self.chunk.push(Item::Partition {
                    token,
                    key: key_part,
                    deletion: None,
                    static_row: None,
                });
                let clustering = record::clustering(arena, row);
                if self
                    .scan
                    .slices_of(key)
                    .iter()
                    .any(|slice| slice.contains(clustering))
                {
                    self.row(shard, row, clustering);
                }
                self.chunk.push(Item::PartitionEnd);
                *place = Place::After(key.to_owned());
                true
            }
            Found::Wide { partition, .. } => {
                let key_part = self.chunk.put(key.bytes);
                let static_row = partition.static_row.map(|row| {
                    let start = self.chunk.bytes.len();
                    record::image_into(arena, row, &mut self.chunk.bytes, &mut self.scratch);
                    self.chunk.since(start)
                });
                let (token, deletion) = (key.token, partition.deletion);
                self.chunk.push(Item::Partition {
                    token,
                    key: key_part,
                    deletion,
                    static_row,
                });
                let key = key.to_owned();
                *place = Place::inside(key.clone(), partition.version);
                self.rows(shard, partition, &key, place)
            }
        }
    }

    fn end(&mut self, key: PartitionKey, place: &mut Place) {
        self.chunk.push(Item::PartitionEnd);
        *place = match self.scan.keys {
            ScanKeys::One(_) => Place::End,
            ScanKeys::Range(_) => Place::After(key),
        };
    }

    /// Copies rows and range tombstones from where the place says. False if the hold ended first.
    fn rows(
        &mut self,
        shard: &Shard,
        partition: &Partition,
        key: &PartitionKey,
        place: &mut Place,
    ) -> bool {
        let Place::Inside {
            reached,
            tombstone,
            version,
            ..
        } = place
        else {
            return true;
        };
        if *version != partition.version {
            self.chunk.disturb();
            *version = partition.version;
        }
        let mut walk = Walk {
            reading: self,
            shard,
            partition,
            reached,
            tombstone,
        };
        let scan = walk.reading.scan;
        let slices = walk.rest(scan.slices_of(key.as_ref()), scan.direction);
        let finished = match scan.direction {
            Direction::Forward => slices.iter().all(|slice| walk.forward(slice)),
            Direction::Reversed => slices.iter().rev().all(|slice| walk.reversed(slice)),
        };
        if finished {
            self.end(key.clone(), place);
        }
        finished
    }

    fn row(&mut self, shard: &Shard, row: super::arena::Offset, clustering: &[u8]) {
        let clustering = self.chunk.put(clustering);
        let start = self.chunk.bytes.len();
        record::image_into(&shard.arena, row, &mut self.chunk.bytes, &mut self.scratch);
        let image = self.chunk.since(start);
        self.chunk.push(Item::Row { clustering, image });
    }
}

/// Copying the rows of a wide partition.
struct Walk<'a, 'b> {
    reading: &'a mut Reading<'b>,
    shard: &'a Shard,
    partition: &'a Partition,
    /// Everything before this bound was copied; behind it, if reversed.
    reached: &'a mut Option<KeyBytes>,
    /// The last tombstone that was given.
    tombstone: &'a mut Option<RangeTombstone>,
}

impl Walk<'_, '_> {
    /// The slices that were not copied yet.
    fn rest<'s>(&self, slices: &'s [Slice], direction: Direction) -> &'s [Slice] {
        let Some(reached) = self.reached.as_deref() else {
            return slices;
        };
        match direction {
            Direction::Forward => {
                &slices[slices.partition_point(|slice| slice.end[..] <= *reached)..]
            }
            Direction::Reversed => {
                &slices[..slices.partition_point(|slice| slice.start[..] < *reached)]
            }
        }
    }

    /// Counts a slice. False if the hold has looked for as many as it may.
    fn seek(&mut self) -> bool {
        if self.reading.seeks >= SEEKS_MAX {
            return false;
        }
        self.reading.seeks += 1;
        self.reading.chunk.seek();
        true
    }

    fn forward(&mut self, slice: &Slice) -> bool {
        let start = match self.reached.as_deref() {
            Some(reached) if reached > &slice.start[..] => KeyBytes::from(reached),
            _ => slice.start.clone(),
        };
        if start[..] >= slice.end[..] {
            return true;
        }
        if !self.seek() {
            return false;
        }
        let (rows, arena) = (&self.partition.rows, &self.shard.arena);
        let mut tombstones = self
            .partition
            .tombstones
            .overlapping(&start, &slice.end)
            .peekable();
        let mut next = rows.seek(arena, &start).0;
        loop {
            let row = rows
                .get(next)
                .filter(|row| record::clustering(arena, *row) < &slice.end[..]);
            let key = row.map(|row| record::clustering(arena, row));
            while let Some(tombstone) = tombstones.next_if(|t| key.is_none_or(|key| t.start <= key))
            {
                if self.reading.is_full() {
                    *self.reached = Some(tombstone.start.max(&start[..]).into());
                    return false;
                }
                self.give(tombstone);
            }
            let (Some(row), Some(key)) = (row, key) else {
                break;
            };
            if self.reading.is_full() {
                *self.reached = Some(key.into());
                return false;
            }
            self.reading.row(self.shard, row, key);
            next = rows.next(next);
        }
        *self.reached = Some(slice.end.clone());
        true
    }

    fn reversed(&mut self, slice: &Slice) -> bool {
        let end = match self.reached.as_deref() {
            Some(reached) if reached < &slice.end[..] => KeyBytes::from(reached),
            _ => slice.end.clone(),
        };
        if slice.start[..] >= end[..] {
            return true;
        }
        if !self.seek() {
            return false;
        }
        let (rows, arena) = (&self.partition.rows, &self.shard.arena);
        let overlapping = self.partition.tombstones.overlapping(&slice.start, &end);
        let mut tombstones = overlapping.rev().peekable();
        let mut next = rows.previous(rows.seek(arena, &end).0);
        loop {
            let row = next.and_then(|place| rows.get(place));
            let row = row.filter(|row| record::clustering(arena, *row) >= &slice.start[..]);
            let key = row.map(|row| record::clustering(arena, row));
            while let Some(tombstone) = tombstones.next_if(|t| key.is_none_or(|key| t.end > key)) {
                if self.reading.is_full() {
                    *self.reached = Some(tombstone.end.min(&end[..]).into());
                    return false;
                }
                self.give(tombstone);
            }
            let (Some(row), Some(key), Some(place)) = (row, key, next) else {
                break;
            };
            if self.reading.is_full() {
                *self.reached = Some(clustering::after(key));
                return false;
            }
            self.reading.row(self.shard, row, key);
            next = rows.previous(place);
        }
        *self.reached = Some(slice.start.clone());
        true
    }

    /// Gives a tombstone, unless it was the last one given: it may reach into several holds and slices.
    fn give(&mut self, tombstone: RangeTombstoneRef<'_>) {
        if self.tombstone.as_ref().map(RangeTombstone::as_ref) == Some(tombstone) {
            return;
        }
        let chunk = &mut *self.reading.chunk;
        let (start, end) = (chunk.put(tombstone.start), chunk.put(tombstone.end));
        chunk.push(Item::RangeTombstone {
            start,
            end,
            deletion: tombstone.deletion,
        });
        *self.tombstone = Some(tombstone.to_owned());
    }
}

impl Place {
    fn inside(key: PartitionKey, version: u64) -> Place {
        Place::Inside {
            key,
            version,
            reached: None,
            tombstone: None,
        }
    }

    fn token(&self) -> Option<Token> {
        match self {
            Place::Start | Place::End => None,
            Place::FromToken(token) => Some(*token),
            Place::From(key) | Place::After(key) | Place::Inside { key, .. } => Some(key.token),
        }
    }

    /// The partition to go on with, if it does not go on inside one.
    fn bound(&self) -> Bound<PartitionKey> {
        match self {
            Place::Start | Place::End => Bound::Unbounded,
            // No key is empty, so this is below all keys of the token.
            Place::FromToken(token) => Bound::Included(PartitionKey {
                token: *token,
                bytes: KeyBytes::new(),
            }),
            Place::From(key) => Bound::Included(key.clone()),
            Place::After(key) | Place::Inside { key, .. } => Bound::Excluded(key.clone()),
        }
    }
}
