//! Rows as a client reads them: metadata, a count, and cells as `[bytes]`, row by row.
//!
//! The content stays in the message's bytes. It is walked once, so that iterating it cannot meet a malformed cell.

use bytes::{BufMut, BytesMut};

use super::metadata::{HAS_MORE_PAGES, METADATA_CHANGED, Metadata, NO_METADATA};
use crate::version::Version;
use crate::wire::{self, Malformed, Reader};

/// Rows, or a page of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows<'a> {
    /// The columns, unless the client holds them already.
    pub metadata: Option<Metadata>,
    /// The id of the columns, if they are others than the client holds (v5).
    pub new_metadata_id: Option<&'a [u8]>,
    /// Where the next page begins, if there is one.
    pub paging_state: Option<&'a [u8]>,
    column_count: usize,
    row_count: usize,
    content: &'a [u8],
}

impl<'a> Rows<'a> {
    /// How many cells each row has.
    pub fn column_count(&self) -> usize {
        self.column_count
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.row_count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.row_count == 0
    }

    /// The rows in order.
    pub fn iter(&self) -> RowsIter<'a> {
        RowsIter {
            left: self.row_count,
            column_count: self.column_count,
            reader: Reader::new(self.content),
        }
    }

    pub(super) fn decode(reader: &mut Reader<'a>) -> Result<Rows<'a>, Malformed> {
        let flags = reader.int("the metadata's flags")?;
        let column_count = count(reader, "the number of columns")?;
        let paging_state = if flags & HAS_MORE_PAGES != 0 {
            reader.bytes("the paging state")?
        } else {
            None
        };
        let new_metadata_id = if flags & METADATA_CHANGED != 0 {
            Some(reader.short_bytes("the new metadata's id")?)
        } else {
            None
        };
        let metadata = match flags & NO_METADATA {
            0 => Some(Metadata::decode_specs(flags, column_count, reader)?),
            _ => None,
        };
        let row_count = count(reader, "the number of rows")?;
        let content = content(reader, row_count, column_count)?;
        Ok(Rows {
            metadata,
            new_metadata_id,
            paging_state,
            column_count,
            row_count,
            content,
        })
    }

    pub(super) fn encode(&self, version: Version, out: &mut BytesMut) {
        let mut flags = self.metadata.as_ref().map_or(NO_METADATA, Metadata::flags);
        flags |= if self.paging_state.is_some() {
            HAS_MORE_PAGES
        } else {
            0
        };
        flags |= if self.new_metadata_id.is_some() {
            METADATA_CHANGED
        } else {
            0
        };
        out.put_i32(flags);
        out.put_i32(self.column_count as i32);
        if let Some(state) = self.paging_state {
            wire::put_bytes(out, Some(state));
        }
        if let Some(id) = self.new_metadata_id {
            wire::put_short_bytes(out, id);
        }
        if let Some(metadata) = &self.metadata {
            out.put_slice(metadata.specs(version));
        }
        out.put_i32(self.row_count as i32);
        out.put_slice(self.content);
    }
}

/// A count that must not be negative.
pub(super) fn count(reader: &mut Reader<'_>, what: &'static str) -> Result<usize, Malformed> {
    let count = reader.int(what)?;
    usize::try_from(count).map_err(|_| Malformed::new(format!("Invalid count {count} for {what}")))
}

/// Walks over the cells.
fn content<'a>(
    reader: &mut Reader<'a>,
    row_count: usize,
    column_count: usize,
) -> Result<&'a [u8], Malformed> {
    if column_count == 0 && row_count > 0 {
        return Err(Malformed::new("Rows without columns"));
    }
    let cell_count = row_count.saturating_mul(column_count);
    reader.count_within(cell_count, 4, "the rows")?;
    let start = reader.rest();
    for _ in 0..cell_count {
        reader.bytes("a cell")?;
    }
    Ok(&start[..start.len() - reader.remaining()])
}

/// The rows of a page, one after the other.
#[derive(Debug, Clone)]
pub struct RowsIter<'a> {
    left: usize,
    column_count: usize,
    reader: Reader<'a>,
}

impl<'a> Iterator for RowsIter<'a> {
    type Item = Cells<'a>;

    fn next(&mut self) -> Option<Cells<'a>> {
        self.left = self.left.checked_sub(1)?;
        let cells = Cells {
            left: self.column_count,
            reader: self.reader.clone(),
        };
        for _ in 0..self.column_count {
            self.reader.bytes("a cell").ok()?;
        }
        Some(cells)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for RowsIter<'_> {}

/// The cells of a row; `None` is null.
#[derive(Debug, Clone)]
pub struct Cells<'a> {
    left: usize,
    reader: Reader<'a>,
}

impl<'a> Iterator for Cells<'a> {
    type Item = Option<&'a [u8]>;

    fn next(&mut self) -> Option<Option<&'a [u8]>> {
        self.left = self.left.checked_sub(1)?;
        self.reader.bytes("a cell").ok()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Cells<'_> {}
