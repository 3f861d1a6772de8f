//! Rows as a server writes them: straight into the buffer that goes to the socket.
//!
//! How: `begin` writes header and metadata, `cell` and `end_row` append the rows, `finish` patches what only the end knows: the
//! length, the number of rows, the paging state, warnings. Cells are copied once, from the row image to the buffer.
//!
//! The paging state stands before the rows, and whether there is one shows after them. So `begin` takes the length that it will
//! probably have and leaves room: the length of the request's own paging state, from the second page on, since the states of one
//! statement rarely differ in length. If the guess holds, `finish` fills the room; if not, it moves the rows by the difference,
//! one `memmove` per page, which for 5,000 rows costs about a hundredth of writing them. A request without a page size never has one.
//!
//! - Nothing else is appended to the buffer between `begin` and `finish` or `cancel`. A read that has to wait writes into a
//!   buffer of its own.
//! - Every row has as many cells as the metadata has columns.

use bytes::{BufMut, BytesMut};

use super::ROWS;
use super::metadata::{HAS_MORE_PAGES, METADATA_CHANGED, Metadata, NO_METADATA};
use crate::frame::{self, Opcode, flags};
use crate::response::Head;
use crate::wire;

/// How much of the metadata an answer carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetadataChoice<'a> {
    /// All.
    Full,
    /// None: the client holds it.
    Skip,
    /// All, with this id: the client holds other metadata (v5).
    Changed(&'a [u8]),
}

/// A RESULT of rows that is being written.
#[derive(Debug)]
#[must_use = "rows are finished or cancelled"]
pub struct RowsWriter {
    envelope: frame::Unfinished,
    /// Where the warnings are, or go; their number if there are some.
    warnings: WarningsPlace,
    metadata_offset: usize,
    /// The room left for a paging state, its length field included.
    reserved_bytes: usize,
    count_offset: usize,
    row_count: u32,
    column_count: usize,
    /// Cells of the row that is being written: every row must get all of its.
    open_cells: usize,
}

#[derive(Debug, Clone, Copy)]
struct WarningsPlace {
    start: usize,
    end: usize,
    count: u16,
}

/// Offset of the metadata's fields behind its flags and number of columns.
const PAGING_STATE_OFFSET: usize = 8;
const LENGTH_BYTES: usize = 4;

impl RowsWriter {
    /// Writes everything before the first row, with room for a paging state of this length.
    pub fn begin(
        out: &mut BytesMut,
        head: &Head<'_>,
        metadata: &Metadata,
        choice: MetadataChoice<'_>,
        paging_state_bytes: Option<usize>,
    ) -> RowsWriter {
        let envelope = head.begin(Opcode::Result, out);
        let start = envelope.start() + frame::HEADER_BYTES + head.tracing_bytes();
        let warnings = WarningsPlace {
            start,
            end: start + head.warnings_bytes(),
            count: head.warnings.len().min(usize::from(u16::MAX)) as u16,
        };
        out.put_i32(ROWS);
        let metadata_offset = out.len();
        out.put_i32(match choice {
            MetadataChoice::Full => metadata.flags(),
            MetadataChoice::Skip => metadata.flags() | NO_METADATA,
            MetadataChoice::Changed(_) => metadata.flags() | METADATA_CHANGED,
        });
        out.put_i32(metadata.count());
        let reserved_bytes = paging_state_bytes.map_or(0, |bytes| LENGTH_BYTES + bytes);
        out.put_bytes(0, reserved_bytes);
        match choice {
            MetadataChoice::Full => out.put_slice(metadata.specs(head.version)),
            MetadataChoice::Skip => {}
            MetadataChoice::Changed(id) => {
                wire::put_short_bytes(out, id);
                out.put_slice(metadata.specs(head.version));
            }
        }
        let count_offset = out.len();
        out.put_u32(0);
        let column_count = metadata.columns().len();
        RowsWriter {
            envelope,
            warnings,
            metadata_offset,
            reserved_bytes,
            count_offset,
            row_count: 0,
            column_count,
            open_cells: 0,
        }
    }

    /// Appends the next cell of the row.
    #[inline]
    pub fn cell(&mut self, out: &mut BytesMut, value: Option<&[u8]>) {
        self.open_cells += 1;
        wire::put_bytes(out, value);
    }

    /// Appends the next cell of the row from a function that writes its bytes.
    pub fn cell_with(&mut self, out: &mut BytesMut, write: impl FnOnce(&mut BytesMut)) {
        self.open_cells += 1;
        let start = out.len();
        out.put_u32(0);
        write(out);
        let length =
            u32::try_from(out.len() - start - LENGTH_BYTES).expect("a value is at most 16 MiB");
        out[start..start + LENGTH_BYTES].copy_from_slice(&length.to_be_bytes());
    }

    /// Ends the row.
    ///
    /// # Panics
    /// If it has more or fewer cells than there are columns.
    #[inline]
    pub fn end_row(&mut self) {
        assert_eq!(
            self.open_cells, self.column_count,
            "cells in a row of {} columns",
            self.column_count
        );
        self.open_cells = 0;
        self.row_count += 1;
    }

    /// How many rows were written.
    pub fn row_count(&self) -> usize {
        self.row_count as usize
    }

    /// How long the envelope is so far.
    pub fn envelope_bytes(&self, out: &BytesMut) -> usize {
        out.len() - self.envelope.start()
    }

    /// Takes what was written out of the common buffer into one of its own, in which writing goes on. It is copied: taken
    /// apart, the common buffer would have no room left, and both would hold the memory of the larger.
    pub fn detach(&mut self, out: &mut BytesMut) -> BytesMut {
        let start = self.envelope.start();
        self.envelope = self.envelope.moved_back(start);
        self.warnings.start -= start;
        self.warnings.end -= start;
        self.metadata_offset -= start;
        self.count_offset -= start;
        let detached = BytesMut::from(&out[start..]);
        out.truncate(start);
        detached
    }

    /// Ends the rows. The warnings come after those that the head had.
    pub fn finish(self, out: &mut BytesMut, paging_state: Option<&[u8]>, warnings: &[String]) {
        debug_assert_eq!(self.open_cells, 0, "cells of a row that was not ended");
        out[self.count_offset..self.count_offset + LENGTH_BYTES]
            .copy_from_slice(&self.row_count.to_be_bytes());
        // From the back to the front, so that no offset is moved before it is used.
        self.put_paging_state(out, paging_state);
        if !warnings.is_empty() {
            self.put_warnings(out, warnings);
        }
        frame::finish(out, self.envelope);
    }

    /// Takes back everything since `begin`, to answer with an error instead.
    pub fn cancel(self, out: &mut BytesMut) {
        out.truncate(self.envelope.start());
    }

    fn put_paging_state(&self, out: &mut BytesMut, paging_state: Option<&[u8]>) {
        let start = self.metadata_offset + PAGING_STATE_OFFSET;
        let Some(state) = paging_state else {
            resize_within(out, start, self.reserved_bytes, 0);
            return;
        };
        resize_within(out, start, self.reserved_bytes, LENGTH_BYTES + state.len());
        let length = u32::try_from(state.len()).expect("a paging state is at most a few keys long");
        out[start..start + LENGTH_BYTES].copy_from_slice(&length.to_be_bytes());
        out[start + LENGTH_BYTES..][..state.len()].copy_from_slice(state);
        // The flags are the metadata's first four bytes, and this one is in the last of them.
        out[self.metadata_offset + 3] |= HAS_MORE_PAGES as u8;
    }

    fn put_warnings(&self, out: &mut BytesMut, warnings: &[String]) {
        let WarningsPlace { start, end, count } = self.warnings;
        let warnings = &warnings[..warnings.len().min(usize::from(u16::MAX - count))];
        let mut list = BytesMut::new();
        if count == 0 {
            list.put_u16(0);
        }
        warnings
            .iter()
            .for_each(|warning| wire::put_string(&mut list, warning));
        resize_within(out, end, 0, list.len());
        out[end..end + list.len()].copy_from_slice(&list);
        let total = count + warnings.len() as u16;
        out[start..start + 2].copy_from_slice(&total.to_be_bytes());
        self.envelope.add_flags(out, flags::WARNING);
    }
}

/// Makes `before` bytes at `start` take `after` bytes, moving what follows. The content of the place is left undefined.
fn resize_within(out: &mut BytesMut, start: usize, before: usize, after: usize) {
    let end = out.len();
    if after > before {
        out.resize(end + (after - before), 0);
        out.copy_within(start + before..end, start + after);
    } else if after < before {
        out.copy_within(start + before..end, start + after);
        out.truncate(end - (before - after));
    }
}
