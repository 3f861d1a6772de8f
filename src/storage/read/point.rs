//! Reading one row, the shortest way.
//!
//! 1. All memtables are asked, each under one short lock.
//! 2. Files follow by descending largest timestamp; those that cannot hold the row are left out.
//! 3. Before each file: if all requested columns are simple and there, the row's liveness is known and live, and all
//!    these timestamps exceed the file's largest, then neither this file nor any after it can change the answer.
//! 4. What was gathered is merged, the deletions applied, and given as a stream of one partition with one row.
//!
//! Nothing is allocated once the buffers are there, and no more than one lock is held, for one look.

use model::image::{self, Column};
use model::key::clustering::{self, Decoded};
use model::read::{Command, Keys};
use model::stream::{Error, Step};
use model::{Deletion, PartitionKey, Timestamp};
use sstable::{Found, Lookup};

use crate::memtable::PointRow;
use crate::table::{File, Shape, View};

/// A read of one row. It is used for one row after the other.
#[derive(Default)]
pub(super) struct Point {
    row: PointRow,
    next_file: usize,
    lookup: Option<Box<Lookup>>,
    state: State,
}

/// The row that is read, and how.
#[derive(Clone, Copy)]
pub(super) struct Target<'a> {
    pub view: &'a View,
    pub shape: &'a Shape,
    pub command: &'a Command,
    pub key: &'a PartitionKey,
    pub clustering: &'a [u8],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    #[default]
    Memtables,
    Files,
    Row,
    PartitionEnd,
    End,
}

/// Whether a command asks for one row of each partition of a list, by its whole clustering key, which is where its one
/// slice starts, and for no static content.
pub(super) fn is_single_row(command: &Command, shape: &Shape, decoded: &mut Decoded) -> bool {
    let ([slice], Keys::List(_)) = (&command.slices[..], &command.keys) else {
        return false;
    };
    if command.resume.is_some() || wants_statics(command, &shape.schema) {
        return false;
    }
    if shape.clustering.is_empty() {
        return slice.is_all();
    }
    let key = slice.end.strip_suffix(&[clustering::ABOVE]);
    key.is_some_and(|key| {
        *key == slice.start[..] && clustering::is_complete(&shape.clustering, key, decoded)
    })
}

fn wants_statics(command: &Command, schema: &schema::Table) -> bool {
    let wanted = |column: &schema::Column| command.statics || command.columns.contains(column.id);
    schema.statics.iter().any(wanted)
}

impl Target<'_> {
    /// Whether a file may hold anything of the row, by its ranges.
    fn may_be_in(&self, file: &File) -> bool {
        let statistics = file.reader.statistics();
        let end = clustering::after(self.clustering);
        statistics.may_contain_tokens(self.key.token, self.key.token)
            && statistics.may_contain_clustering(self.clustering, &end)
    }

    /// Whether nothing at or below `timestamp` can change what is asked for, given what was found.
    fn is_decided(&self, row: &[u8], timestamp: Timestamp) -> bool {
        let view = image::View::new(row);
        let is_live = view.liveness().is_some_and(|liveness| {
            liveness.timestamp > timestamp && liveness.is_live(self.command.now_seconds)
        });
        let columns = self.shape.schema.regulars.iter().map(|column| column.id);
        let mut wanted = columns.filter(|id| self.command.columns.contains(*id));
        is_live
            && wanted.all(|id| match view.find(id) {
                Some(Column::Simple(cell)) => cell.timestamp > timestamp,
                _ => false,
            })
    }
}

impl Point {
    /// Begins with the next row.
    pub fn restart(&mut self) {
        self.row.clear();
        self.next_file = 0;
        self.lookup = None;
        self.state = State::Memtables;
    }

    /// Goes on to the next thing: a stream of one partition with one row, if that is there.
    pub fn step(&mut self, target: Target<'_>) -> Result<Step, Error> {
        match self.state {
            State::Memtables | State::Files => {
                if self.state == State::Memtables {
                    self.ask_memtables(target);
                    self.state = State::Files;
                }
                if let Some(wait) = self.ask_files(target)? {
                    return Ok(wait);
                }
                if !self.row.is_found {
                    self.state = State::End;
                    return Ok(Step::End);
                }
                self.row.shadow();
                self.state = State::Row;
                Ok(Step::Partition)
            }
            State::Row if self.row.row().is_some() => {
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

    /// The partition's deletion.
    pub fn deletion(&self) -> Option<Deletion> {
        self.row.deletion
    }

    /// The row's image.
    pub fn image(&self) -> &[u8] {
        self.row.row().unwrap_or_default()
    }

    /// The next step is the end.
    pub fn skip_partition(&mut self) {
        if self.state == State::Row || self.state == State::PartitionEnd {
            self.state = State::End;
        }
    }

    fn ask_memtables(&mut self, target: Target<'_>) {
        for generation in target.view.memtables() {
            generation
                .memtable
                .point(target.key.as_ref(), Some(target.clustering), &mut self.row);
        }
    }

    /// Asks the files that are left. A step to return if it has to wait.
    fn ask_files(&mut self, target: Target<'_>) -> Result<Option<Step>, Error> {
        while let Some(file) = target.view.files.get(self.next_file) {
            let mut lookup = match self.lookup.take() {
                Some(lookup) => lookup,
                None => {
                    let newest = file.reader.statistics().timestamps.1;
                    let found = self.row.row();
                    if found.is_some_and(|row| target.is_decided(row, newest)) {
                        break;
                    }
                    if !target.may_be_in(file) {
                        self.next_file += 1;
                        continue;
                    }
                    Box::new(file.reader.lookup(target.key.as_ref(), target.clustering))
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
}
