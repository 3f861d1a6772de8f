//! A run: the part of one partition that lies in one data block.

use base::bytes::{self, Reader};
use model::Deletion;
use types::token::Token;

use super::{Block, Span};
use crate::format::{
    CONTINUED, DELETION, Handle, MORE, OPEN_END, OPEN_START, SINGLE, STATIC, TOMBSTONES,
};

/// What a run says before its entries, and where these are.
#[derive(Clone, Debug)]
pub struct Run {
    flags: u8,
    /// Its place in the block's directory, unless it is continued.
    entry: Option<u32>,
    token: Token,
    key: Span,
    deletion: Option<Deletion>,
    header: Option<Header>,
    static_row: Option<Span>,
    /// Rows, or the one row without its shared length.
    pub(super) rows: Span,
    pub(super) restarts: Span,
    tombstones: Span,
    end: u32,
}

/// Where the block is in which a continued partition begins; given only if it has a static row there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Bytes from that block's start to this block's.
    pub distance: u64,
    /// Its length, as in its handle.
    pub len: u32,
}

impl Header {
    /// The handle of the block, seen from the block at `offset`.
    pub fn handle(self, offset: u64) -> Option<Handle> {
        let offset = offset.checked_sub(self.distance)?;
        Some(Handle {
            offset,
            len: self.len,
        })
    }
}

/// A range tombstone in a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tombstone {
    /// Bound below all it covers.
    pub start: Span,
    /// Bound above all it covers.
    pub end: Span,
    /// What it deletes.
    pub deletion: Deletion,
    /// Where the next one is.
    pub(super) next: u32,
}

impl Run {
    pub(super) fn decode(block: &Block, at: u32, entry: Option<u32>) -> Result<Run, bytes::Error> {
        let mut input = block.reader(at);
        let flags = input.u8()?;
        check_flags(flags, entry.is_some()).map_err(|what| bytes::Error {
            offset: u64::from(at),
            what,
        })?;
        let key = span(&mut input)?;
        let mut run = Run {
            flags,
            entry,
            token: Token(entry.map_or(0, |entry| block.token(entry))),
            key,
            deletion: None,
            header: None,
            static_row: None,
            rows: Span::default(),
            restarts: Span::default(),
            tombstones: Span::default(),
            end: 0,
        };
        run.decode_head(&mut input)?;
        run.decode_entries(&mut input)?;
        run.end = input.position() as u32;
        Ok(run)
    }

    fn decode_head(&mut self, input: &mut Reader<'_>) -> Result<(), bytes::Error> {
        if self.has(CONTINUED) {
            self.token = Token(input.i64_le()?);
            let distance = input.varint()?;
            if distance > 0 {
                let len = input.varint()?;
                let len = u32::try_from(len).map_err(|_| input.error("impossible block length"))?;
                self.header = Some(Header { distance, len });
            }
        }
        if self.has(DELETION) {
            self.deletion = Some(Deletion::decode(input)?);
        }
        if self.has(STATIC) {
            self.static_row = Some(span(input)?);
        }
        Ok(())
    }

    fn decode_entries(&mut self, input: &mut Reader<'_>) -> Result<(), bytes::Error> {
        if self.has(SINGLE) {
            let start = input.position();
            input.varint_bytes()?;
            input.varint_bytes()?;
            self.rows = Span::new(start, (input.position() - start) as usize);
            return Ok(());
        }
        let rows_len = input.varint_count()?;
        let restart_count = input.varint_count()?;
        let tombstones_len = if self.has(TOMBSTONES) {
            input.varint_count()?
        } else {
            0
        };
        self.rows = take(input, rows_len)?;
        self.restarts = take(input, restart_count.saturating_mul(4))?;
        self.tombstones = take(input, tombstones_len)?;
        Ok(())
    }

    fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// The flags, as in `format`.
    pub fn flags(&self) -> u8 {
        self.flags
    }

    pub(super) fn entry(&self) -> Option<u32> {
        self.entry
    }

    /// Whether the whole partition is one row.
    pub fn is_single(&self) -> bool {
        self.has(SINGLE)
    }

    /// Whether the partition began in an earlier block.
    pub fn is_continued(&self) -> bool {
        self.has(CONTINUED)
    }

    /// Whether the partition goes on in the next data block.
    pub fn has_more(&self) -> bool {
        self.has(MORE)
    }

    /// Whether the first tombstone began in an earlier block.
    pub fn is_open_at_start(&self) -> bool {
        self.has(OPEN_START)
    }

    /// Whether the last tombstone reaches into the next block.
    pub fn is_open_at_end(&self) -> bool {
        self.has(OPEN_END)
    }

    /// The partition's token.
    pub fn token(&self) -> Token {
        self.token
    }

    /// The partition's key.
    pub fn key(&self) -> Span {
        self.key
    }

    /// The partition's deletion.
    pub fn deletion(&self) -> Option<Deletion> {
        self.deletion
    }

    /// The static row, if the partition begins here and has one.
    pub fn static_row(&self) -> Option<Span> {
        self.static_row
    }

    /// Where the static row is, if the partition began in an earlier block and has one.
    pub fn header(&self) -> Option<Header> {
        self.header
    }

    pub(super) fn end(&self) -> u32 {
        self.end
    }

    pub(super) fn tombstones_span(&self) -> Span {
        self.tombstones
    }

    /// The first range tombstone.
    pub fn first_tombstone(&self, block: &Block) -> Result<Option<Tombstone>, bytes::Error> {
        self.tombstone_at(block, self.tombstones.start)
    }

    /// The range tombstone after `former`.
    pub fn next_tombstone(
        &self,
        block: &Block,
        former: &Tombstone,
    ) -> Result<Option<Tombstone>, bytes::Error> {
        self.tombstone_at(block, former.next)
    }

    fn tombstone_at(&self, block: &Block, at: u32) -> Result<Option<Tombstone>, bytes::Error> {
        let end = self.tombstones.end();
        if u64::from(at) >= end {
            return Ok(None);
        }
        let left = Span::new(u64::from(at), (end - u64::from(at)) as usize);
        let mut input = block.reader_of(left);
        Ok(Some(Tombstone {
            start: span(&mut input)?,
            end: span(&mut input)?,
            deletion: Deletion::decode(&mut input)?,
            next: input.position() as u32,
        }))
    }
}

fn span(input: &mut Reader<'_>) -> Result<Span, bytes::Error> {
    let len = input.varint_count()?;
    take(input, len)
}

fn take(input: &mut Reader<'_>, len: usize) -> Result<Span, bytes::Error> {
    let start = input.position();
    input.skip(len)?;
    Ok(Span::new(start, len))
}

fn check_flags(flags: u8, begins: bool) -> Result<(), &'static str> {
    let has = |flag| flags & flag != 0;
    if has(SINGLE) && flags != SINGLE {
        return Err("partition of one row with other flags");
    }
    if has(CONTINUED) == begins {
        return Err("continued partition in the wrong place");
    }
    if has(CONTINUED) && has(STATIC) {
        return Err("static row in a continued partition");
    }
    let open_start = !has(OPEN_START) || (has(CONTINUED) && has(TOMBSTONES));
    let open_end = !has(OPEN_END) || (has(MORE) && has(TOMBSTONES));
    if !open_start || !open_end {
        return Err("open range tombstone in the wrong place");
    }
    Ok(())
}
