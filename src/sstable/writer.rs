//! Writes one file, front to back, from partitions and rows in order.
//!
//! 1. The file is created under a temporary name.
//! 2. Entries gather in a data block; when it is full it is sealed into a buffer, its separator goes to the index block in
//!    the making and its partitions to the filter, and these are sealed behind it when they are full.
//! 3. The buffer is appended to the file each MiB.
//! 4. [`Writer::finish`] seals what is left, the filter directory, the root of the index and the statistics, appends
//!    the footer, syncs the file, gives it its name, and syncs the directory.
//!
//! What always holds:
//! - A file under its final name is complete and durable; what a crash leaves has the temporary name.
//! - Memory is that of one data block, its largest row, an index block, 13,000 tokens, and some 14 bytes for each
//!   300 data blocks.
//! - Each call does a bounded piece of work: one entry, at times one block, at times one append. So whoever drives it
//!   may stop after any entry. Calls wait for the disk: they belong inside `Env::blocking`.
//!
//! The writer refuses what is out of order instead of trusting it, because what it writes is believed afterwards.

mod partition;
mod seal;

use std::sync::Arc;

use base::compress::Codec;
use base::env::{Dir, File};
use base::limits::{KIB, MIB};
use base::meter::Meter;
use model::stream::{Step, Stream, Wait};
use model::{ColumnId, Deletion, PartitionKeyRef, TableId};
use types::Type;

use self::partition::Partition;
use crate::data::{self, Start};
use crate::filter::{self, Directory};
use crate::format::{self, Handle, Header};
use crate::position::{self, Position};
use crate::statistics::{Collector, Statistics};
use crate::{Error, FileId, index};

/// What is appended to the file at once.
const APPEND_BYTES: usize = MIB;

/// How a file is written.
#[derive(Clone, Debug)]
pub struct Options {
    /// The table, named in the header.
    pub table: TableId,
    /// What a data block aims at, before compression.
    pub block_bytes: usize,
    /// What an index block aims at.
    pub index_bytes: usize,
    /// How data blocks are compressed.
    pub codec: Codec,
    /// Bits of the filter per partition; 0 for no filter.
    pub filter_bits: u32,
    /// The largest row that is taken, at most [`format::ROW_BYTES_MAX`].
    pub row_bytes_max: usize,
    /// The types of the table's columns, kept in the statistics of those that have cells.
    pub columns: Vec<(ColumnId, Type)>,
    /// The commit log positions that the contents lie between.
    pub log_positions: Option<(u64, u64)>,
    /// Until when the contents are known to be repaired, in microseconds.
    pub repaired_micros: Option<i64>,
}

impl Options {
    /// The defaults, for this table.
    pub fn new(table: TableId) -> Options {
        Options {
            table,
            block_bytes: 16 * KIB,
            index_bytes: 4 * KIB,
            codec: Codec::Lz4,
            filter_bits: 10,
            row_bytes_max: format::ROW_BYTES_MAX,
            columns: Vec::new(),
            log_positions: None,
            repaired_micros: None,
        }
    }
}

/// A finished file.
#[derive(Clone, Debug)]
pub struct Summary {
    /// Its id.
    pub id: FileId,
    /// Its length.
    pub len: u64,
    /// The checksum of its footer: together with the length it tells this file from any other.
    pub footer_crc: u32,
    /// What is known of it.
    pub statistics: Arc<Statistics>,
}

/// How far [`Writer::pull`] came.
pub enum Pull {
    /// The stream has ended.
    End,
    /// The meter is exhausted: call again.
    Yield,
    /// The stream waits: await this, then call again.
    Wait(Wait),
}

/// A file in the making.
pub struct Writer {
    dir: Arc<dyn Dir>,
    file: Arc<dyn File>,
    /// For messages.
    path: String,
    id: FileId,
    options: Options,
    /// Sealed, not yet appended.
    pending: Vec<u8>,
    appended: u64,
    block: data::Builder,
    /// Contents of the block that is being sealed: a buffer that stays.
    plain: Vec<u8>,
    partition: Partition,
    /// The positions of the first and last entry of the block in the making.
    first: Position,
    last: Position,
    /// The position of the last entry of the block before.
    former_last: Position,
    leaf: index::Builder,
    root: index::Builder,
    filter: filter::Builder,
    filters: Directory,
    collector: Collector,
}

impl Writer {
    /// Creates the file under its temporary name, which must be free.
    pub fn create(dir: Arc<dyn Dir>, id: FileId, options: Options) -> Result<Writer, Error> {
        let name = format::temporary_name(id);
        let path = dir.path().join(&name).display().to_string();
        let file = dir
            .create(&name)
            .map_err(|error| Error::io(&path, "create", &error))?;
        let mut pending = Vec::with_capacity(APPEND_BYTES + options.block_bytes);
        let table = *options.table.0.as_bytes();
        Header { id, table }.encode(&mut pending);
        Ok(Writer {
            dir,
            file,
            path,
            id,
            pending,
            appended: 0,
            block: data::Builder::default(),
            plain: Vec::new(),
            partition: Partition::default(),
            first: Position::new(),
            last: Position::new(),
            former_last: Position::new(),
            leaf: index::Builder::default(),
            root: index::Builder::default(),
            filter: filter::Builder::new(options.filter_bits),
            filters: Directory::default(),
            collector: Collector::default(),
            options,
        })
    }

    /// Bytes of the file so far, those not yet appended included.
    pub fn len(&self) -> u64 {
        self.appended + self.pending.len() as u64
    }

    /// Bytes of memory that the writer holds, without the reserve of its buffers.
    pub fn memory_bytes(&self) -> usize {
        self.pending.len()
            + self.block.len()
            + self.leaf.len()
            + self.root.len()
            + self.filter.weight()
            + self.filters.weight()
    }

    /// Whether nothing was added yet that will be in the file.
    pub fn is_empty(&self) -> bool {
        self.collector.counts.partitions == 0
    }

    /// Starts a partition, above all before. One without deletion, static row, rows and tombstones leaves no trace.
    pub fn add_partition(
        &mut self,
        key: PartitionKeyRef<'_>,
        deletion: Option<Deletion>,
        static_row: Option<&[u8]>,
    ) -> Result<(), Error> {
        self.end_partition();
        self.check_size(static_row.unwrap_or_default())?;
        if !self.partition.may_precede(key) {
            let message = format!(
                "{}: partition of token {} out of order",
                self.path, key.token
            );
            return Err(Error::Invalid(message));
        }
        if self.block.len() >= self.options.block_bytes && !self.block.is_empty() {
            self.seal_block()?;
        }
        if self.block.is_empty() {
            position::set(&mut self.first, key.token, key.bytes, &[]);
        }
        self.partition.begin(key, deletion, static_row.is_some());
        let start = Start::Begun { static_row };
        self.block.begin(key.token, key.bytes, deletion, start);
        if deletion.is_some() || static_row.is_some() {
            self.count_partition();
        }
        if let Some(image) = static_row {
            self.collector.static_row(image);
            self.partition.bytes += image.len() as u64;
        }
        Ok(())
    }

    /// Adds a row, above all before in its partition.
    pub fn add_row(&mut self, clustering: &[u8], image: &[u8]) -> Result<(), Error> {
        self.partition
            .check_row(clustering)
            .map_err(|what| self.invalid(what))?;
        self.check_size(image)?;
        self.make_room(clustering)?;
        self.count_partition();
        self.block.row(clustering, image);
        self.partition.note_row(clustering, image);
        self.collector.row(clustering, image);
        Ok(())
    }

    /// Adds a range tombstone: its start above all rows before, and before any row at its start. Where it overlaps
    /// the one before, that ends.
    pub fn add_range_tombstone(
        &mut self,
        start: &[u8],
        end: &[u8],
        deletion: Deletion,
    ) -> Result<(), Error> {
        self.partition
            .check_tombstone(start, end)
            .map_err(|what| self.invalid(what))?;
        self.make_room(start)?;
        self.count_partition();
        if let Some(former) = self.partition.note_tombstone(start, end, deletion) {
            self.put_tombstone(&former);
        }
        Ok(())
    }

    fn put_tombstone(&mut self, tombstone: &partition::Tombstone) {
        let partition::Tombstone {
            start,
            end,
            deletion,
            carried,
        } = tombstone;
        self.block.tombstone(start, end, *deletion, *carried);
        if !carried {
            self.partition.bytes += (start.len() + end.len()) as u64;
            self.collector.range_tombstone(start, end, *deletion);
        }
    }

    fn check_size(&self, image: &[u8]) -> Result<(), Error> {
        let bytes_max = self.options.row_bytes_max.min(format::ROW_BYTES_MAX);
        if image.len() <= bytes_max {
            return Ok(());
        }
        Err(Error::RowTooLarge {
            file: self.path.clone(),
            bytes: image.len(),
            bytes_max,
        })
    }

    fn invalid(&self, what: &str) -> Error {
        Error::Invalid(format!(
            "{}: {what} in the partition of token {}",
            self.path, self.partition.token
        ))
    }

    /// Adds what a stream has until it ends, waits, or the meter is exhausted, which is charged for each entry.
    pub fn pull(&mut self, stream: &mut impl Stream, meter: &mut Meter) -> Result<Pull, Error> {
        loop {
            match stream.step(meter)? {
                Step::Partition => {
                    let partition = stream.partition();
                    meter.charge(1, 0, partition.key.bytes.len() as u64);
                    self.add_partition(partition.key, partition.deletion, partition.static_row)?;
                }
                Step::Row => {
                    let row = stream.row();
                    let bytes = row.clustering.len() + row.image.len();
                    meter.charge(1, 0, bytes as u64);
                    self.add_row(row.clustering, row.image)?;
                }
                Step::RangeTombstone => {
                    let tombstone = stream.range_tombstone();
                    meter.charge(1, 0, 0);
                    self.add_range_tombstone(tombstone.start, tombstone.end, tombstone.deletion)?;
                }
                Step::PartitionEnd => {}
                Step::End => return Ok(Pull::End),
                Step::Yield => return Ok(Pull::Yield),
                Step::Wait(wait) => return Ok(Pull::Wait(wait)),
            }
        }
    }

    /// Counts the current partition, once it is known to have something.
    fn count_partition(&mut self) {
        if !std::mem::replace(&mut self.partition.counted, true) {
            self.filter.add(self.partition.token);
            self.collector
                .partition(self.partition.key_ref(), self.partition.deletion);
        }
    }

    /// Ends the block if it is full, and goes on with the partition in the next one. A tombstone and the row at its
    /// start stay together, because no separator fits between them.
    fn make_room(&mut self, next: &[u8]) -> Result<(), Error> {
        let partition = &mut self.partition;
        let apart = partition.entries > 0 && partition.last.as_slice() < next;
        if self.block.len() < self.options.block_bytes || !apart {
            return Ok(());
        }
        let open = partition.open.take();
        let reaches = open.as_ref().is_some_and(|open| open.end > partition.last);
        open.iter().for_each(|open| self.put_tombstone(open));
        self.end_run(true, reaches);
        let handle = self.seal_block()?;
        self.continue_partition(handle, next);
        self.partition.open = open.filter(|_| reaches).map(|open| partition::Tombstone {
            carried: true,
            ..open
        });
        Ok(())
    }

    fn continue_partition(&mut self, sealed: Handle, next: &[u8]) {
        let offset = self.len();
        let partition = &mut self.partition;
        let header = partition.header(sealed, offset);
        position::set(&mut self.first, partition.token, &partition.key, next);
        partition.entries = 0;
        let start = Start::Continued { header };
        self.block
            .begin(partition.token, &partition.key, partition.deletion, start);
    }

    fn end_partition(&mut self) {
        if !std::mem::replace(&mut self.partition.active, false) || !self.partition.counted {
            return;
        }
        if let Some(open) = self.partition.open.take() {
            self.put_tombstone(&open);
        }
        let partition = &self.partition;
        self.collector
            .partition_end(partition.bytes, partition.rows);
        self.end_run(false, false);
    }

    fn end_run(&mut self, more: bool, open: bool) {
        let partition = &self.partition;
        position::set(
            &mut self.last,
            partition.token,
            &partition.key,
            &partition.last,
        );
        self.block.end(more, open);
    }

    /// Writes the rest, makes the file durable, and gives it its name. A file without partitions is not made: then
    /// the temporary file is removed and there is no summary. After an error the file is removed, under either name:
    /// on a full disk it would be in the way of the next attempt.
    pub fn finish(self) -> Result<Option<Summary>, Error> {
        let (dir, id) = (self.dir.clone(), self.id);
        let finished = self.complete();
        if finished.is_err() {
            for name in [format::temporary_name(id), format::file_name(id)] {
                // It may have either name or none, and the error to report is the first one.
                let _ = dir.remove(&name);
            }
        }
        finished
    }

    fn complete(mut self) -> Result<Option<Summary>, Error> {
        self.end_partition();
        if !self.block.is_empty() {
            self.seal_block()?;
        }
        let collector = std::mem::take(&mut self.collector);
        let columns = std::mem::take(&mut self.options.columns);
        let statistics = collector.finish(
            |id| encoded_type(&columns, id),
            self.options.log_positions,
            self.options.repaired_micros,
        );
        let Some(statistics) = statistics else {
            self.abandon()?;
            return Ok(None);
        };
        let footer = self.seal_sections(&statistics)?;
        let footer_crc = footer.encode(&mut self.pending);
        self.append(0)?;
        self.publish()?;
        Ok(Some(Summary {
            id: self.id,
            len: footer.file_len,
            footer_crc,
            statistics: Arc::new(statistics),
        }))
    }

    /// Removes the temporary file. Dropping the writer instead leaves it, to be removed at the next start.
    pub fn abandon(self) -> Result<(), Error> {
        self.dir
            .remove(&format::temporary_name(self.id))
            .map_err(|error| Error::io(&self.path, "remove", &error))
    }
}

fn encoded_type(columns: &[(ColumnId, Type)], id: ColumnId) -> Vec<u8> {
    let mut out = Vec::new();
    if let Some((_, column_type)) = columns.iter().find(|(known, _)| *known == id) {
        column_type.encode(&mut out);
    }
    out
}
