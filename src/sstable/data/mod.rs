//! Data blocks: the entries of a file, some 16 KiB at a time.
//!
//! The layout is in `format`. A [`Block`] is the decompressed contents as they are; [`Run`]s and rows are decoded where
//! they are looked at, with checked cursors, so that a block that is loaded for one row costs one row. Loading checks
//! the directory; [`Block::check`] checks everything, for `inspect` and for tests.
//!
//! A point look-up is a binary search of the sorted tokens at the block's end, and for a large partition one among
//! the restart points.

mod builder;
mod check;
mod rows;
mod run;

use std::cmp::Ordering;

use base::bytes::{self, Reader};
use types::token::Token;

pub use builder::{Builder, Start};
pub use rows::{Row, Rows};
pub use run::{Header, Run, Tombstone};

/// A decoded data block.
#[derive(Debug)]
pub struct Block {
    plain: Vec<u8>,
    /// Where the runs end and the tokens begin.
    runs_end: u32,
    /// Partitions that begin here.
    count: u32,
}

/// A part of a block. Taking one that is not inside gives no bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    start: u32,
    len: u32,
}

impl Span {
    fn new(start: u64, len: usize) -> Span {
        // A block is at most a GiB.
        Span {
            start: start as u32,
            len: len as u32,
        }
    }

    /// Length in bytes.
    pub fn len(self) -> usize {
        self.len as usize
    }

    /// Whether it has no bytes.
    pub fn is_empty(self) -> bool {
        self.len == 0
    }

    fn end(self) -> u64 {
        u64::from(self.start) + u64::from(self.len)
    }
}

impl Block {
    /// Takes the contents of a data block, whose directory is checked.
    pub fn decode(plain: Vec<u8>) -> Result<Block, bytes::Error> {
        let whole = Reader::new(&plain);
        let too_short = || whole.error("truncated block directory");
        let count_at = plain.len().checked_sub(4).ok_or_else(too_short)?;
        let count = Reader::new(&plain[count_at..]).u32_le()?;
        let directory = u64::from(count) * 12;
        let runs_end = (count_at as u64)
            .checked_sub(directory)
            .ok_or_else(too_short)?;
        let block = Block {
            runs_end: runs_end as u32,
            count,
            plain,
        };
        block.check_directory()?;
        Ok(block)
    }

    fn check_directory(&self) -> Result<(), bytes::Error> {
        let wrong = |what| {
            Err(bytes::Error {
                offset: u64::from(self.runs_end),
                what,
            })
        };
        if self.runs_end == 0 {
            return wrong("block without entries");
        }
        for entry in 1..self.count {
            if self.token(entry - 1) > self.token(entry)
                || self.start(entry - 1) >= self.start(entry)
            {
                return wrong("block directory out of order");
            }
        }
        if self.count > 0 && self.start(self.count - 1) >= self.runs_end {
            return wrong("block directory beyond the entries");
        }
        Ok(())
    }

    /// Partitions that begin here.
    pub fn partitions(&self) -> u32 {
        self.count
    }

    /// Bytes of memory.
    pub fn weight(&self) -> usize {
        self.plain.len()
    }

    /// The bytes of a span.
    #[inline]
    pub fn bytes(&self, span: Span) -> &[u8] {
        let start = span.start as usize;
        self.plain
            .get(start..start + span.len())
            .unwrap_or_default()
    }

    fn fixed<const N: usize>(&self, at: usize) -> [u8; N] {
        self.plain
            .get(at..)
            .and_then(|rest| rest.first_chunk::<N>())
            .copied()
            .unwrap_or([0; N])
    }

    /// The token of the `entry`th partition beginning here.
    #[inline]
    fn token(&self, entry: u32) -> i64 {
        i64::from_le_bytes(self.fixed(self.runs_end as usize + 8 * entry as usize))
    }

    /// Where the run of the `entry`th partition beginning here starts.
    #[inline]
    fn start(&self, entry: u32) -> u32 {
        let offsets = self.runs_end as usize + 8 * self.count as usize;
        u32::from_le_bytes(self.fixed(offsets + 4 * entry as usize))
    }

    fn reader(&self, at: u32) -> Reader<'_> {
        let runs = &self.plain[..self.runs_end as usize];
        Reader::at(runs.get(at as usize..).unwrap_or_default(), u64::from(at))
    }

    /// A cursor over a span.
    fn reader_of(&self, span: Span) -> Reader<'_> {
        Reader::at(self.bytes(span), u64::from(span.start))
    }

    /// The run of this partition, if the block has one.
    pub fn find(&self, token: Token, key: &[u8]) -> Result<Option<Run>, bytes::Error> {
        let mut entry = self.first_not_below(token.0);
        while entry < self.count && self.token(entry) == token.0 {
            let run = Run::decode(self, self.start(entry), Some(entry))?;
            match self.bytes(run.key()).cmp(key) {
                Ordering::Less => entry += 1,
                Ordering::Equal => return Ok(Some(run)),
                Ordering::Greater => break,
            }
        }
        let continued = self.continued()?;
        Ok(continued.filter(|run| run.token() == token && self.bytes(run.key()) == key))
    }

    /// The first run that is at or after this token, whether it begins here or not.
    pub fn find_token(&self, token: Token) -> Result<Option<Run>, bytes::Error> {
        if let Some(run) = self.continued()?
            && run.token() >= token
        {
            return Ok(Some(run));
        }
        self.begun(self.first_not_below(token.0))
    }

    fn first_not_below(&self, token: i64) -> u32 {
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.token(middle) < token {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// The run of the `entry`th partition beginning here.
    fn begun(&self, entry: u32) -> Result<Option<Run>, bytes::Error> {
        if entry >= self.count {
            return Ok(None);
        }
        Run::decode(self, self.start(entry), Some(entry)).map(Some)
    }

    /// The first run, if its partition began in an earlier block.
    fn continued(&self) -> Result<Option<Run>, bytes::Error> {
        if self.count > 0 && self.start(0) == 0 {
            return Ok(None);
        }
        Run::decode(self, 0, None).map(Some)
    }

    /// The first run.
    pub fn first(&self) -> Result<Run, bytes::Error> {
        let entry = (self.count > 0 && self.start(0) == 0).then_some(0);
        Run::decode(self, 0, entry)
    }

    /// The last run.
    pub fn last(&self) -> Result<Run, bytes::Error> {
        match self.count.checked_sub(1) {
            None => self.first(),
            Some(entry) => Run::decode(self, self.start(entry), Some(entry)),
        }
    }

    /// The run after this one.
    pub fn next(&self, run: &Run) -> Result<Option<Run>, bytes::Error> {
        self.begun(run.entry().map_or(0, |entry| entry + 1))
    }
}

#[cfg(test)]
mod tests;
