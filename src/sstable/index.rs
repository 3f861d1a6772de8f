//! Index blocks: from a position to the block that may hold it.
//!
//! Stored with shared prefixes (the layout is in `format`), decoded once into flat arrays, so a search compares
//! slices and the entries before and after are a step away, which reading in reverse needs.
//!
//! What always holds in a decoded index: there is at least one entry, separators ascend strictly, and handles ascend
//! without overlap.

use base::bytes::{self, Reader, put_varint};

use crate::format::Handle;
use crate::position;

/// A decoded index block.
#[derive(Debug, Default)]
pub struct Index {
    separators: Vec<u8>,
    /// Where each separator ends in `separators`.
    ends: Vec<u32>,
    handles: Vec<Handle>,
}

impl Index {
    /// Decodes the contents of an index block; handles are checked against `file_len`.
    pub fn decode(plain: &[u8], file_len: u64) -> Result<Index, bytes::Error> {
        let mut input = Reader::new(plain);
        let mut index = Index::default();
        while !input.is_empty() {
            let start = input.clone();
            let shared = input.varint()?;
            let rest = input.varint_bytes()?;
            let (offset, len) = (input.varint()?, input.varint()?);
            let len = u32::try_from(len).map_err(|_| start.error("impossible block length"))?;
            index
                .push(shared, rest, Handle { offset, len }, file_len)
                .map_err(|what| start.error(what))?;
        }
        if index.handles.is_empty() {
            return Err(input.error("empty index"));
        }
        Ok(index)
    }

    fn push(
        &mut self,
        shared: u64,
        rest: &[u8],
        handle: Handle,
        file_len: u64,
    ) -> Result<(), &'static str> {
        let former = match self.ends.len().checked_sub(1) {
            Some(last) => self.range(last),
            None => 0..0,
        };
        if shared > former.len() as u64 {
            return Err("separator shares more than there is");
        }
        handle.check(file_len)?;
        self.separators
            .extend_from_within(former.start..former.start + shared as usize);
        self.separators.extend_from_slice(rest);
        self.ends.push(self.separators.len() as u32);
        self.handles.push(handle);
        self.check_last()
    }

    fn check_last(&self) -> Result<(), &'static str> {
        let last = self.handles.len() - 1;
        if self.separators.len() > u32::MAX as usize {
            return Err("index too long");
        }
        let Some(former) = last.checked_sub(1) else {
            return Ok(());
        };
        let ordered = self.separators[self.range(former)] < self.separators[self.range(last)];
        let apart = self.handles[former].end() <= Some(self.handles[last].offset);
        if !ordered || !apart {
            return Err("index out of order");
        }
        Ok(())
    }

    fn range(&self, entry: usize) -> std::ops::Range<usize> {
        let start = entry
            .checked_sub(1)
            .map_or(0, |former| self.ends[former] as usize);
        start..self.ends[entry] as usize
    }

    /// Number of entries, at least one.
    #[expect(clippy::len_without_is_empty, reason = "an index is never empty")]
    pub fn len(&self) -> usize {
        self.handles.len()
    }

    /// The block of an entry.
    pub fn handle(&self, entry: usize) -> Option<Handle> {
        self.handles.get(entry).copied()
    }

    /// The separator of an entry.
    pub fn separator(&self, entry: usize) -> Option<&[u8]> {
        (entry < self.len()).then(|| &self.separators[self.range(entry)])
    }

    /// The entry of the largest separator not above `target`, or the first.
    pub fn find(&self, target: &[u8]) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if &self.separators[self.range(middle)] <= target {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low.saturating_sub(1)
    }

    /// Bytes of memory.
    pub fn weight(&self) -> usize {
        self.separators.len() + self.ends.len() * 4 + self.handles.len() * size_of::<Handle>()
    }
}

/// Builds one index block.
#[derive(Debug, Default)]
pub struct Builder {
    plain: Vec<u8>,
    last: Vec<u8>,
    first: Vec<u8>,
}

impl Builder {
    /// Adds the block `handle`, whose separator is above all before.
    pub fn add(&mut self, separator: &[u8], handle: Handle) {
        if self.plain.is_empty() {
            self.first.clear();
            self.first.extend_from_slice(separator);
            self.last.clear();
        }
        let shared = position::shared_len(&self.last, separator);
        put_varint(&mut self.plain, shared as u64);
        bytes::put_varint_bytes(&mut self.plain, &separator[shared..]);
        put_varint(&mut self.plain, handle.offset);
        put_varint(&mut self.plain, u64::from(handle.len));
        self.last.clear();
        self.last.extend_from_slice(separator);
    }

    /// Length of the block so far.
    pub fn len(&self) -> usize {
        self.plain.len()
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.plain.is_empty()
    }

    /// The first separator.
    pub fn first(&self) -> &[u8] {
        &self.first
    }

    /// The contents of the block.
    pub fn plain(&self) -> &[u8] {
        &self.plain
    }

    /// Starts the next block.
    pub fn clear(&mut self) {
        self.plain.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE_LEN: u64 = 1 << 40;

    fn handle(offset: u64) -> Handle {
        Handle { offset, len: 100 }
    }

    fn build(separators: &[&str]) -> Vec<u8> {
        let mut builder = Builder::default();
        for (at, separator) in separators.iter().enumerate() {
            builder.add(separator.as_bytes(), handle(100 + 100 * at as u64));
        }
        builder.plain
    }

    #[test]
    fn finds_the_block_of_a_position() {
        let index = Index::decode(&build(&["", "ab", "abc", "b"]), FILE_LEN).expect("valid");
        let check = |target: &str, entry: usize| assert_eq!(index.find(target.as_bytes()), entry);
        check("", 0);
        check("aa", 0);
        check("ab", 1);
        check("abb", 1);
        check("abc", 2);
        check("abzzz", 2);
        check("zz", 3);
        assert_eq!(index.separator(2), Some(&b"abc"[..]));
        assert_eq!(index.handle(3), Some(handle(400)));
        assert_eq!(index.handle(4), None);
    }

    #[test]
    fn refuses_disorder() {
        let check = |plain: &[u8]| assert!(Index::decode(plain, FILE_LEN).is_err(), "{plain:?}");
        check(&[]);
        check(&build(&["b", "a"]));
        check(&build(&["a", "a"]));
        let mut builder = Builder::default();
        builder.add(b"a", handle(200));
        builder.add(b"b", handle(299));
        check(&builder.plain);
        builder.clear();
        builder.add(b"a", handle(FILE_LEN));
        check(&builder.plain);
        let valid = build(&["a", "ab", "abc"]);
        for cut in 1..valid.len() {
            // Cutting between entries leaves a shorter valid index; anything else is refused. Never a panic.
            let _ = Index::decode(&valid[..cut], FILE_LEN);
        }
        check(&valid[..valid.len() - 1]);
        check(&[1, 1, b'x', 100, 50]);
    }
}
