//! Joining several streams into one.
//!
//! Every source has a *head*: what its last step came to and the merge has not used yet. A step of the merge
//!
//! 1. steps the sources whose head was used;
//! 2. between partitions takes the smallest key; the sources that are at it take part: their partition deletions,
//!    static rows and then rows are joined;
//! 3. inside takes the first place among the heads. A range tombstone goes into the [`Sweep`], which says whether it
//!    is given out. Rows with one key are merged, then shadowed by the partition's deletion or the open range. A row
//!    of which nothing is left is charged as dead and not given.
//!
//! What always holds: the output is a stream as the module above says, whatever the sources' deletions; a row that one
//! source alone has and no deletion touches is lent from the source, not copied; buffers are kept, so after the first
//! rows nothing is allocated; nor for other streams later ([`Merge::restart`]).

use base::limits::KEPT_BUFFER_BYTES;
use base::meter::Meter;
use types::Token;

use super::sweep::{Closing, Place, Sweep};
use super::{Direction, Error, Partition, RangeTombstoneRef, Row, Step, Stream, Wait};
use crate::{Deletion, PartitionKeyRef, image};

/// The join of streams.
#[derive(Debug)]
pub struct Merge<S> {
    sources: Vec<Source<S>>,
    direction: Direction,
    inside: bool,
    partition: Joined,
    sweep: Sweep,
    row: Lent,
    buffers: [Vec<u8>; 2],
    waits: Vec<Wait>,
}

#[derive(Debug)]
struct Source<S> {
    stream: S,
    head: Head,
    /// Whether it takes part in the current partition.
    joins: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Head {
    /// Used: to be stepped.
    Used,
    Partition,
    Row,
    Range,
    PartitionEnd,
    End,
}

/// The current partition.
#[derive(Debug)]
struct Joined {
    token: Token,
    key: Vec<u8>,
    deletion: Option<Deletion>,
    static_row: Vec<u8>,
    has_static: bool,
}

/// Where the current row is.
#[derive(Debug, Clone, Copy, Default)]
struct Lent {
    /// The source that lends the clustering key, and the image unless it was made here.
    source: usize,
    /// The buffer with the image.
    buffer: Option<usize>,
}

impl<S: Stream> Merge<S> {
    /// The join of these streams, which all go in this direction.
    pub fn new(streams: impl IntoIterator<Item = S>, direction: Direction) -> Merge<S> {
        Merge {
            sources: streams.into_iter().map(Source::new).collect(),
            direction,
            inside: false,
            partition: Joined {
                token: Token::MIN,
                key: Vec::new(),
                deletion: None,
                static_row: Vec::new(),
                has_static: false,
            },
            sweep: Sweep::new(direction),
            row: Lent::default(),
            buffers: [Vec::new(), Vec::new()],
            waits: Vec::new(),
        }
    }

    /// Becomes the join of these streams, with the buffers that it has.
    pub fn restart(&mut self, streams: impl IntoIterator<Item = S>, direction: Direction) {
        self.sources.clear();
        self.sources.extend(streams.into_iter().map(Source::new));
        self.direction = direction;
        self.inside = false;
        self.sweep.restart(direction);
        self.waits.clear();
        let Joined {
            key, static_row, ..
        } = &mut self.partition;
        let [first, second] = &mut self.buffers;
        for buffer in [key, static_row, first, second] {
            buffer.clear();
            buffer.shrink_to(KEPT_BUFFER_BYTES);
        }
    }

    /// Gives the streams back, in the order given; nothing is left to join.
    pub fn take_streams(&mut self) -> impl Iterator<Item = S> {
        self.inside = false;
        self.sources.drain(..).map(|source| source.stream)
    }

    /// The streams, in the order given.
    pub fn sources(&self) -> impl Iterator<Item = &S> {
        self.sources.iter().map(|source| &source.stream)
    }

    /// Steps every source whose head was used. All are tried before waiting, so that their reads run together.
    #[inline]
    fn advance(&mut self, meter: &mut Meter) -> Result<Option<Step>, Error> {
        let mut yields = false;
        for source in &mut self.sources {
            if source.head != Head::Used {
                continue;
            }
            source.head = match source.stream.step(meter)? {
                Step::Partition => Head::Partition,
                Step::Row => Head::Row,
                Step::RangeTombstone => Head::Range,
                Step::PartitionEnd => Head::PartitionEnd,
                Step::End => Head::End,
                Step::Yield => {
                    yields = true;
                    Head::Used
                }
                Step::Wait(wait) => {
                    self.waits.push(wait);
                    Head::Used
                }
            };
        }
        Ok(match self.waits.len() {
            0 if yields => Some(Step::Yield),
            0 => None,
            1 => self.waits.pop().map(Step::Wait),
            _ => Some(Step::Wait(wait_for_all(std::mem::take(&mut self.waits)))),
        })
    }

    fn begin_partition(&mut self) -> Step {
        let heads = self
            .sources
            .iter()
            .filter(|source| source.head == Head::Partition);
        let Some(key) = heads.map(|source| source.stream.partition().key).min() else {
            return Step::End;
        };
        let partition = &mut self.partition;
        partition.token = key.token;
        partition.key.clear();
        partition.key.extend_from_slice(key.bytes);
        partition.deletion = None;
        partition.static_row.clear();
        partition.has_static = false;
        self.sweep.clear();
        for source in &mut self.sources {
            source.joins =
                source.head == Head::Partition && source.stream.partition().key == partition.key();
            if source.joins {
                source.head = Head::Used;
                partition.join(&source.stream.partition(), &mut self.buffers[0]);
            }
        }
        partition.shadow(&mut self.buffers[0]);
        self.inside = true;
        Step::Partition
    }

    /// The next thing inside the partition; `None` if what came next was used up without one.
    fn next_inside(&mut self, meter: &mut Meter) -> Option<Step> {
        let Some(first) = self.first() else {
            return Some(self.end_partition());
        };
        match self
            .sweep
            .close_before(self.sources[first].place(self.direction))
        {
            Closing::Given => return Some(Step::RangeTombstone),
            Closing::Nothing | Closing::Ended => {}
        }
        match self.sources[first].head {
            Head::Row => self.next_row(first, meter),
            _ => self.next_range(first, meter),
        }
    }

    /// The source whose head comes first. Among ranges that begin together the strongest.
    fn first(&self) -> Option<usize> {
        let mut first: Option<usize> = None;
        for (index, source) in self.sources.iter().enumerate() {
            if !source.joins || source.head == Head::PartitionEnd {
                continue;
            }
            first = match first {
                Some(other) if !self.is_before(source, &self.sources[other]) => Some(other),
                _ => Some(index),
            };
        }
        first
    }

    fn is_before(&self, a: &Source<S>, b: &Source<S>) -> bool {
        let order = Sweep::order(
            self.direction,
            a.place(self.direction),
            b.place(self.direction),
        );
        let stronger = || {
            a.head == Head::Range
                && b.head == Head::Range
                && a.stream.range_tombstone().deletion > b.stream.range_tombstone().deletion
        };
        order.is_lt() || order.is_eq() && stronger()
    }

    fn next_range(&mut self, first: usize, meter: &mut Meter) -> Option<Step> {
        let source = &mut self.sources[first];
        let range = source.stream.range_tombstone();
        let covered = self
            .partition
            .deletion
            .is_some_and(|deletion| deletion.covers(range.deletion.timestamp));
        let given = !covered && range.start < range.end && self.sweep.begin(range);
        source.head = Head::Used;
        if given {
            return Some(Step::RangeTombstone);
        }
        meter.charge(0, 1, 0);
        meter.exhausted().then_some(Step::Yield)
    }

    fn next_row(&mut self, first: usize, meter: &mut Meter) -> Option<Step> {
        self.row = Lent {
            source: first,
            buffer: None,
        };
        self.sources[first].head = Head::Used;
        for index in first + 1..self.sources.len() {
            if self.is_same_row(first, index) {
                self.sources[index].head = Head::Used;
                self.merge_row(index);
            }
        }
        let deletion = Deletion::join_option(self.partition.deletion, self.sweep.deletion());
        match deletion {
            Some(deletion) if !self.shadow_row(deletion) => {
                meter.charge(0, 1, self.row_bytes());
                meter.exhausted().then_some(Step::Yield)
            }
            _ => Some(Step::Row),
        }
    }

    fn is_same_row(&self, first: usize, index: usize) -> bool {
        let other = &self.sources[index];
        other.joins
            && other.head == Head::Row
            && other.stream.row().clustering == self.sources[first].stream.row().clustering
    }

    /// Joins the row of one more source to the current one.
    fn merge_row(&mut self, index: usize) {
        let target = self.row.buffer.map_or(0, |buffer| 1 - buffer);
        let mut out = std::mem::take(&mut self.buffers[target]);
        out.clear();
        image::merge(
            self.image(),
            self.sources[index].stream.row().image,
            &mut out,
        );
        self.buffers[target] = out;
        self.row.buffer = Some(target);
    }

    /// Applies a deletion to the current row. False if nothing is left.
    fn shadow_row(&mut self, deletion: Deletion) -> bool {
        let image = self.image();
        if !deletion.covers(image::View::new(image).min_timestamp()) {
            return true;
        }
        let target = self.row.buffer.map_or(0, |buffer| 1 - buffer);
        let mut out = std::mem::take(&mut self.buffers[target]);
        out.clear();
        let survives = image::shadow(self.image(), deletion, &mut out);
        self.buffers[target] = out;
        self.row.buffer = Some(target);
        survives
    }

    fn image(&self) -> &[u8] {
        match self.row.buffer {
            Some(buffer) => &self.buffers[buffer],
            None => self.sources[self.row.source].stream.row().image,
        }
    }

    fn row_bytes(&self) -> u64 {
        let row = self.sources[self.row.source].stream.row();
        (row.clustering.len() + row.image.len()) as u64
    }

    /// Gives what is left of ranges, then the end.
    fn end_partition(&mut self) -> Step {
        if self.sweep.close_before(Place::End) == Closing::Given {
            return Step::RangeTombstone;
        }
        for source in self.sources.iter_mut().filter(|source| source.joins) {
            source.head = Head::Used;
            source.joins = false;
        }
        self.inside = false;
        Step::PartitionEnd
    }
}

impl<S> Source<S> {
    fn new(stream: S) -> Source<S> {
        Source {
            stream,
            head: Head::Used,
            joins: false,
        }
    }
}

impl<S: Stream> Source<S> {
    fn place(&self, direction: Direction) -> Place<'_> {
        match (self.head, direction) {
            (Head::Row, _) => Place::Row(self.stream.row().clustering),
            (Head::Range, Direction::Forward) => Place::Range(self.stream.range_tombstone().start),
            (Head::Range, Direction::Reversed) => Place::Range(self.stream.range_tombstone().end),
            _ => Place::End,
        }
    }
}

impl Joined {
    fn key(&self) -> PartitionKeyRef<'_> {
        PartitionKeyRef {
            token: self.token,
            bytes: &self.key,
        }
    }

    fn join(&mut self, other: &Partition<'_>, scratch: &mut Vec<u8>) {
        self.deletion = Deletion::join_option(self.deletion, other.deletion);
        let Some(static_row) = other.static_row else {
            return;
        };
        if !self.has_static {
            self.static_row.extend_from_slice(static_row);
        } else {
            scratch.clear();
            image::merge(&self.static_row, static_row, scratch);
            std::mem::swap(&mut self.static_row, scratch);
        }
        self.has_static = true;
    }

    fn shadow(&mut self, scratch: &mut Vec<u8>) {
        if let (true, Some(deletion)) = (self.has_static, self.deletion) {
            scratch.clear();
            self.has_static = image::shadow(&self.static_row, deletion, scratch);
            std::mem::swap(&mut self.static_row, scratch);
        }
    }
}

fn wait_for_all(waits: Vec<Wait>) -> Wait {
    // What they wait for has been started: awaiting one after the other takes as long as the slowest.
    Wait::new(async move {
        for wait in waits {
            wait.await;
        }
    })
}

impl<S: Stream> Stream for Merge<S> {
    fn step(&mut self, meter: &mut Meter) -> Result<Step, Error> {
        loop {
            if let Some(step) = self.advance(meter)? {
                return Ok(step);
            }
            if !self.inside {
                return Ok(self.begin_partition());
            }
            if let Some(step) = self.next_inside(meter) {
                return Ok(step);
            }
        }
    }

    fn partition(&self) -> Partition<'_> {
        let partition = &self.partition;
        let static_row = partition.has_static.then_some(&partition.static_row[..]);
        Partition {
            key: partition.key(),
            deletion: partition.deletion,
            static_row,
        }
    }

    fn row(&self) -> Row<'_> {
        let mut row = self.sources[self.row.source].stream.row();
        if let Some(buffer) = self.row.buffer {
            row.image = &self.buffers[buffer];
        }
        row
    }

    fn range_tombstone(&self) -> RangeTombstoneRef<'_> {
        self.sweep.given()
    }

    fn skip_partition(&mut self) {
        if !self.inside {
            return;
        }
        for source in self.sources.iter_mut().filter(|source| source.joins) {
            if source.head != Head::PartitionEnd {
                source.stream.skip_partition();
            }
            source.head = Head::Used;
            source.joins = false;
        }
        self.inside = false;
    }
}
