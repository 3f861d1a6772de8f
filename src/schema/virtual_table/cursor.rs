//! A source as a stream.

use std::collections::VecDeque;
use std::sync::Arc;

use base::meter::Meter;
use model::key::{RangeTombstoneRef, Slice, clustering, partition};
use model::read::{Command, KeyRange, Keys as Wanted, Position};
use model::stream::{Error, Partition, Row, Step, Stream};
use model::{Deletion, PartitionKey, PartitionKeyRef};

use super::rows::KeyAndImage;
use super::{Keys, Rows, Source};

/// How many rows that a source offers take the time of one that is made.
const OFFERS_PER_ROW: u64 = 16;

/// The stream of a source's rows that a command asks for. Rows outside the slices are left out here; filter and limits
/// are the reader's.
pub struct Cursor {
    source: Arc<dyn Source>,
    keys: VecDeque<PartitionKey>,
    slices: Vec<Slice>,
    is_reversed: bool,
    resume: Option<Position>,
    partition: Option<Open>,
}

/// The partition that the cursor is in.
struct Open {
    key: PartitionKey,
    static_row: Option<Vec<u8>>,
    rows: Vec<KeyAndImage>,
    next: usize,
}

impl Cursor {
    /// The rows that `command` asks of `source`.
    pub fn new(source: Arc<dyn Source>, command: &Command) -> Cursor {
        let mut keys: VecDeque<PartitionKey> = match &command.keys {
            Wanted::List(keys) => keys.iter().cloned().collect(),
            Wanted::Range(range) => keys_in(&*source, range),
        };
        if let Some(position) = &command.resume {
            skip_returned(
                &mut keys,
                position,
                matches!(command.keys, Wanted::Range(_)),
            );
        }
        Cursor {
            source,
            keys,
            slices: command.slices.clone(),
            is_reversed: command.reversed,
            resume: command.resume.clone(),
            partition: None,
        }
    }

    /// The rows of `key`, if there are any.
    fn open(&self, key: PartitionKey, meter: &mut Meter) -> Option<Open> {
        let table = self.source.definition().clone();
        let count = table.partition_key.len();
        let components: Vec<&[u8]> = partition::components(&key.bytes, count).collect();
        if components.len() != count {
            return None;
        }
        let mut rows = Rows::within(table, self.wanted(&key)?);
        self.source.rows(&components, &mut rows);
        meter.charge(rows.offered() / OFFERS_PER_ROW, 0, 0);
        if rows.is_empty() {
            return None;
        }
        let (mut rows, static_row) = rows.take();
        if self.is_reversed {
            rows.reverse();
        }
        Some(Open {
            key,
            static_row,
            rows,
            next: 0,
        })
    }

    /// What is wanted of the rows of `key`: the slices, and of the partition in which the last page ended what comes
    /// after its last row. Nothing if that page ended with the partition.
    fn wanted(&self, key: &PartitionKey) -> Option<Vec<Slice>> {
        let Some(position) = self.resume.as_ref().filter(|position| position.key == *key) else {
            return Some(self.slices.clone());
        };
        let last = position.clustering.as_deref()?;
        let rest = match self.is_reversed {
            true => Slice::new(Slice::all().start, Slice::prefix(last).start),
            false => Slice::new(clustering::after(last), Slice::all().end),
        };
        let rest = self.slices.iter().map(|slice| slice.intersect(&rest));
        Some(rest.filter(|slice| !slice.is_empty()).collect())
    }

    fn current(&self) -> &Open {
        self.partition
            .as_ref()
            .expect("a stream's accessors are used within a partition")
    }
}

fn keys_in(source: &dyn Source, range: &KeyRange) -> VecDeque<PartitionKey> {
    let mut keys = Keys::default();
    source.keys(&mut keys);
    keys.into_sorted()
        .into_iter()
        .filter(|key| range.contains(key.as_ref()))
        .collect()
}

/// Drops the keys that earlier pages were done with. The key that the last page ended in may have rows left.
fn skip_returned(keys: &mut VecDeque<PartitionKey>, position: &Position, is_range: bool) {
    if is_range {
        keys.retain(|key| *key >= position.key);
    } else if let Some(index) = keys.iter().position(|key| *key == position.key) {
        keys.drain(..index);
    }
}

impl Stream for Cursor {
    fn step(&mut self, meter: &mut Meter) -> Result<Step, Error> {
        if let Some(open) = &mut self.partition {
            if meter.exhausted() {
                return Ok(Step::Yield);
            }
            if let Some((clustering, image)) = open.rows.get(open.next) {
                meter.charge(1, 0, (clustering.len() + image.len()) as u64);
                open.next += 1;
                return Ok(Step::Row);
            }
            if open.next == open.rows.len() {
                open.next += 1;
                return Ok(Step::PartitionEnd);
            }
            self.partition = None;
        }
        while let Some(key) = self.keys.pop_front() {
            if meter.exhausted() {
                self.keys.push_front(key);
                return Ok(Step::Yield);
            }
            meter.charge(1, 0, 0);
            self.partition = self.open(key, meter);
            if self.partition.is_some() {
                return Ok(Step::Partition);
            }
        }
        Ok(Step::End)
    }

    fn partition(&self) -> Partition<'_> {
        let open = self.current();
        Partition {
            key: PartitionKeyRef {
                token: open.key.token,
                bytes: &open.key.bytes,
            },
            deletion: None,
            static_row: open.static_row.as_deref(),
        }
    }

    fn row(&self) -> Row<'_> {
        let open = self.current();
        let (clustering, image) = &open.rows[open.next.saturating_sub(1)];
        Row { clustering, image }
    }

    fn range_tombstone(&self) -> RangeTombstoneRef<'_> {
        // Never asked for: the cursor gives none.
        let deletion = Deletion {
            timestamp: model::Timestamp::MIN,
            local_seconds: 0,
        };
        RangeTombstoneRef {
            start: &[],
            end: &[],
            deletion,
        }
    }

    fn skip_partition(&mut self) {
        self.partition = None;
    }
}
