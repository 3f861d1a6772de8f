//! What a compaction keeps: the merge of its inputs, less what may go.
//!
//! A tombstone, or what has expired, may go when gc_grace has passed and nothing outside the compaction can hold
//! anything as old for the partition: no other file whose tokens cover it, no memtable. Cells of dropped columns go in
//! any case. What is outside is looked up for each partition anew, since flushes go on meanwhile.

use std::sync::Arc;

use base::meter::Meter;
use model::image::{self, Purge};
use model::key::RangeTombstoneRef;
use model::stream::{Error, Partition, Row, Step, Stream};
use model::{Columns, Deletion, PartitionKeyRef, Timestamp};

use crate::table::{File, Table};

/// The stream.
pub(super) struct Purged<S> {
    stream: S,
    table: Arc<Table>,
    inputs: Vec<Arc<File>>,
    keeper: Keeper,
    deletion: Option<Deletion>,
    static_row: Option<Vec<u8>>,
}

/// What is kept of an image.
struct Keeper {
    rule: Purge,
    /// The columns to keep, if some were dropped.
    columns: Option<Columns>,
    row: Vec<u8>,
    projected: Vec<u8>,
}

impl<S: Stream> Purged<S> {
    pub fn new(
        stream: S,
        table: Arc<Table>,
        inputs: Vec<Arc<File>>,
        now_seconds: i64,
    ) -> Purged<S> {
        let schema = table.schema();
        let columns = (!schema.dropped.is_empty()).then(|| {
            Columns::only(
                schema
                    .statics
                    .iter()
                    .chain(&schema.regulars)
                    .map(|column| column.id),
            )
        });
        let gc_grace_seconds = i64::from(schema.options.gc_grace_seconds);
        let rule = Purge {
            now_seconds,
            gc_before_seconds: now_seconds.saturating_sub(gc_grace_seconds),
            max_purgeable_timestamp: Timestamp::MIN,
        };
        Purged {
            stream,
            table,
            inputs,
            keeper: Keeper {
                rule,
                columns,
                row: Vec::new(),
                projected: Vec::new(),
            },
            deletion: None,
            static_row: None,
        }
    }

    /// The smallest timestamp that anything outside can hold for the partition.
    fn outside(&self, key: PartitionKeyRef<'_>) -> Timestamp {
        let view = self.table.view();
        if !view.lost.is_empty() {
            // Nobody knows what such a file holds.
            return Timestamp::MIN;
        }
        let is_input = |file: &Arc<File>| self.inputs.iter().any(|input| Arc::ptr_eq(input, file));
        let files = view.files.iter().filter(|file| !is_input(file));
        let files = files.map(|file| file.reader.statistics());
        let files = files.filter(|statistics| statistics.may_contain_tokens(key.token, key.token));
        let files = files.map(|statistics| statistics.timestamps.0);
        let memtables = view
            .memtables()
            .map(|generation| generation.memtable.min_timestamp_of(key));
        files.chain(memtables).min().unwrap_or(Timestamp::MAX)
    }

    fn begin_partition(&mut self) {
        let partition = self.stream.partition();
        self.keeper.rule.max_purgeable_timestamp = self.outside(partition.key);
        let rule = self.keeper.rule;
        let partition = self.stream.partition();
        self.deletion = partition.deletion.filter(|deletion| !rule.drops(*deletion));
        self.static_row = partition
            .static_row
            .filter(|image| self.keeper.keep(image))
            .map(|_| self.keeper.row.clone());
    }
}

impl Keeper {
    /// Leaves in `row` what is kept of an image. False if nothing is.
    fn keep(&mut self, image: &[u8]) -> bool {
        self.row.clear();
        match &self.columns {
            None => image::purge(image, &self.rule, &mut self.row),
            Some(columns) => {
                self.projected.clear();
                image::project(image, columns, &mut self.projected)
                    && image::purge(&self.projected, &self.rule, &mut self.row)
            }
        }
    }
}

impl<S: Stream> Stream for Purged<S> {
    fn step(&mut self, meter: &mut Meter) -> Result<Step, Error> {
        loop {
            let step = self.stream.step(meter)?;
            let kept = match step {
                Step::Partition => {
                    self.begin_partition();
                    true
                }
                Step::Row => self.keeper.keep(self.stream.row().image),
                Step::RangeTombstone => !self
                    .keeper
                    .rule
                    .drops(self.stream.range_tombstone().deletion),
                _ => true,
            };
            if kept {
                return Ok(step);
            }
            meter.charge(0, 1, 0);
            if meter.exhausted() {
                return Ok(Step::Yield);
            }
        }
    }

    fn partition(&self) -> Partition<'_> {
        Partition {
            key: self.stream.partition().key,
            deletion: self.deletion,
            static_row: self.static_row.as_deref(),
        }
    }

    fn row(&self) -> Row<'_> {
        Row {
            clustering: self.stream.row().clustering,
            image: &self.keeper.row,
        }
    }

    fn range_tombstone(&self) -> RangeTombstoneRef<'_> {
        self.stream.range_tombstone()
    }

    fn skip_partition(&mut self) {
        self.stream.skip_partition();
    }
}
