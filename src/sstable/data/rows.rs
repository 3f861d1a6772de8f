//! The rows of a run, forwards, from any clustering key on.
//!
//! A [`Rows`] keeps the current clustering key in a buffer of its own, because stored keys lack what they share with
//! the one before; everything else stays in the block. It holds no block: each call is given the one it was made for,
//! so that a cursor may let go of the block and fetch it again.

use base::bytes::{self, Reader};
use smallvec::SmallVec;

use super::{Block, Run, Span};

/// A place among the rows of a run.
#[derive(Debug, Default)]
pub struct Rows {
    key: SmallVec<[u8; 64]>,
    image: Span,
    /// Where the next row is.
    next: u32,
}

/// A row as it lies in a block: what it takes over from the key before, and the rest.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Bytes taken over.
    pub shared: u64,
    /// The other bytes of the key.
    pub rest: Span,
    /// The row.
    pub image: Span,
    /// Where the next row is.
    pub next: u32,
}

impl Rows {
    /// Goes before the first row.
    pub fn rewind(&mut self, run: &Run) {
        self.key.clear();
        self.image = Span::default();
        self.next = run.rows.start;
    }

    /// The clustering key of the current row.
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// The current row's image.
    pub fn image(&self) -> Span {
        self.image
    }

    /// Goes to the next row; false after the last.
    pub fn advance(&mut self, block: &Block, run: &Run) -> Result<bool, bytes::Error> {
        let Some(row) = run.row_at(block, self.next)? else {
            return Ok(false);
        };
        if row.shared > self.key.len() as u64 {
            return Err(block
                .reader_of(row.rest)
                .error("clustering key shares more than there is"));
        }
        self.key.truncate(row.shared as usize);
        self.key.extend_from_slice(block.bytes(row.rest));
        self.image = row.image;
        self.next = row.next;
        Ok(true)
    }

    /// Goes to the first row at or above `bound`; false if there is none.
    pub fn seek(&mut self, block: &Block, run: &Run, bound: &[u8]) -> Result<bool, bytes::Error> {
        self.rewind(run);
        self.next = run.restart_before(block, bound)?;
        while self.advance(block, run)? {
            if self.key.as_slice() >= bound {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Run {
    /// The row at `at`; `None` at the end of the rows.
    pub fn row_at(&self, block: &Block, at: u32) -> Result<Option<Row>, bytes::Error> {
        let end = self.rows.end();
        if u64::from(at) >= end {
            return Ok(None);
        }
        let left = Span::new(u64::from(at), (end - u64::from(at)) as usize);
        let mut input = block.reader_of(left);
        let shared = if self.is_single() { 0 } else { input.varint()? };
        let rest = part(&mut input)?;
        let image = part(&mut input)?;
        Ok(Some(Row {
            shared,
            rest,
            image,
            next: input.position() as u32,
        }))
    }

    /// Where the rows begin.
    pub fn rows_start(&self) -> u32 {
        self.rows.start
    }

    /// Number of restart points.
    pub(super) fn restart_count(&self) -> usize {
        self.restarts.len() / 4
    }

    /// Where the `index`th restart point is.
    pub(super) fn restart(&self, block: &Block, index: usize) -> u32 {
        let bytes = block.bytes(self.restarts);
        let offset = bytes.get(4 * index..).and_then(|rest| rest.first_chunk());
        // Beyond the block reads as no row at all.
        offset.map_or(u32::MAX, |offset| {
            self.rows.start.saturating_add(u32::from_le_bytes(*offset))
        })
    }

    /// Where the last restart point is whose key is at or below `bound`, else the first row.
    fn restart_before(&self, block: &Block, bound: &[u8]) -> Result<u32, bytes::Error> {
        let (mut low, mut high) = (0, self.restart_count());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.restart_key(block, middle)? <= bound {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(match low.checked_sub(1) {
            None => self.rows.start,
            Some(restart) => self.restart(block, restart),
        })
    }

    fn restart_key<'a>(&self, block: &'a Block, index: usize) -> Result<&'a [u8], bytes::Error> {
        let wrong = || block.reader_of(self.restarts).error("bad restart point");
        let row = self.row_at(block, self.restart(block, index))?;
        let row = row.filter(|row| row.shared == 0).ok_or_else(wrong)?;
        Ok(block.bytes(row.rest))
    }
}

fn part(input: &mut Reader<'_>) -> Result<Span, bytes::Error> {
    let len = input.varint_count()?;
    let start = input.position();
    input.skip(len)?;
    Ok(Span::new(start, len))
}
