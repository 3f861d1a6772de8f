//! A stream over one memtable.
//!
//! Each hold fills a chunk, from which the steps are answered. The first rows of a slice of one partition are gathered
//! until they are what the reader wants, and read again in one hold if the partition changed meanwhile.
//!
//! A cursor that was closed holds nothing but a little memory, and is opened again without an allocation.

use std::sync::Arc;

use base::meter::Meter;
use model::key::RangeTombstoneRef;
use model::stream::{Error, Partition, Row, Step, Stream};

use super::chunk::{Chunk, Item};
use super::{Hold, Memtable, Place};
use crate::scan::{Scan, ScanKeys};

/// The stream.
#[derive(Default)]
pub(crate) struct Cursor {
    /// What it is open for.
    open: Option<(Arc<dyn Memtable>, Arc<Scan>)>,
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
        let mut cursor = Cursor::default();
        cursor.open(memtable, scan);
        cursor
    }

    /// Becomes a stream of what `scan` asks for.
    pub fn open(&mut self, memtable: Arc<dyn Memtable>, scan: Arc<Scan>) {
        self.close();
        self.open = Some((memtable, scan));
        self.more = true;
    }

    /// Lets go of everything but a little memory. It is at its end from then on.
    pub fn close(&mut self) {
        self.open = None;
        self.place = Place::Start;
        self.more = false;
        self.chunk.release();
        self.next = 0;
        self.partition = None;
        self.header.release();
        self.header_kept = false;
        self.skipping = false;
    }

    /// Fills the chunk. False if nothing is left.
    fn fill(&mut self) -> bool {
        self.keep_partition();
        self.chunk.clear();
        self.next = 0;
        let (true, Some((_, scan))) = (self.more, &self.open) else {
            return false;
        };
        let (wanted, is_one) = (scan.rows_wanted, matches!(scan.keys, ScanKeys::One(_)));
        let first = matches!(self.place, Place::Start);
        self.read_rows(Hold::LONGEST.rows.min(wanted.max(1)));
        if first && is_one {
            self.gather(wanted.min(Hold::WHOLE_SLICE.rows));
        }
        !self.chunk.is_empty()
    }

    /// Reads so many more rows under one hold.
    fn read_rows(&mut self, rows: usize) {
        self.read(Hold {
            rows: self.chunk.rows() + rows,
            bytes: self.chunk.byte_count() + Hold::LONGEST.bytes,
        });
    }

    fn read(&mut self, hold: Hold) {
        self.more = match &self.open {
            Some((memtable, scan)) => memtable.read(&mut self.place, scan, hold, &mut self.chunk),
            None => false,
        };
    }

    /// Reads on until the slice is whole or long, and again from the start if it changed meanwhile.
    fn gather(&mut self, wanted: usize) {
        while self.more && self.chunk.rows() < wanted {
            self.read_rows(Hold::LONGEST.rows.min(wanted - self.chunk.rows()));
            if self.chunk.is_disturbed() {
                self.chunk.clear();
                self.place = Place::Start;
                return self.read(Hold::WHOLE_SLICE);
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
        let (Place::Inside { key, .. }, Some((_, scan))) = (&self.place, &self.open) else {
            return;
        };
        self.place = match scan.keys {
            ScanKeys::One(_) => Place::End,
            ScanKeys::Range(_) => Place::After(key.clone()),
        };
        self.more = !matches!(self.place, Place::End);
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
