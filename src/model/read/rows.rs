//! From a stream to the live rows that a command asks for.
//!
//! Per partition: skip what was returned before ([`Command::resume`]); judge the filter's conditions about the
//! partition; then take row after row, leaving out dead ones and those that the filter refuses, until a limit.
//!
//! - A row is live if its liveness is, or any cell of *any* column: a source must not leave out columns of rows whose
//!   liveness is not live.
//! - A partition whose static row is live, but which has no live row, gives one row without clustering key, if the
//!   command wants static content, asked for the whole partition, and has no condition about rows.
//! - DISTINCT gives one row without clustering key for a partition with a live static row or any live row.
//! - Nothing is buffered but the partition's key and static row, in memory that the next command uses again.
//!
//! Every row is charged to the meter, with its bytes; rows that are not returned, range tombstones, and partitions of
//! which nothing else was charged, as dead.
//! [`Rows::dead_rows`] counts those that are dead for every reader: what the tombstone guardrails look at.

use std::sync::Arc;

use base::limits::KEPT_BUFFER_BYTES;
use base::meter::Meter;
use bytes::Bytes;
use types::Token;

use super::{Command, Keys, Position};
use crate::filter::Scratch;
use crate::image::View;
use crate::stream::{Error, Row, Step, Stream, Wait};
use crate::{PartitionKey, PartitionKeyRef};

/// What a step of [`Rows`] came to.
#[derive(Debug)]
pub enum RowStep {
    /// A row: the accessors describe it until the next step.
    Row,
    /// The meter is exhausted: step again in another turn.
    Yield,
    /// Something must be read first: await it, then step again.
    Wait(Wait),
    /// No more rows: [`Rows::is_complete`] says whether a limit cut the result.
    End,
}

/// The live rows of a command, made from a merged stream of what it reads.
#[derive(Debug)]
pub struct Rows<S> {
    stream: S,
    command: Arc<Command>,
    partition: Current,
    /// What the last row was.
    shown: Shown,
    /// Whether the rest of the partition is to be skipped before the stream is stepped again.
    skips_rest: bool,
    /// Where to go on, until the stream is past it.
    resume: Option<Position>,
    returned: u64,
    returned_bytes: u64,
    dead_rows: u64,
    ended: bool,
    scratch: Scratch,
}

/// The current partition.
#[derive(Debug)]
struct Current {
    token: Token,
    key: Vec<u8>,
    static_row: Vec<u8>,
    has_live_static: bool,
    /// Rows returned of it, on all pages.
    returned: u64,
    /// Whether rows up to the resume position are still to be left out.
    is_resumed: bool,
    /// Whether anything of it was charged.
    is_charged: bool,
}

impl Current {
    /// Nothing of a partition is known yet.
    fn clear(&mut self) {
        self.key.clear();
        self.static_row.clear();
        self.has_live_static = false;
        self.returned = 0;
        self.is_resumed = false;
        self.is_charged = false;
    }
}

impl Default for Current {
    fn default() -> Current {
        Current {
            token: Token::MIN,
            key: Vec::new(),
            static_row: Vec::new(),
            has_live_static: false,
            returned: 0,
            is_resumed: false,
            is_charged: false,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    Row,
    Partition,
}

impl<S: Stream> Rows<S> {
    /// The rows of `command`. The stream gives its partitions and slices in its order, and shadows its rows, as
    /// [`crate::stream::Merge`] does.
    pub fn new(stream: S, command: impl Into<Arc<Command>>) -> Rows<S> {
        let command = command.into();
        Rows {
            stream,
            resume: command.resume.clone(),
            command,
            partition: Current::default(),
            shown: Shown::Partition,
            skips_rest: false,
            returned: 0,
            returned_bytes: 0,
            dead_rows: 0,
            ended: false,
            scratch: Scratch::default(),
        }
    }

    /// What is to be read next: fill it in, open the stream for it, and [`Rows::restart`].
    pub fn command_mut(&mut self) -> &mut Command {
        Arc::make_mut(&mut self.command)
    }

    /// The stream, to be opened for the next command, or closed.
    pub fn stream_mut(&mut self) -> &mut S {
        &mut self.stream
    }

    /// Begins anew, with the command that was filled in and the stream that was opened for it.
    pub fn restart(&mut self) {
        self.partition.clear();
        self.partition.key.shrink_to(KEPT_BUFFER_BYTES);
        self.partition.static_row.shrink_to(KEPT_BUFFER_BYTES);
        self.shown = Shown::Partition;
        self.skips_rest = false;
        self.resume.clone_from(&self.command.resume);
        (self.returned, self.returned_bytes, self.dead_rows) = (0, 0, 0);
        self.ended = false;
    }

    /// Goes on to the next row.
    pub fn step(&mut self, meter: &mut Meter) -> Result<RowStep, Error> {
        // A limit ends the rows before the stream moves, so that the position still finds the last row.
        if self.ended || self.is_full() {
            return Ok(RowStep::End);
        }
        if std::mem::take(&mut self.skips_rest) {
            self.stream.skip_partition();
        }
        loop {
            if meter.exhausted() {
                return Ok(RowStep::Yield);
            }
            let is_row = match self.stream.step(meter)? {
                Step::Partition => self.begin_partition(meter),
                Step::Row => self.take_row(meter),
                Step::RangeTombstone => {
                    self.dead_rows += 1;
                    self.partition.is_charged = true;
                    meter.charge(0, 1, 0);
                    false
                }
                Step::PartitionEnd => self.end_partition(meter),
                Step::Yield => return Ok(RowStep::Yield),
                Step::Wait(wait) => return Ok(RowStep::Wait(wait)),
                Step::End => {
                    self.ended = true;
                    return Ok(RowStep::End);
                }
            };
            if is_row {
                return Ok(RowStep::Row);
            }
        }
    }

    /// The partition key of the row.
    #[inline]
    pub fn key(&self) -> PartitionKeyRef<'_> {
        PartitionKeyRef {
            token: self.partition.token,
            bytes: &self.partition.key,
        }
    }

    /// The row's clustering key and image; `None` if it stands for the partition: static content alone, or DISTINCT.
    #[inline]
    pub fn row(&self) -> Option<Row<'_>> {
        (self.shown == Shown::Row).then(|| self.stream.row())
    }

    /// The image of the partition's static row, if that is live.
    #[inline]
    pub fn static_image(&self) -> Option<&[u8]> {
        self.partition
            .has_live_static
            .then_some(&self.partition.static_row[..])
    }

    /// Where a later command goes on after the row returned last. To be asked after [`RowStep::Row`], or after
    /// [`RowStep::End`] if a limit ended the rows.
    pub fn position(&self) -> Position {
        Position {
            key: self.key().to_owned(),
            clustering: self.row().map(|row| Bytes::copy_from_slice(row.clustering)),
            in_partition: self.partition.returned,
        }
    }

    /// Whether the stream came to its end: no page follows. False while it goes on, and when a limit ended it.
    pub fn is_complete(&self) -> bool {
        self.ended
    }

    /// How many rows were returned.
    pub fn returned(&self) -> u64 {
        self.returned
    }

    /// How many dead rows and range tombstones were read.
    pub fn dead_rows(&self) -> u64 {
        self.dead_rows
    }

    /// What is read.
    pub fn command(&self) -> &Arc<Command> {
        &self.command
    }

    /// The stream that the rows come from.
    pub fn stream(&self) -> &S {
        &self.stream
    }

    fn is_full(&self) -> bool {
        let limits = &self.command.limits;
        self.returned >= limits.rows || self.returned_bytes >= limits.bytes
    }

    /// True if the partition gives a row at once.
    fn begin_partition(&mut self, meter: &mut Meter) -> bool {
        let partition = self.stream.partition();
        let current = &mut self.partition;
        current.clear();
        current.token = partition.key.token;
        current.key.extend_from_slice(partition.key.bytes);
        current
            .static_row
            .extend_from_slice(partition.static_row.unwrap_or_default());
        let view = partition.static_row.map(View::new);
        current.has_live_static = view
            .as_ref()
            .is_some_and(|view| view.has_live_cell(self.command.now_seconds));

        if !self.resume_partition() || self.partition.returned >= self.command.limits.per_partition
        {
            meter.charge(0, 1, self.partition_bytes());
            self.stream.skip_partition();
            return false;
        }
        if !self.accepts_partition() {
            meter.charge(0, 1, self.partition_bytes());
            self.stream.skip_partition();
            return false;
        }
        let whole = self
            .command
            .filter
            .as_ref()
            .is_none_or(|filter| filter.is_of_partition());
        self.command.distinct
            && whole
            && self.partition.has_live_static
            && self.show_partition(meter)
    }

    /// Looks where the partition lies from the resume position. False if it was returned before.
    fn resume_partition(&mut self) -> bool {
        let Some(position) = &self.resume else {
            return true;
        };
        let key = PartitionKeyRef {
            token: self.partition.token,
            bytes: &self.partition.key,
        };
        let order = match &self.command.keys {
            Keys::Range(_) => key.cmp(&position.key.as_ref()),
            Keys::List(keys) => place(keys, key).cmp(&place(keys, position.key.as_ref())),
        };
        if order.is_eq() && position.clustering.is_some() {
            self.partition.returned = position.in_partition;
            self.partition.is_resumed = true;
            return true;
        }
        if order.is_gt() {
            self.resume = None;
        }
        order.is_gt()
    }

    fn accepts_partition(&mut self) -> bool {
        let Some(filter) = &self.command.filter else {
            return true;
        };
        let partition = &self.partition;
        let statics = partition
            .has_live_static
            .then(|| View::new(&partition.static_row));
        filter.accepts_partition(
            &partition.key,
            statics.as_ref(),
            self.command.now_seconds,
            &mut self.scratch,
        )
    }

    /// True if the stream's row is one to return.
    fn take_row(&mut self, meter: &mut Meter) -> bool {
        self.partition.is_charged = true;
        let row = self.stream.row();
        let bytes = (row.clustering.len() + row.image.len()) as u64;
        if self.partition.is_resumed && self.was_returned(row.clustering) {
            meter.charge(0, 1, 0);
            return false;
        }
        let view = View::new(row.image);
        if !view.is_live(self.command.now_seconds) {
            self.dead_rows += 1;
            meter.charge(0, 1, bytes);
            return false;
        }
        let (filter, now) = (&self.command.filter, self.command.now_seconds);
        let accepted = filter
            .as_ref()
            .is_none_or(|filter| filter.accepts_row(row.clustering, &view, now, &mut self.scratch));
        if !accepted {
            meter.charge(0, 1, bytes);
            return false;
        }
        if self.command.distinct {
            return self.show_partition(meter);
        }
        self.shown = Shown::Row;
        self.count(bytes, meter);
        self.skips_rest = self.partition.returned >= self.command.limits.per_partition;
        true
    }

    fn was_returned(&self, clustering: &[u8]) -> bool {
        let last = self
            .resume
            .as_ref()
            .and_then(|position| position.clustering.as_deref());
        match self.command.reversed {
            false => last.is_some_and(|last| clustering <= last),
            true => last.is_some_and(|last| clustering >= last),
        }
    }

    /// True if the partition's static row is to be returned alone.
    fn end_partition(&mut self, meter: &mut Meter) -> bool {
        if !self.partition.is_charged {
            meter.charge(0, 1, self.partition_bytes());
        }
        let command = &self.command;
        let alone = command.statics
            && !command.distinct
            && self.partition.has_live_static
            && self.partition.returned == 0
            && command.is_whole_partition()
            && command
                .filter
                .as_ref()
                .is_none_or(|filter| filter.is_of_partition());
        alone && {
            self.shown = Shown::Partition;
            self.count(self.partition_bytes(), meter);
            true
        }
    }

    /// Returns one row for the partition, and nothing more of it.
    fn show_partition(&mut self, meter: &mut Meter) -> bool {
        self.shown = Shown::Partition;
        self.skips_rest = true;
        self.count(self.partition_bytes(), meter);
        true
    }

    fn count(&mut self, bytes: u64, meter: &mut Meter) {
        meter.charge(1, 0, bytes);
        self.returned += 1;
        self.returned_bytes += bytes;
        self.partition.returned += 1;
    }

    fn partition_bytes(&self) -> u64 {
        (self.partition.key.len() + self.partition.static_row.len()) as u64
    }
}

/// Where `key` is in the list; behind it if it is not.
fn place(keys: &[PartitionKey], key: PartitionKeyRef<'_>) -> usize {
    keys.iter()
        .position(|listed| listed.as_ref() == key)
        .unwrap_or(keys.len())
}
