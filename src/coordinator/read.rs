//! The live rows of one command, from storage or a virtual source.

use base::meter::Meter;
use model::PartitionKeyRef;
use model::key::RangeTombstoneRef;
use model::read::{Command, Keys, Position, RowStep, Rows};
use model::stream::{self, Partition, Row, Step, Stream};
use schema::Table;
use schema::virtual_table;
use storage::Engine;

use crate::error::Error;
use crate::registry::Registry;

/// Keys and slices of a command whose memory is kept.
const KEYS_KEPT_MAX: usize = 4;

/// A read that goes on step by step. It holds files and memtables alive, but no lock.
///
/// A read is used again: closed it holds nothing but a little memory, with which
/// [`Coordinator::begin`](crate::Coordinator::begin) carries out the next command.
pub struct Read {
    rows: Rows<Source>,
}

/// Where rows come from: storage, unless they are computed.
#[derive(Default)]
struct Source {
    stored: storage::Cursor,
    computed: Option<Box<virtual_table::Cursor>>,
}

/// One live row, borrowed until the next step.
#[derive(Clone, Copy, Debug)]
pub struct LiveRow<'a> {
    /// The partition key.
    pub key: PartitionKeyRef<'a>,
    /// The clustering key; none for a row that stands for the partition.
    pub clustering: Option<&'a [u8]>,
    /// The row's image.
    pub image: Option<&'a [u8]>,
    /// The image of the partition's static row.
    pub static_image: Option<&'a [u8]>,
}

impl Default for Read {
    /// A closed one.
    fn default() -> Read {
        Read {
            rows: Rows::new(Source::default(), Command::default()),
        }
    }
}

impl Read {
    /// What is to be read next, to be filled in before it begins.
    pub fn command_mut(&mut self) -> &mut Command {
        self.rows.command_mut()
    }

    /// Begins with the command.
    pub(crate) fn begin(
        &mut self,
        table: &Table,
        engine: &Engine,
        registry: &Registry,
    ) -> Result<(), Error> {
        let command = self.rows.command().clone();
        let source = self.rows.stream_mut();
        if table.is_stored() {
            engine.open_cursor(&mut source.stored, command)?;
        } else {
            let computed = registry.get(table.id).ok_or_else(|| {
                Error::Unavailable(format!(
                    "nothing computes the rows of {} on this node",
                    table.qualified_name()
                ))
            })?;
            let cursor = virtual_table::Cursor::new(computed.clone(), &command);
            source.computed = Some(Box::new(cursor));
        }
        self.rows.restart();
        Ok(())
    }

    /// Lets go of everything but a little memory.
    pub fn close(&mut self) {
        let source = self.rows.stream_mut();
        source.stored.close();
        source.computed = None;
        let command = self.rows.command_mut();
        command.filter = None;
        command.resume = None;
        if let Keys::List(keys) = &mut command.keys {
            keys.truncate(KEYS_KEPT_MAX);
            keys.shrink_to(KEYS_KEPT_MAX);
        }
        command.slices.truncate(KEYS_KEPT_MAX);
        command.slices.shrink_to(KEYS_KEPT_MAX);
        self.rows.restart();
    }

    /// Goes on to the next row.
    pub fn step(&mut self, meter: &mut Meter) -> Result<RowStep, Error> {
        Ok(self.rows.step(meter)?)
    }

    /// The row that the last step came to.
    pub fn row(&self) -> LiveRow<'_> {
        let row = self.rows.row();
        LiveRow {
            key: self.rows.key(),
            clustering: row.map(|row| row.clustering),
            image: row.map(|row| row.image),
            static_image: self.rows.static_image(),
        }
    }

    /// Where the next page goes on.
    pub fn position(&self) -> Position {
        self.rows.position()
    }

    /// Rows, cell groups and tombstones read and not returned so far.
    pub fn dead_rows(&self) -> u64 {
        self.rows.dead_rows()
    }
}

macro_rules! of_source {
    ($self:ident, $cursor:ident => $result:expr) => {
        match $self {
            Source {
                computed: Some($cursor),
                ..
            } => $result,
            Source {
                stored: $cursor, ..
            } => $result,
        }
    };
}

impl Stream for Source {
    #[inline]
    fn step(&mut self, meter: &mut Meter) -> Result<Step, stream::Error> {
        of_source!(self, cursor => cursor.step(meter))
    }

    #[inline]
    fn partition(&self) -> Partition<'_> {
        of_source!(self, cursor => cursor.partition())
    }

    #[inline]
    fn row(&self) -> Row<'_> {
        of_source!(self, cursor => cursor.row())
    }

    fn range_tombstone(&self) -> RangeTombstoneRef<'_> {
        of_source!(self, cursor => cursor.range_tombstone())
    }

    fn skip_partition(&mut self) {
        of_source!(self, cursor => cursor.skip_partition())
    }
}
