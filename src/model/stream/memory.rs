//! A stream over values in memory: for tables that are computed, and for tests.

use std::collections::BTreeMap;

use base::meter::Meter;

use super::{Direction, Error, Partition, RangeTombstoneRef, Row, Step, Stream};
use crate::key::{RangeTombstone, Slice, range};
use crate::mutation::{self, Element};
use crate::read::{Command, Keys};
use crate::{Deletion, PartitionKey, PartitionKeyRef, image};

/// Partitions in memory. It is filled, then opened as a stream as often as wanted; clones of a filled one are cheap
/// enough for tests and for tables of at most some thousand rows.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    partitions: BTreeMap<PartitionKey, Content>,
}

#[derive(Debug, Clone, Default)]
struct Content {
    deletion: Option<Deletion>,
    static_row: Option<Vec<u8>>,
    rows: BTreeMap<Vec<u8>, Vec<u8>>,
    ranges: range::Set,
}

impl Memory {
    /// No partition.
    pub fn new() -> Memory {
        Memory::default()
    }

    /// Merges a mutation in, whatever its table.
    pub fn apply(&mut self, mutation: &mutation::View<'_>) {
        let key = mutation.key();
        for element in mutation.elements() {
            match element {
                Element::PartitionDeletion(deletion) => self.delete_partition(key, deletion),
                Element::Static(image) => self.static_row(key, image),
                Element::Row { clustering, image } => self.row(key, clustering, image),
                Element::RangeTombstone(range) => self.range_tombstone(key, range.to_owned()),
            }
        }
    }

    /// Deletes a partition.
    pub fn delete_partition(&mut self, key: PartitionKeyRef<'_>, deletion: Deletion) {
        let content = self.content(key);
        content.deletion = Deletion::join_option(content.deletion, Some(deletion));
    }

    /// Merges a static row in.
    pub fn static_row(&mut self, key: PartitionKeyRef<'_>, image: &[u8]) {
        let content = self.content(key);
        content.static_row = Some(match content.static_row.take() {
            None => image.to_vec(),
            Some(old) => merged(&old, image),
        });
    }

    /// Merges a row in.
    pub fn row(&mut self, key: PartitionKeyRef<'_>, clustering: &[u8], image: &[u8]) {
        let rows = &mut self.content(key).rows;
        match rows.get_mut(clustering) {
            Some(old) => *old = merged(old, image),
            None => drop(rows.insert(clustering.to_vec(), image.to_vec())),
        }
    }

    /// Deletes a range of rows.
    pub fn range_tombstone(&mut self, key: PartitionKeyRef<'_>, range: RangeTombstone) {
        self.content(key).ranges.insert(range);
    }

    /// A stream of everything.
    pub fn stream(&self, direction: Direction) -> Cursor {
        Cursor::new(self.partitions.iter(), &[Slice::all()], direction)
    }

    /// A stream of what a command reads: its keys in its order, its slices. Filter and limits are left to
    /// [`crate::read::Rows`].
    pub fn scan(&self, command: &Command) -> Cursor {
        let direction = Direction::reversed(command.reversed);
        match &command.keys {
            Keys::List(keys) => {
                let found = keys
                    .iter()
                    .filter_map(|key| self.partitions.get_key_value(key));
                Cursor::new(found, &command.slices, direction)
            }
            Keys::Range(range) => {
                let found = self
                    .partitions
                    .iter()
                    .filter(|(key, _)| range.contains(key.as_ref()));
                Cursor::new(found, &command.slices, direction)
            }
        }
    }

    fn content(&mut self, key: PartitionKeyRef<'_>) -> &mut Content {
        self.partitions.entry(key.to_owned()).or_default()
    }
}

fn merged(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(a.len().max(b.len()));
    image::merge(a, b, &mut out);
    out
}

/// A stream over what a [`Memory`] held when it was opened.
#[derive(Debug, Clone)]
pub struct Cursor {
    partitions: Vec<Listed>,
    /// The partition it is at, and the item of it that comes next; before the first partition both are 0.
    partition: usize,
    item: usize,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Between,
    Inside,
}

#[derive(Debug, Clone)]
struct Listed {
    key: PartitionKey,
    deletion: Option<Deletion>,
    static_row: Option<Vec<u8>>,
    items: Vec<Item>,
}

#[derive(Debug, Clone)]
enum Item {
    Row(Vec<u8>, Vec<u8>),
    Range(RangeTombstone),
}

impl Cursor {
    fn new<'a>(
        partitions: impl Iterator<Item = (&'a PartitionKey, &'a Content)>,
        slices: &[Slice],
        direction: Direction,
    ) -> Cursor {
        let partitions = partitions
            .map(|(key, content)| Listed::new(key, content, slices, direction))
            .collect();
        Cursor {
            partitions,
            partition: 0,
            item: 0,
            state: State::Between,
        }
    }

    fn item(&self) -> Option<&Item> {
        self.partitions
            .get(self.partition)?
            .items
            .get(self.item.checked_sub(1)?)
    }
}

impl Listed {
    fn new(
        key: &PartitionKey,
        content: &Content,
        slices: &[Slice],
        direction: Direction,
    ) -> Listed {
        let mut items = Vec::new();
        for slice in slices {
            let ranges = content.ranges.overlapping(&slice.start, &slice.end);
            items.extend(ranges.map(|range| Item::Range(range.to_owned())));
            let rows = content
                .rows
                .iter()
                .filter(|(clustering, _)| slice.contains(clustering));
            items.extend(
                rows.map(|(clustering, image)| Item::Row(clustering.clone(), image.clone())),
            );
        }
        // A range may reach into several slices. Then rows and ranges together: see the module above for the places.
        match direction {
            Direction::Forward => items.sort_by(|a, b| a.forward_place().cmp(&b.forward_place())),
            Direction::Reversed => {
                items.sort_by(|a, b| b.reversed_place().cmp(&a.reversed_place()))
            }
        }
        items.dedup_by(|a, b| matches!((a, b), (Item::Range(a), Item::Range(b)) if a == b));
        Listed {
            key: key.clone(),
            deletion: content.deletion,
            static_row: content.static_row.clone(),
            items,
        }
    }
}

impl Item {
    /// A range comes before the row at its start.
    fn forward_place(&self) -> (&[u8], u8) {
        match self {
            Item::Range(range) => (&range.start, 0),
            Item::Row(clustering, _) => (clustering, 1),
        }
    }

    /// Counted downwards, a range comes after the row at its end.
    fn reversed_place(&self) -> (&[u8], u8) {
        match self {
            Item::Range(range) => (&range.end, 0),
            Item::Row(clustering, _) => (clustering, 1),
        }
    }
}

impl Stream for Cursor {
    fn step(&mut self, _: &mut Meter) -> Result<Step, Error> {
        let Some(partition) = self.partitions.get(self.partition) else {
            return Ok(Step::End);
        };
        if self.state == State::Between {
            (self.state, self.item) = (State::Inside, 0);
            return Ok(Step::Partition);
        }
        self.item += 1;
        match partition.items.get(self.item - 1) {
            Some(Item::Row(..)) => Ok(Step::Row),
            Some(Item::Range(_)) => Ok(Step::RangeTombstone),
            None => {
                self.skip_partition();
                Ok(Step::PartitionEnd)
            }
        }
    }

    fn partition(&self) -> Partition<'_> {
        match self.partitions.get(self.partition) {
            Some(listed) => Partition {
                key: listed.key.as_ref(),
                deletion: listed.deletion,
                static_row: listed.static_row.as_deref(),
            },
            None => Partition {
                key: PartitionKeyRef::new(&[]),
                deletion: None,
                static_row: None,
            },
        }
    }

    fn row(&self) -> Row<'_> {
        match self.item() {
            Some(Item::Row(clustering, image)) => Row { clustering, image },
            _ => Row {
                clustering: &[],
                image: &[],
            },
        }
    }

    fn range_tombstone(&self) -> RangeTombstoneRef<'_> {
        match self.item() {
            Some(Item::Range(range)) => range.as_ref(),
            _ => RangeTombstoneRef {
                start: &[],
                end: &[],
                deletion: Deletion {
                    timestamp: crate::Timestamp::MIN,
                    local_seconds: 0,
                },
            },
        }
    }

    fn skip_partition(&mut self) {
        if self.state == State::Inside {
            self.partition += 1;
            (self.state, self.item) = (State::Between, 0);
        }
    }
}
