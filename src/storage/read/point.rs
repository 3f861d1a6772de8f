//! Reading one row, the shortest way.
//!
//! 1. All memtables are asked, each under one short lock.
//! 2. Files follow by descending largest timestamp; those that cannot hold the row are left out.
//! 3. Before each file: if all requested columns are simple and there, the row's liveness is known and live, and all
//!    these timestamps exceed the file's largest, then neither this file nor any after it can change the answer.
//! 4. What was gathered is merged, the deletions applied, and given as a stream of one partition with one row.

use std::sync::Arc;

use base::meter::Meter;
use model::image::{self, Column};
use model::key::{RangeTombstoneRef, clustering};
use model::read::Command;
use model::stream::{Error, Partition, Row, Step, Stream};
use model::{ColumnId, Deletion, PartitionKey, Timestamp};
use sstable::{Found, Lookup};

use crate::memtable::PointRow;
use crate::table::View;

/// A read of one row.
pub(super) struct Point {
    view: Arc<View>,
    key: PartitionKey,
    clustering: Vec<u8>,
    wanted: Arc<Wanted>,
    row: PointRow,
    next_file: usize,
    lookup: Option<Box<Lookup>>,
    state: State,
}

/// What a row must have for older files not to matter.
pub(super) struct Wanted {
    /// The columns, if all of them are simple.
    columns: Option<Vec<ColumnId>>,
    now_seconds: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Memtables,
    Files,
    Row,
    PartitionEnd,
    End,
}

/// The clustering key that a command asks for, if it is one row of each partition and no static content.
pub(super) fn single_row(command: &Command, schema: &schema::Table) -> Option<Vec<u8>> {
    let [slice] = &command.slices[..] else {
        return None;
    };
    if wants_statics(command, schema) || command.resume.is_some() {
        return None;
    }
    if schema.clustering.is_empty() {
        return slice.is_all().then(Vec::new);
    }
    let key = slice
        .end
        .strip_suffix(&[clustering::ABOVE])
        .filter(|key| **key == slice.start)?;
    let columns: Vec<_> = schema
        .clustering
        .iter()
        .map(|column| (column.ty.clone(), column.order))
        .collect();
    clustering::check(&columns, key).ok().map(|()| key.to_vec())
}

fn wants_statics(command: &Command, schema: &schema::Table) -> bool {
    let wanted = |column: &schema::Column| command.statics || command.columns.contains(column.id);
    schema.statics.iter().any(wanted)
}

impl Wanted {
    pub fn new(command: &Command, schema: &schema::Table) -> Wanted {
        let wanted = |column: &&schema::Column| command.columns.contains(column.id);
        let wanted: Vec<_> = schema.regulars.iter().filter(wanted).collect();
        let is_simple = wanted.iter().all(|column| !column.ty.is_multi_cell());
        let columns = is_simple.then(|| wanted.iter().map(|column| column.id).collect());
        Wanted {
            columns,
            now_seconds: command.now_seconds,
        }
    }

    /// Whether nothing at or below `timestamp` can change what is asked for.
    fn is_decided(&self, row: &PointRow, timestamp: Timestamp) -> bool {
        let (Some(columns), Some(row)) = (&self.columns, &row.row) else {
            return false;
        };
        let view = image::View::new(row);
        let is_live = view.liveness().is_some_and(|liveness| {
            liveness.timestamp > timestamp && liveness.is_live(self.now_seconds)
        });
        is_live
            && columns.iter().all(|id| match view.find(*id) {
                Some(Column::Simple(cell)) => cell.timestamp > timestamp,
                _ => false,
            })
    }
}

impl Point {
    pub fn new(
        view: Arc<View>,
        key: PartitionKey,
        clustering: Vec<u8>,
        wanted: Arc<Wanted>,
    ) -> Point {
        Point {
            view,
            key,
            clustering,
            wanted,
            row: PointRow::default(),
            next_file: 0,
            lookup: None,
            state: State::Memtables,
        }
    }

    fn ask_memtables(&mut self) {
        for generation in self.view.memtables() {
            generation
                .memtable
                .point(self.key.as_ref(), &self.clustering, &mut self.row);
        }
    }

    /// Asks the files that are left. A step to return if it has to wait.
    fn ask_files(&mut self) -> Result<Option<Step>, Error> {
        let view = self.view.clone();
        while let Some(file) = view.files.get(self.next_file) {
            let mut lookup = match self.lookup.take() {
                Some(lookup) => lookup,
                None => {
                    let statistics = file.reader.statistics();
                    if self.row.row.is_some()
                        && self.wanted.is_decided(&self.row, statistics.timestamps.1)
                    {
                        break;
                    }
                    let token = self.key.token;
                    let end = [&self.clustering[..], &[clustering::ABOVE]].concat();
                    if !statistics.may_contain_tokens(token, token)
                        || !statistics.may_contain_clustering(&self.clustering, &end)
                    {
                        self.next_file += 1;
                        continue;
                    }
                    Box::new(file.reader.lookup(self.key.as_ref(), &self.clustering))
                }
            };
            match lookup.step()? {
                Found::Wait(wait) => {
                    self.lookup = Some(lookup);
                    return Ok(Some(Step::Wait(wait)));
                }
                Found::Absent => {}
                Found::Present => self.take(&lookup),
            }
            self.next_file += 1;
        }
        Ok(None)
    }

    fn take(&mut self, lookup: &Lookup) {
        self.row.found();
        self.row.delete(lookup.partition_deletion());
        self.row.delete_row(lookup.range_deletion());
        if let Some(image) = lookup.image() {
            self.row.row_with(|out| out.extend_from_slice(image));
        }
    }

    /// Applies the deletions.
    fn shadow(&mut self) {
        let deletion = Deletion::join_option(self.row.deletion, self.row.row_deletion);
        let (Some(deletion), Some(image)) = (deletion, self.row.row.take()) else {
            return;
        };
        let mut left = Vec::with_capacity(image.len());
        self.row.row = image::shadow(&image, deletion, &mut left).then_some(left);
    }
}

impl Stream for Point {
    fn step(&mut self, _: &mut Meter) -> Result<Step, Error> {
        match self.state {
            State::Memtables | State::Files => {
                if self.state == State::Memtables {
                    self.ask_memtables();
                    self.state = State::Files;
                }
                if let Some(wait) = self.ask_files()? {
                    return Ok(wait);
                }
                if !self.row.is_found {
                    self.state = State::End;
                    return Ok(Step::End);
                }
                if self.row.deletion.is_some() || self.row.row_deletion.is_some() {
                    self.shadow();
                }
                self.state = State::Row;
                Ok(Step::Partition)
            }
            State::Row if self.row.row.is_some() => {
                self.state = State::PartitionEnd;
                Ok(Step::Row)
            }
            State::Row | State::PartitionEnd => {
                self.state = State::End;
                Ok(Step::PartitionEnd)
            }
            State::End => Ok(Step::End),
        }
    }

    fn partition(&self) -> Partition<'_> {
        Partition {
            key: self.key.as_ref(),
            deletion: self.row.deletion,
            static_row: None,
        }
    }

    fn row(&self) -> Row<'_> {
        Row {
            clustering: &self.clustering,
            image: self.row.row.as_deref().unwrap_or_default(),
        }
    }

    fn range_tombstone(&self) -> RangeTombstoneRef<'_> {
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

    fn skip_partition(&mut self) {
        if self.state == State::Row || self.state == State::PartitionEnd {
            self.state = State::End;
        }
    }
}
