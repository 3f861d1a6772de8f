//! What of a file is newer than a truncation.

use base::meter::Meter;
use model::key::RangeTombstoneRef;
use model::stream::{Error, Partition, Row, Step, Stream};
use model::{Deletion, Timestamp, image};

/// A stream less what was truncated.
pub(super) struct Newer<S> {
    stream: S,
    /// Covers its own time.
    truncation: Deletion,
    deletion: Option<Deletion>,
    static_row: Option<Vec<u8>>,
    row: Vec<u8>,
}

impl<S: Stream> Newer<S> {
    pub fn new(stream: S, truncated_at: Timestamp) -> Newer<S> {
        Newer {
            stream,
            truncation: Deletion {
                timestamp: truncated_at,
                local_seconds: 0,
            },
            deletion: None,
            static_row: None,
            row: Vec::new(),
        }
    }

    fn begin_partition(&mut self) {
        let partition = self.stream.partition();
        let truncation = self.truncation;
        self.deletion = partition
            .deletion
            .filter(|deletion| !truncation.covers(deletion.timestamp));
        self.static_row = partition.static_row.and_then(|image| {
            let mut left = Vec::new();
            image::shadow(image, truncation, &mut left).then_some(left)
        });
    }

    fn keeps_row(&mut self) -> bool {
        self.row.clear();
        image::shadow(self.stream.row().image, self.truncation, &mut self.row)
    }
}

impl<S: Stream> Stream for Newer<S> {
    fn step(&mut self, meter: &mut Meter) -> Result<Step, Error> {
        loop {
            let step = self.stream.step(meter)?;
            let is_kept = match step {
                Step::Partition => {
                    self.begin_partition();
                    true
                }
                Step::Row => self.keeps_row(),
                Step::RangeTombstone => {
                    let deletion = self.stream.range_tombstone().deletion;
                    !self.truncation.covers(deletion.timestamp)
                }
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
