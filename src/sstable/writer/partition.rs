//! The partition that a writer is in: what it must remember to check the order and to go on in another block.

use model::{Deletion, PartitionKeyRef};
use types::token::Token;

use crate::data::Header;
use crate::format::Handle;

/// The current partition; its buffers stay for the next one.
#[derive(Debug)]
pub(super) struct Partition {
    pub(super) token: Token,
    pub(super) key: Vec<u8>,
    pub(super) deletion: Option<Deletion>,
    /// Whether entries may be added.
    pub(super) active: bool,
    /// Whether it has anything, and so is in filter and statistics.
    pub(super) counted: bool,
    /// Entries in the current block.
    pub(super) entries: usize,
    /// Where the last entry is: a row's key or a tombstone's start. Empty before the first.
    pub(super) last: Vec<u8>,
    pub(super) rows: u64,
    pub(super) bytes: u64,
    /// The last range tombstone, not written yet: the next one may cut it short.
    pub(super) open: Option<Tombstone>,
    last_is_row: bool,
    any_entry: bool,
    any_partition: bool,
    has_static: bool,
    /// The block it began in, if that is sealed.
    began: Option<Handle>,
}

/// A range tombstone that may reach into the next block.
#[derive(Debug)]
pub(super) struct Tombstone {
    pub(super) start: Vec<u8>,
    pub(super) end: Vec<u8>,
    pub(super) deletion: Deletion,
    /// Whether it is in the block before, too.
    pub(super) carried: bool,
}

impl Default for Partition {
    fn default() -> Partition {
        Partition {
            token: Token::MIN,
            key: Vec::new(),
            deletion: None,
            active: false,
            counted: false,
            entries: 0,
            last: Vec::new(),
            rows: 0,
            bytes: 0,
            open: None,
            last_is_row: false,
            any_entry: false,
            any_partition: false,
            has_static: false,
            began: None,
        }
    }
}

impl Partition {
    pub(super) fn begin(
        &mut self,
        key: PartitionKeyRef<'_>,
        deletion: Option<Deletion>,
        has_static: bool,
    ) {
        let (mut key_buffer, mut last) = (
            std::mem::take(&mut self.key),
            std::mem::take(&mut self.last),
        );
        key_buffer.clear();
        key_buffer.extend_from_slice(key.bytes);
        last.clear();
        *self = Partition {
            token: key.token,
            key: key_buffer,
            last,
            deletion,
            active: true,
            any_partition: true,
            has_static,
            bytes: key.bytes.len() as u64,
            ..Partition::default()
        };
    }

    pub(super) fn key_ref(&self) -> PartitionKeyRef<'_> {
        PartitionKeyRef {
            token: self.token,
            bytes: &self.key,
        }
    }

    /// Whether a partition with this key may follow.
    pub(super) fn may_precede(&self, key: PartitionKeyRef<'_>) -> bool {
        !self.any_partition || self.key_ref() < key
    }

    pub(super) fn check_row(&self, clustering: &[u8]) -> Result<(), &'static str> {
        if !self.active {
            return Err("row outside of a partition");
        }
        let last = self.last.as_slice();
        let follows = if self.last_is_row {
            last < clustering
        } else {
            last <= clustering
        };
        if self.any_entry && !follows {
            return Err("row out of order");
        }
        Ok(())
    }

    pub(super) fn check_tombstone(&self, start: &[u8], end: &[u8]) -> Result<(), &'static str> {
        if !self.active {
            return Err("range tombstone outside of a partition");
        }
        let last = self.last.as_slice();
        let follows = if self.last_is_row {
            last < start
        } else {
            last <= start
        };
        if start >= end || (self.any_entry && !follows) {
            return Err("range tombstone out of order");
        }
        Ok(())
    }

    pub(super) fn note_row(&mut self, clustering: &[u8], image: &[u8]) {
        self.note_entry(clustering, true);
        self.rows += 1;
        self.bytes += (clustering.len() + image.len()) as u64;
    }

    /// Takes a tombstone in; returns the one before, cut where this one begins, if anything of it is left.
    pub(super) fn note_tombstone(
        &mut self,
        start: &[u8],
        end: &[u8],
        deletion: Deletion,
    ) -> Option<Tombstone> {
        self.note_entry(start, false);
        let former = self.open.replace(Tombstone {
            start: start.to_vec(),
            end: end.to_vec(),
            deletion,
            carried: false,
        });
        let mut former = former?;
        if former.end.as_slice() > start {
            former.end.clear();
            former.end.extend_from_slice(start);
        }
        (former.start < former.end).then_some(former)
    }

    fn note_entry(&mut self, position: &[u8], is_row: bool) {
        self.last.clear();
        self.last.extend_from_slice(position);
        self.last_is_row = is_row;
        self.any_entry = true;
        self.entries += 1;
    }

    /// Where the partition began, seen from a block at `offset`, if there is a static row to be found; `sealed` is the
    /// block just sealed.
    pub(super) fn header(&mut self, sealed: Handle, offset: u64) -> Option<Header> {
        let began = *self.began.get_or_insert(sealed);
        self.has_static.then_some(Header {
            distance: offset - began.offset,
            len: began.len,
        })
    }
}
