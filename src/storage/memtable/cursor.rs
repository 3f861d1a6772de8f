//! A stream over one memtable.
//!
//! Each hold fills a chunk, from which the steps are answered. The first rows of a slice of one partition are gathered
//! until they are what the reader wants, and read again in one hold if the partition changed meanwhile.

use std::sync::Arc;

use base::meter::Meter;
use model::key::RangeTombstoneRef;
use model::stream::{Error, Partition, Row, Step, Stream};

use super::chunk::{Chunk, Item};
use super::{Hold, Memtable, Place};
use crate::scan::{Scan, ScanKeys};

/// The stream.
pub(crate) struct Cursor {
    memtable: Arc<dyn Memtable>,
    scan: Arc<Scan>,
    place: Place,
    more: bool,
    chunk: Chunk,
    /// The next item of the chunk.
    next: usize,
    /// The partition it is in: its item, and its bytes if the chunk that had them is gone.
    partition: Option<Item>,
    header: Chunk,
    header_kept: bool,
    skipping: bool,
}

impl Cursor {
    /// A stream of what `scan` asks for.
    pub fn new(memtable: Arc<dyn Memtable>, scan: Arc<Scan>) -> Cursor {
        Cursor {
            memtable,
            scan,
            place: Place::Start,
            more: true,
            chunk: Chunk::default(),
            next: 0,
            partition: None,
            header: Chunk::default(),
            header_kept: false,
            skipping: false,
        }
    }

    /// Fills the chunk. False if nothing is left.
    fn fill(&mut self) -> bool {
        self.keep_partition();
        self.chunk.clear();
        self.next = 0;
        if !self.more {
            return false;
        }
        let first = matches!(self.place, Place::Start);
        self.read(Hold::LONGEST.rows.min(self.scan.rows_wanted.max(1)));
        if first && matches!(self.scan.keys, ScanKeys::One(_)) {
            self.gather();
        }
        !self.chunk.is_empty()
    }

    fn read(&mut self, rows: usize) {
        let taken = Hold {
            rows: self.chunk.rows(),
            bytes: self.chunk.byte_count(),
        };
        let hold = Hold {
            rows: taken.rows + rows,
            bytes: taken.bytes + Hold::LONGEST.bytes,
        };
        self.more = self
            .memtable
            .read(&mut self.place, &self.scan, hold, &mut self.chunk);
    }

    /// Reads on until the slice is whole or long, and again from the start if it changed meanwhile.
    fn gather(&mut self) {
        let wanted = self.scan.rows_wanted.min(Hold::WHOLE_SLICE.rows);
        while self.more && self.chunk.rows() < wanted {
            self.read(Hold::LONGEST.rows.min(wanted - self.chunk.rows()));
            if self.chunk.is_disturbed() {
                self.chunk.clear();
                self.place = Place::Start;
                let hold = Hold::WHOLE_SLICE;
                self.more = self
                    .memtable
                    .read(&mut self.place, &self.scan, hold, &mut self.chunk);
                return;
            }
        }
    }

    /// Saves the partition's header before the chunk that holds it is filled anew.
    fn keep_partition(&mut self) {
        let Some(item @ Item::Partition { .. }) = self.partition else {
            return;
        };
        if self.header_kept {
            return;
        }
        let partition = self.chunk.partition(Some(item));
        self.header.clear();
        let kept = Item::Partition {
            token: partition.key.token,
            key: self.header.put(partition.key.bytes),
            deletion: partition.deletion,
            static_row: partition.static_row.map(|image| self.header.put(image)),
        };
        self.partition = Some(kept);
        self.header_kept = true;
    }

    /// Leaves the partition in the middle.
    fn jump(&mut self) {
        if let Place::Inside { key, .. } = &self.place {
            self.place = match self.scan.keys {
                ScanKeys::One(_) => Place::End,
                ScanKeys::Range(_) => Place::After(key.clone()),
            };
            self.more = !matches!(self.place, Place::End);
        }
    }
}

impl Stream for Cursor {
    fn step(&mut self, meter: &mut Meter) -> Result<Step, Error> {
        loop {
            let Some(item) = self.chunk.item(self.next) else {
                if std::mem::take(&mut self.skipping) {
                    self.jump();
                    self.partition = None;
                }
                let is_filled = self.fill();
                meter.charge(0, self.chunk.fruitless_seeks() as u64, 0);
                if !is_filled {
                    return Ok(Step::End);
                }
                continue;
            };
            self.next += 1;
            match item {
                Item::PartitionEnd => {
                    self.partition = None;
                    if !std::mem::take(&mut self.skipping) {
                        return Ok(Step::PartitionEnd);
                    }
                }
                _ if self.skipping => {}
                Item::Partition { .. } => {
                    self.partition = Some(item);
                    self.header_kept = false;
                    return Ok(Step::Partition);
                }
                Item::Row { .. } => return Ok(Step::Row),
                Item::RangeTombstone { .. } => return Ok(Step::RangeTombstone),
            }
        }
    }

    fn partition(&self) -> Partition<'_> {
        let chunk = if self.header_kept {
            &self.header
        } else {
            &self.chunk
        };
        chunk.partition(self.partition)
    }

    fn row(&self) -> Row<'_> {
        self.chunk.row(self.current())
    }

    fn range_tombstone(&self) -> RangeTombstoneRef<'_> {
        self.chunk.range_tombstone(self.current())
    }

    fn skip_partition(&mut self) {
        self.skipping = self.partition.is_some();
    }
}

impl Cursor {
    fn current(&self) -> Option<Item> {
        self.chunk.item(self.next.checked_sub(1)?)
    }
}
