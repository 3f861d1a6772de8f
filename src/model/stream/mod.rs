//! Partitions, rows and range tombstones in order: what readers, merges, compaction and repair all work on.
//!
//! A stream is stepped. Per partition it says [`Step::Partition`], then rows and range tombstones, then
//! [`Step::PartitionEnd`]; after the last partition [`Step::End`], from then on for ever.
//!
//! - Partitions ascend by token and key. Rows ascend by clustering key, strictly, or descend ([`Direction`]).
//! - A range tombstone comes before the rows it covers: forward at its start, after rows with smaller keys and before
//!   a row with this key; reversed at its end, after rows with this key or larger ones. It may begin before, or end
//!   after, the slice that was asked for.
//! - A key's deletion is the *strongest* of all range tombstones given so far that contain it. Mostly they are
//!   disjoint. A merge learns of a stronger one only while it is inside a weaker one, which it has already given: it then
//!   gives the stronger, and at its end the rest of the weaker again. So a consumer may keep all, or only the last:
//!   both see the same deletion for every row. What is left of an earlier one after a later one began is
//!   `earlier.start .. later.start`.
//! - Rows may be given that the stream's own deletions cover; [`Merge`] gives none of these.
//! - [`Step::Yield`] and [`Step::Wait`] may come at any time and lose nothing: the next step goes on.
//! - After an error a stream is not stepped again.
//!
//! Lending: what the accessors return borrows from the stream and is valid until its next step.

mod memory;
mod merge;
mod sweep;

pub use memory::{Cursor, Memory};
pub use merge::Merge;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use base::meter::Meter;
use types::Token;

pub use crate::key::RangeTombstoneRef;
use crate::{Deletion, PartitionKeyRef};

/// What a stream has come to.
#[derive(Debug)]
pub enum Step {
    /// A partition begins.
    Partition,
    /// A row.
    Row,
    /// A range tombstone.
    RangeTombstone,
    /// The partition ends.
    PartitionEnd,
    /// There is nothing more.
    End,
    /// The meter is exhausted: step again in another turn.
    Yield,
    /// Something must be read first: await it, then step again.
    Wait(Wait),
}

/// Ends when a stream that answered [`Step::Wait`] can go on.
pub struct Wait(pub Pin<Box<dyn Future<Output = ()> + Send>>);

impl Wait {
    /// Waits for `future`.
    pub fn new(future: impl Future<Output = ()> + Send + 'static) -> Wait {
        Wait(Box::pin(future))
    }
}

impl Future for Wait {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(context)
    }
}

impl fmt::Debug for Wait {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Wait")
    }
}

/// The order of rows within a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// Smallest clustering key first.
    #[default]
    Forward,
    /// Largest clustering key first.
    Reversed,
}

impl Direction {
    /// From a flag.
    pub fn reversed(reversed: bool) -> Direction {
        if reversed {
            Direction::Reversed
        } else {
            Direction::Forward
        }
    }
}

/// What a partition begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partition<'a> {
    /// Its key.
    pub key: PartitionKeyRef<'a>,
    /// Its deletion.
    pub deletion: Option<Deletion>,
    /// The image of its static row.
    pub static_row: Option<&'a [u8]>,
}

impl Partition<'_> {
    /// What is between partitions.
    pub const NONE: Partition<'static> = Partition {
        key: PartitionKeyRef {
            token: Token::MIN,
            bytes: &[],
        },
        deletion: None,
        static_row: None,
    };
}

/// A row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row<'a> {
    /// Its clustering key.
    pub clustering: &'a [u8],
    /// Its image.
    pub image: &'a [u8],
}

impl Row<'_> {
    /// What is where there is no row.
    pub const NONE: Row<'static> = Row {
        clustering: &[],
        image: &[],
    };
}

/// Why a stream cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A file holds bytes that are not what was written: quarantine it.
    #[error("{file} is damaged at byte {offset}: {what}")]
    Corrupt {
        /// The file.
        file: String,
        /// Where in it.
        offset: u64,
        /// What was wrong there.
        what: String,
    },
    /// The disk did not answer: the operation fails, others may not.
    #[error("{0}")]
    Io(String),
    /// The source is shutting down: ask another node.
    #[error("the source of the data is closed")]
    Closed,
    /// A source that computes its rows could not: the text says why.
    #[error("{0}")]
    Source(String),
}

/// Partitions, rows and range tombstones in order.
pub trait Stream: Send {
    /// Goes on to the next thing.
    fn step(&mut self, meter: &mut Meter) -> Result<Step, Error>;

    /// The partition, from [`Step::Partition`] to [`Step::PartitionEnd`].
    fn partition(&self) -> Partition<'_>;

    /// The row, after [`Step::Row`].
    fn row(&self) -> Row<'_>;

    /// The range tombstone, after [`Step::RangeTombstone`].
    fn range_tombstone(&self) -> RangeTombstoneRef<'_>;

    /// Within a partition: the next step goes to the next partition, without [`Step::PartitionEnd`] for this one.
    fn skip_partition(&mut self);
}

impl<S: Stream + ?Sized> Stream for Box<S> {
    fn step(&mut self, meter: &mut Meter) -> Result<Step, Error> {
        (**self).step(meter)
    }

    fn partition(&self) -> Partition<'_> {
        (**self).partition()
    }

    fn row(&self) -> Row<'_> {
        (**self).row()
    }

    fn range_tombstone(&self) -> RangeTombstoneRef<'_> {
        (**self).range_tombstone()
    }

    fn skip_partition(&mut self) {
        (**self).skip_partition();
    }
}

#[cfg(test)]
pub(crate) mod tests;
