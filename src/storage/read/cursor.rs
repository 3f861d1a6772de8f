//! A stream of what a command reads of one table.

use std::sync::Arc;

use base::limits::KEPT_BUFFER_BYTES;
use base::meter::Meter;
use model::key::RangeTombstoneRef;
use model::key::clustering::Decoded;
use model::read::{Command, Keys};
use model::stream::{Direction, Error, Merge, Partition, Row, Step, Stream};
use model::{Columns, PartitionKey, image};

use super::point::{self, Point, Target};
use super::source::{Source, Sources};
use crate::scan::Scan;
use crate::table::{Shape, Table, View};

/// A stream of a command's partitions and rows, merged over all memtables and files. Made by
/// [`Engine::read`](crate::Engine::read).
///
/// Cells of dropped columns are left out. Columns that the command does not ask for, filter and limits are for
/// [`model::read::Rows`].
///
/// A cursor is used again: [`Cursor::close`] lets go of everything but a little memory, and
/// [`Engine::open_cursor`](crate::Engine::open_cursor) makes it a stream anew.
pub struct Cursor {
    open: Option<Open>,
    next_key: usize,
    inner: Inner,
    point: Point,
    merge: Merge<Source>,
    /// What the merge's sources are asked for.
    scan: Arc<Scan>,
    sources: Sources,
    projection: Projection,
    decoded: Decoded,
}

/// What is read.
struct Open {
    view: Arc<View>,
    shape: Arc<Shape>,
    command: Arc<Command>,
    /// Whether each partition of the list is read for one row.
    is_single_row: bool,
}

enum Inner {
    /// Between partitions of a list, or before the first.
    Next,
    Point,
    Merge,
    End,
}

/// What is left of rows without their dropped columns.
#[derive(Default)]
struct Projection {
    row: Vec<u8>,
    static_row: Vec<u8>,
    has_static: bool,
}

impl Default for Cursor {
    /// A closed one.
    fn default() -> Cursor {
        Cursor {
            open: None,
            next_key: 0,
            inner: Inner::End,
            point: Point::default(),
            merge: Merge::new([], Direction::Forward),
            scan: Arc::new(Scan::everything()),
            sources: Sources::default(),
            projection: Projection::default(),
            decoded: Decoded::default(),
        }
    }
}

impl Cursor {
    pub(crate) fn open(&mut self, table: &Table, command: Arc<Command>) {
        self.close();
        let shape = table.shape();
        self.next_key = match (&command.keys, &command.resume) {
            (Keys::List(keys), Some(at)) => keys
                .iter()
                .position(|key| *key == at.key)
                .unwrap_or(keys.len()),
            _ => 0,
        };
        self.inner = Inner::Next;
        self.open = Some(Open {
            is_single_row: point::is_single_row(&command, &shape, &mut self.decoded),
            view: table.view(),
            shape,
            command,
        });
    }

    /// Lets go of memtables, files and the command. It is at its end from then on.
    pub fn close(&mut self) {
        self.open = None;
        self.inner = Inner::End;
        self.point.restart();
        self.close_sources();
        self.merge.restart([], Direction::Forward);
        let Projection {
            row, static_row, ..
        } = &mut self.projection;
        for buffer in [row, static_row] {
            buffer.clear();
            buffer.shrink_to(KEPT_BUFFER_BYTES);
        }
    }

    fn close_sources(&mut self) {
        self.sources.close(self.merge.take_streams());
    }

    /// Begins with what comes next.
    fn begin_next(&mut self) -> Inner {
        self.close_sources();
        let Some(open) = &self.open else {
            return Inner::End;
        };
        match &open.command.keys {
            Keys::Range(_) if self.next_key > 0 => return Inner::End,
            Keys::List(keys) if self.next_key >= keys.len() => return Inner::End,
            _ => self.next_key += 1,
        }
        if open.is_single_row {
            self.point.restart();
            return Inner::Point;
        }
        // Nobody else has it: the sources that did are closed.
        let scan = Arc::make_mut(&mut self.scan);
        match (&open.command.keys, open.key(self.next_key)) {
            (Keys::Range(range), _) => scan.set_range(&open.command, range),
            (Keys::List(_), Some(key)) => scan.set_partition(&open.command, key),
            (Keys::List(_), None) => return Inner::End,
        }
        let direction = Direction::reversed(open.command.reversed);
        let sources = self.sources.open(&open.view, &self.scan);
        self.merge.restart(sources, direction);
        Inner::Merge
    }

    /// Leaves out the dropped columns of what the last step came to, if the table has any.
    fn project(&mut self, step: &Step) {
        let Some(open) = &self.open else { return };
        let Some(kept) = &open.shape.kept else { return };
        match (step, &self.inner) {
            (Step::Partition, Inner::Merge) => {
                self.projection.partition(&self.merge.partition(), kept)
            }
            (Step::Partition, _) => self.projection.partition(&Partition::NONE, kept),
            (Step::Row, Inner::Merge) => self.projection.row(self.merge.row().image, kept),
            (Step::Row, _) => self.projection.row(self.point.image(), kept),
            _ => {}
        }
    }

    fn is_projected(&self) -> bool {
        self.open
            .as_ref()
            .is_some_and(|open| open.shape.kept.is_some())
    }
}

impl Open {
    /// The partition that is read when the next one has this index.
    fn key(&self, next: usize) -> Option<&PartitionKey> {
        match &self.command.keys {
            Keys::List(keys) => keys.get(next.checked_sub(1)?),
            Keys::Range(_) => None,
        }
    }

    /// The row that is read, if each read is of one.
    fn target(&self, next: usize) -> Option<Target<'_>> {
        Some(Target {
            view: &self.view,
            shape: &self.shape,
            command: &self.command,
            key: self.key(next)?,
            clustering: self.clustering(),
        })
    }

    /// The clustering key of the one row: the slice has no other.
    fn clustering(&self) -> &[u8] {
        let slice = self.command.slices.first();
        slice.map_or(&[], |slice| &slice.start)
    }
}

impl Projection {
    fn partition(&mut self, partition: &Partition<'_>, kept: &Columns) {
        self.static_row.clear();
        self.has_static = partition
            .static_row
            .is_some_and(|image| image::project(image, kept, &mut self.static_row));
    }

    fn row(&mut self, image: &[u8], kept: &Columns) {
        self.row.clear();
        image::project(image, kept, &mut self.row);
    }
}

impl Stream for Cursor {
    fn step(&mut self, meter: &mut Meter) -> Result<Step, Error> {
        loop {
            let step = match &self.inner {
                Inner::Next => {
                    self.inner = self.begin_next();
                    continue;
                }
                Inner::Point => {
                    let target = self
                        .open
                        .as_ref()
                        .and_then(|open| open.target(self.next_key));
                    match target {
                        Some(target) => self.point.step(target)?,
                        None => Step::End,
                    }
                }
                Inner::Merge => self.merge.step(meter)?,
                Inner::End => return Ok(Step::End),
            };
            if matches!(step, Step::End) {
                self.inner = Inner::Next;
                if meter.exhausted() {
                    return Ok(Step::Yield);
                }
                continue;
            }
            self.project(&step);
            return Ok(step);
        }
    }

    fn partition(&self) -> Partition<'_> {
        let mut partition = match (&self.inner, &self.open) {
            (Inner::Merge, _) => self.merge.partition(),
            (Inner::Point, Some(open)) => match open.key(self.next_key) {
                Some(key) => Partition {
                    key: key.as_ref(),
                    deletion: self.point.deletion(),
                    static_row: None,
                },
                None => Partition::NONE,
            },
            _ => Partition::NONE,
        };
        if self.is_projected() {
            let projection = &self.projection;
            partition.static_row = projection.has_static.then_some(&projection.static_row[..]);
        }
        partition
    }

    fn row(&self) -> Row<'_> {
        let mut row = match (&self.inner, &self.open) {
            (Inner::Merge, _) => self.merge.row(),
            (Inner::Point, Some(open)) => Row {
                clustering: open.clustering(),
                image: self.point.image(),
            },
            _ => Row::NONE,
        };
        if self.is_projected() {
            row.image = &self.projection.row;
        }
        row
    }

    fn range_tombstone(&self) -> RangeTombstoneRef<'_> {
        match self.inner {
            Inner::Merge => self.merge.range_tombstone(),
            _ => RangeTombstoneRef::NONE,
        }
    }

    fn skip_partition(&mut self) {
        match self.inner {
            Inner::Point => self.point.skip_partition(),
            Inner::Merge => self.merge.skip_partition(),
            Inner::Next | Inner::End => {}
        }
    }
}
