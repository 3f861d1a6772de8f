//! Rows and range tombstones of a run, smallest first.
//!
//! The row is looked up one ahead: `row` is the next one until it is given, and stays the one given until the next call.

use base::bytes;
use model::key::Slice;

use super::{Entry, Given};
use crate::data::{Block, Rows, Run, Span, Tombstone};

/// A place between the entries of a run.
#[derive(Default)]
pub(super) struct Forward {
    rows: Rows,
    ahead: Ahead,
    tombstone: Option<Tombstone>,
}

/// What `rows` is at.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Ahead {
    /// The end of the run.
    #[default]
    None,
    /// A row that comes next.
    Row,
    /// A row that was given.
    Given,
}

impl From<bool> for Ahead {
    fn from(found: bool) -> Ahead {
        if found { Ahead::Row } else { Ahead::None }
    }
}

impl Forward {
    /// Goes to where a slice begins in a run.
    pub(super) fn begin(
        &mut self,
        block: &Block,
        run: &Run,
        slice: &Slice,
    ) -> Result<(), bytes::Error> {
        self.ahead = self.rows.seek(block, run, &slice.start)?.into();
        self.tombstone = run.first_tombstone(block)?;
        Ok(())
    }

    /// Goes to the beginning of a run.
    pub(super) fn enter(&mut self, block: &Block, run: &Run) -> Result<(), bytes::Error> {
        self.rows.rewind(run);
        self.ahead = self.rows.advance(block, run)?.into();
        self.tombstone = run.first_tombstone(block)?;
        Ok(())
    }

    /// What comes next in the slice.
    pub(super) fn next(
        &mut self,
        block: &Block,
        run: &Run,
        slice: &Slice,
        given: &Given,
    ) -> Result<Entry, bytes::Error> {
        if self.ahead == Ahead::Given {
            self.ahead = self.rows.advance(block, run)?.into();
        }
        let row_inside = self.ahead == Ahead::Row && *self.rows.key() < slice.end[..];
        self.skip_tombstones(block, run, slice, given)?;
        if let Some(tombstone) = self.tombstone {
            let start = block.bytes(tombstone.start);
            if *start < slice.end[..] && (!row_inside || start <= self.rows.key()) {
                self.tombstone = run.next_tombstone(block, &tombstone)?;
                return Ok(Entry::Tombstone(tombstone));
            }
        }
        if !row_inside {
            return Ok(Entry::Done);
        }
        self.ahead = Ahead::Given;
        Ok(Entry::Row)
    }

    fn skip_tombstones(
        &mut self,
        block: &Block,
        run: &Run,
        slice: &Slice,
        given: &Given,
    ) -> Result<(), bytes::Error> {
        while let Some(tombstone) = self.tombstone {
            let ends_before = *block.bytes(tombstone.end) <= slice.start[..];
            if !ends_before && !given.is_past(block.bytes(tombstone.start)) {
                break;
            }
            self.tombstone = run.next_tombstone(block, &tombstone)?;
        }
        Ok(())
    }

    /// Whether nothing is left of the run.
    pub(super) fn is_exhausted(&self) -> bool {
        self.ahead == Ahead::None && self.tombstone.is_none()
    }

    /// The row given last.
    pub(super) fn row(&self) -> (&[u8], Span) {
        (self.rows.key(), self.rows.image())
    }
}
