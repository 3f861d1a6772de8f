//! A stream on its way to a file, less what a rule leaves out: what a compaction may purge, what was truncated.
//!
//! Partitions are always given, because a writer leaves no trace of one without contents.

use base::meter::Meter;
use model::key::RangeTombstoneRef;
use model::stream::{Error, Partition, Row, Step, Stream};
use model::{Deletion, PartitionKeyRef};

/// What is left out.
pub(crate) trait Rule: Send {
    /// From here on it is asked about this partition.
    fn begin_partition(&mut self, _key: PartitionKeyRef<'_>) {}

    /// Whether a deletion, of a partition or a range, stays.
    fn keeps(&self, deletion: Deletion) -> bool;

    /// Leaves in `out`, which is empty, what stays of an image. False if nothing does.
    fn keep(&mut self, image: &[u8], out: &mut Vec<u8>) -> bool;
}

/// The stream.
pub(crate) struct Sieve<S, R> {
    stream: S,
    rule: R,
    deletion: Option<Deletion>,
    static_row: Option<Vec<u8>>,
    row: Vec<u8>,
}

impl<S: Stream, R: Rule> Sieve<S, R> {
    pub fn new(stream: S, rule: R) -> Sieve<S, R> {
        Sieve {
            stream,
            rule,
            deletion: None,
            static_row: None,
            row: Vec::new(),
        }
    }

    fn begin_partition(&mut self) {
        let partition = self.stream.partition();
        self.rule.begin_partition(partition.key);
        self.deletion = partition
            .deletion
            .filter(|deletion| self.rule.keeps(*deletion));
        self.static_row = partition.static_row.and_then(|image| {
            let mut left = Vec::new();
            self.rule.keep(image, &mut left).then_some(left)
        });
    }

    fn keeps_row(&mut self) -> bool {
        self.row.clear();
        self.rule.keep(self.stream.row().image, &mut self.row)
    }
}

impl<S: Stream, R: Rule> Stream for Sieve<S, R> {
    fn step(&mut self, meter: &mut Meter) -> Result<Step, Error> {
        loop {
            let step = self.stream.step(meter)?;
            let is_kept = match step {
                Step::Partition => {
                    self.begin_partition();
                    true
                }
                Step::Row => self.keeps_row(),
                Step::RangeTombstone => self.rule.keeps(self.stream.range_tombstone().deletion),
                _ => true,
            };
            if is_kept {
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
            image: &self.row,
        }
    }

    fn range_tombstone(&self) -> RangeTombstoneRef<'_> {
        self.stream.range_tombstone()
    }

    fn skip_partition(&mut self) {
        self.stream.skip_partition();
    }
}
