//! What a merge joins: memtables and files.

use std::sync::Arc;

use base::meter::Meter;
use model::key::RangeTombstoneRef;
use model::stream::{Error, Partition, Row, Step, Stream};

use crate::memtable;
use crate::scan::{Scan, ScanKeys};
use crate::table::{File, View};

/// A stream over one memtable or file.
pub(crate) enum Source {
    Memtable(Box<memtable::Cursor>),
    File(Box<sstable::Cursor>),
}

/// Memtable cursors that are kept: more memtables than this are read only while flushing is slow.
const KEPT_CURSORS_MAX: usize = 2;

/// Makes the sources of a scan, with the memory of those that were closed.
#[derive(Default)]
pub(super) struct Sources {
    #[expect(
        clippy::vec_box,
        reason = "a cursor goes into a source and comes back in its box"
    )]
    closed: Vec<Box<memtable::Cursor>>,
}

impl Sources {
    /// The sources of a scan: those that may hold anything of it.
    pub fn open(&mut self, view: &View, scan: &Arc<Scan>) -> impl Iterator<Item = Source> {
        let memtables = view
            .memtables()
            .filter(|generation| generation.first().is_some());
        let memtables = memtables.map(|generation| {
            let mut cursor = self.closed.pop().unwrap_or_default();
            cursor.open(generation.memtable.clone(), scan.clone());
            Source::Memtable(cursor)
        });
        let files = view.files.iter().filter(move |file| may_hold(file, scan));
        let mut of_file = None;
        let files = files.map(move |file| {
            let scan = of_file.get_or_insert_with(|| Arc::new(scan.of_file()));
            Source::File(Box::new(file.reader.cursor(scan.clone())))
        });
        memtables.chain(files)
    }

    /// Closes sources.
    pub fn close(&mut self, sources: impl Iterator<Item = Source>) {
        for source in sources {
            if let Source::Memtable(mut cursor) = source
                && self.closed.len() < KEPT_CURSORS_MAX
            {
                cursor.close();
                self.closed.push(cursor);
            }
        }
    }
}

/// Whether a file may hold anything of a scan, by its ranges. Its filter is asked by its cursor.
fn may_hold(file: &File, scan: &Scan) -> bool {
    let statistics = file.reader.statistics();
    let (first, last) = match &scan.keys {
        ScanKeys::One(key) => (key.token, key.token),
        ScanKeys::Range(range) => (range.first_token(), range.last_token()),
    };
    if first > last || !statistics.may_contain_tokens(first, last) {
        return false;
    }
    let (Some(start), Some(end)) = (scan.slices.first(), scan.slices.last()) else {
        return false;
    };
    // Files with partition deletions or static rows are never left out here.
    statistics.may_contain_clustering(&start.start, &end.end)
}

macro_rules! each {
    ($self:ident, $cursor:ident => $result:expr) => {
        match $self {
            Source::Memtable($cursor) => $result,
            Source::File($cursor) => $result,
        }
    };
}

impl Stream for Source {
    #[inline]
    fn step(&mut self, meter: &mut Meter) -> Result<Step, Error> {
        each!(self, cursor => cursor.step(meter))
    }

    #[inline]
    fn partition(&self) -> Partition<'_> {
        each!(self, cursor => cursor.partition())
    }

    #[inline]
    fn row(&self) -> Row<'_> {
        each!(self, cursor => cursor.row())
    }

    #[inline]
    fn range_tombstone(&self) -> RangeTombstoneRef<'_> {
        each!(self, cursor => cursor.range_tombstone())
    }

    fn skip_partition(&mut self) {
        each!(self, cursor => cursor.skip_partition())
    }
}
