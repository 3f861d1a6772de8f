//! A stream of what a command reads of one table.

use std::sync::Arc;

use base::meter::Meter;
use model::key::RangeTombstoneRef;
use model::read::{Command, Keys};
use model::stream::{Direction, Error, Merge, Partition, Row, Step, Stream};
use model::{Columns, Deletion, PartitionKeyRef, Timestamp, image};

use super::point::{self, Point, Wanted};
use super::source::{Source, sources};
use crate::scan::Scan;
use crate::table::{self, Table, View};

/// A stream of a command's partitions and rows, merged over all memtables and files. Made by
/// [`Engine::read`](crate::Engine::read).
///
/// Cells of dropped columns are left out. Columns that the command does not ask for, filter and limits are for
/// [`model::read::Rows`].
pub struct Cursor {
    view: Arc<View>,
    command: Command,
    /// What the partitions of a list have in common, if each read is of one row.
    point: Option<(Vec<u8>, Arc<Wanted>)>,
    next_key: usize,
    inner: Inner,
    /// The columns to keep, if the table has dropped some.
    projection: Option<Projection>,
}

enum Inner {
    /// Between partitions of a list, or before the first.
    Next,
    Point(Box<Point>),
    Merge(Box<Merge<Source>>),
    End,
}

/// Leaving out dropped columns.
struct Projection {
    columns: Columns,
    row: Vec<u8>,
    static_row: Vec<u8>,
    has_static: bool,
}

impl Cursor {
    pub(crate) fn new(table: &Table, command: &Command) -> Cursor {
        let schema = table.schema();
        let is_list = matches!(command.keys, Keys::List(_));
        let point = is_list
            .then(|| point::single_row(command, &schema))
            .flatten();
        let point = point.map(|clustering| (clustering, Arc::new(Wanted::new(command, &schema))));
        let projection = table::columns_left(&schema).map(|columns| Projection {
            columns,
            row: Vec::new(),
            static_row: Vec::new(),
            has_static: false,
        });
        let next_key = match (&command.keys, &command.resume) {
            (Keys::List(keys), Some(at)) => keys
                .iter()
                .position(|key| *key == at.key)
                .unwrap_or(keys.len()),
            _ => 0,
        };
        Cursor {
            view: table.view(),
            command: command.clone(),
            point,
            next_key,
            inner: Inner::Next,
            projection,
        }
    }

    /// Opens what comes next.
    fn open(&mut self) -> Inner {
        let keys = match &self.command.keys {
            Keys::Range(_) if self.next_key > 0 => return Inner::End,
            Keys::Range(range) => {
                self.next_key = 1;
                return self.merge(Scan::range(&self.command, range));
            }
            Keys::List(keys) => keys,
        };
        let Some(key) = keys.get(self.next_key) else {
            return Inner::End;
        };
        self.next_key += 1;
        match &self.point {
            Some((clustering, wanted)) => {
                let (view, key, clustering) = (self.view.clone(), key.clone(), clustering.clone());
                Inner::Point(Box::new(Point::new(view, key, clustering, wanted.clone())))
            }
            None => self.merge(Scan::partition(&self.command, key)),
        }
    }

    fn merge(&self, scan: Scan) -> Inner {
        let direction = Direction::reversed(self.command.reversed);
        let sources = sources(&self.view, &Arc::new(scan));
        Inner::Merge(Box::new(Merge::new(sources, direction)))
    }

    fn inner(&self) -> Option<&dyn Stream> {
        match &self.inner {
            Inner::Point(point) => Some(&**point),
            Inner::Merge(merge) => Some(&**merge),
            Inner::Next | Inner::End => None,
        }
    }
}

impl Projection {
    fn partition(&mut self, partition: &Partition<'_>) {
        self.static_row.clear();
        self.has_static = partition
            .static_row
            .is_some_and(|image| image::project(image, &self.columns, &mut self.static_row));
    }

    fn row(&mut self, row: &Row<'_>) {
        self.row.clear();
        image::project(row.image, &self.columns, &mut self.row);
    }
}

impl Stream for Cursor {
    fn step(&mut self, meter: &mut Meter) -> Result<Step, Error> {
        loop {
            let step = match &mut self.inner {
                Inner::Next => {
                    self.inner = self.open();
                    continue;
                }
                Inner::Point(point) => point.step(meter)?,
                Inner::Merge(merge) => merge.step(meter)?,
                Inner::End => return Ok(Step::End),
            };
            if matches!(step, Step::End) {
                self.inner = Inner::Next;
                if meter.exhausted() {
                    return Ok(Step::Yield);
                }
                continue;
            }
            if let Some(projection) = &mut self.projection {
                match (&step, &self.inner) {
                    (Step::Partition, Inner::Point(inner)) => {
                        projection.partition(&inner.partition())
                    }
                    (Step::Partition, Inner::Merge(inner)) => {
                        projection.partition(&inner.partition())
                    }
                    (Step::Row, Inner::Point(inner)) => projection.row(&inner.row()),
                    (Step::Row, Inner::Merge(inner)) => projection.row(&inner.row()),
                    _ => {}
                }
            }
            return Ok(step);
        }
    }

    fn partition(&self) -> Partition<'_> {
        let Some(inner) = self.inner() else {
            let key = PartitionKeyRef {
                token: types::Token::MIN,
                bytes: &[],
            };
            return Partition {
                key,
                deletion: None,
                static_row: None,
            };
        };
        let mut partition = inner.partition();
        if let Some(projection) = &self.projection {
            partition.static_row = projection.has_static.then_some(&projection.static_row[..]);
        }
        partition
    }

    fn row(&self) -> Row<'_> {
        let Some(inner) = self.inner() else {
            return Row {
                clustering: &[],
                image: &[],
            };
        };
        let mut row = inner.row();
        if let Some(projection) = &self.projection {
            row.image = &projection.row;
        }
        row
    }

    fn range_tombstone(&self) -> RangeTombstoneRef<'_> {
        match self.inner() {
            Some(inner) => inner.range_tombstone(),
            None => {
                let deletion = Deletion {
                    timestamp: Timestamp::MIN,
                    local_seconds: 0,
                };
                RangeTombstoneRef {
                    start: &[],
                    end: &[],
                    deletion,
                }
            }
        }
    }

    fn skip_partition(&mut self) {
        match &mut self.inner {
            Inner::Point(point) => point.skip_partition(),
            Inner::Merge(merge) => merge.skip_partition(),
            Inner::Next | Inner::End => {}
        }
    }
}
