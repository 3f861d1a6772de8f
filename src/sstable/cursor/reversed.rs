//! Rows and range tombstones of a run, largest first.
//!
//! Stored keys build on the one before, so a run is gone through once, forwards, and its keys are kept.

use base::bytes;
use model::key::Slice;

use super::{Entry, Given};
use crate::data::{Block, Rows, Run, Span, Tombstone};

/// A place between the entries of a run.
#[derive(Default)]
pub(super) struct Reversed {
    rows: Rows,
    /// All keys of the run, one behind the other.
    keys: Vec<u8>,
    /// Where each key ends in `keys`, and its image.
    entries: Vec<(u32, Span)>,
    tombstones: Vec<Tombstone>,
    /// How many rows and tombstones are left to give.
    rows_left: usize,
    tombstones_left: usize,
}

impl Reversed {
    /// Goes to where a slice begins, at its end, in a run.
    pub(super) fn begin(
        &mut self,
        block: &Block,
        run: &Run,
        slice: &Slice,
    ) -> Result<(), bytes::Error> {
        self.enter(block, run)?;
        while self.rows_left > 0 && *self.key(self.rows_left - 1) >= slice.end[..] {
            self.rows_left -= 1;
        }
        while let Some(tombstone) = self.tombstone()
            && *block.bytes(tombstone.start) >= slice.end[..]
        {
            self.tombstones_left -= 1;
        }
        Ok(())
    }

    /// Goes to the end of a run.
    pub(super) fn enter(&mut self, block: &Block, run: &Run) -> Result<(), bytes::Error> {
        self.keys.clear();
        self.entries.clear();
        self.tombstones.clear();
        self.rows.rewind(run);
        while self.rows.advance(block, run)? {
            self.keys.extend_from_slice(self.rows.key());
            self.entries
                .push((self.keys.len() as u32, self.rows.image()));
        }
        let mut next = run.first_tombstone(block)?;
        while let Some(tombstone) = next {
            self.tombstones.push(tombstone);
            next = run.next_tombstone(block, &tombstone)?;
        }
        self.rows_left = self.entries.len();
        self.tombstones_left = self.tombstones.len();
        Ok(())
    }

    /// What comes next in the slice.
    pub(super) fn next(
        &mut self,
        block: &Block,
        slice: &Slice,
        given: &Given,
    ) -> Result<Entry, bytes::Error> {
        while let Some(tombstone) = self.tombstone()
            && given.is_past_reversed(block.bytes(tombstone.start))
        {
            self.tombstones_left -= 1;
        }
        let row = self.rows_left.checked_sub(1).map(|row| self.key(row));
        let row = row.filter(|key| **key >= slice.start[..]);
        if let Some(tombstone) = self.tombstone() {
            let end = block.bytes(tombstone.end);
            if *end > slice.start[..] && row.is_none_or(|key| end > key) {
                self.tombstones_left -= 1;
                return Ok(Entry::Tombstone(tombstone));
            }
        }
        if row.is_none() {
            return Ok(Entry::Done);
        }
        self.rows_left -= 1;
        Ok(Entry::Row)
    }

    fn tombstone(&self) -> Option<Tombstone> {
        let last = self.tombstones_left.checked_sub(1)?;
        self.tombstones.get(last).copied()
    }

    fn key(&self, row: usize) -> &[u8] {
        let start = row
            .checked_sub(1)
            .map_or(0, |former| self.entries[former].0);
        &self.keys[start as usize..self.entries[row].0 as usize]
    }

    /// Whether nothing is left of the run.
    pub(super) fn is_exhausted(&self) -> bool {
        self.rows_left == 0 && self.tombstones_left == 0
    }

    /// The row given last.
    pub(super) fn row(&self) -> (&[u8], Span) {
        let Some((_, image)) = self.entries.get(self.rows_left) else {
            return (&[], Span::default());
        };
        (self.key(self.rows_left), *image)
    }
}
