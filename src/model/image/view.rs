//! Looking into an image without copying it.
//!
//! A view trusts its bytes as far as meaning goes: they came from [`super::check()`], from a checksummed file, or from
//! this crate. On damage its iterators end early; they never panic and never read outside the image.

use base::bytes::Reader;

use super::format::{self, COMPLEX, COMPLEX_DELETED, Head};
use crate::{Cell, ColumnId, Damage, Deletion, Liveness, Timestamp};

/// An image, opened.
#[derive(Debug, Clone)]
pub struct View<'a> {
    head: Head,
    columns: Reader<'a>,
}

/// A column of an image.
#[derive(Debug, Clone)]
pub enum Column<'a> {
    /// One cell.
    Simple(Cell<'a>),
    /// A collection or user-defined type with one cell per element or field.
    Complex(Complex<'a>),
}

/// The cells of a collection or user-defined type.
#[derive(Debug, Clone)]
pub struct Complex<'a> {
    head: Head,
    deletion: Option<Deletion>,
    count: u64,
    elements: Reader<'a>,
}

impl<'a> View<'a> {
    /// Opens an image; damaged bytes read as an empty row.
    pub fn new(image: &'a [u8]) -> View<'a> {
        View::open(Reader::new(image)).unwrap_or_else(|_| View {
            head: Head {
                base: 0,
                one: None,
                liveness: None,
                deletion: None,
            },
            columns: Reader::new(&[]),
        })
    }

    pub(super) fn open(mut reader: Reader<'a>) -> Result<View<'a>, Damage> {
        let head = format::head(&mut reader)?;
        Ok(View {
            head,
            columns: reader,
        })
    }

    /// The mark that INSERT left.
    #[inline]
    pub fn liveness(&self) -> Option<Liveness> {
        self.head.liveness
    }

    /// The deletion of the row.
    #[inline]
    pub fn deletion(&self) -> Option<Deletion> {
        self.head.deletion
    }

    /// The columns by ascending id.
    #[inline]
    pub fn columns(&self) -> ColumnIter<'a> {
        ColumnIter {
            head: self.head,
            rest: self.columns.clone(),
            next_id: 0,
        }
    }

    /// One column.
    pub fn find(&self, id: ColumnId) -> Option<Column<'a>> {
        self.columns()
            .take_while(|(found, _)| *found <= id)
            .find(|(found, _)| *found == id)
            .map(|(_, column)| column)
    }

    /// Whether the image says nothing at all.
    pub fn is_empty(&self) -> bool {
        self.head.liveness.is_none() && self.head.deletion.is_none() && self.columns.is_empty()
    }

    /// Whether a reader at `now_seconds` sees a row: its liveness is live, or any cell is.
    pub fn is_live(&self, now_seconds: i64) -> bool {
        self.head
            .liveness
            .is_some_and(|liveness| liveness.is_live(now_seconds))
            || self.has_live_cell(now_seconds)
    }

    /// Whether any column holds a value at `now_seconds`; what a static row has instead of liveness.
    pub fn has_live_cell(&self, now_seconds: i64) -> bool {
        self.columns()
            .any(|(id, column)| id != ColumnId::ORIGINALS && column.is_live(now_seconds))
    }

    /// The smallest timestamp in the image: 0 when it is empty.
    #[inline]
    pub fn min_timestamp(&self) -> Timestamp {
        Timestamp(self.head.base)
    }

    /// The largest timestamp in the image: 0 when it is empty.
    pub fn max_timestamp(&self) -> Timestamp {
        let head = &self.head;
        let mut max = Timestamp(head.base);
        max = head
            .liveness
            .map_or(max, |liveness| max.max(liveness.timestamp));
        max = head
            .deletion
            .map_or(max, |deletion| max.max(deletion.timestamp));
        for (_, column) in self.columns() {
            match column {
                Column::Simple(cell) => max = max.max(cell.timestamp),
                Column::Complex(complex) => max = complex.max_timestamp(max),
            }
        }
        max
    }
}

impl Column<'_> {
    /// Whether it holds a value at `now_seconds`.
    pub fn is_live(&self, now_seconds: i64) -> bool {
        match self {
            Column::Simple(cell) => cell.is_live(now_seconds),
            Column::Complex(complex) => complex.is_live(now_seconds),
        }
    }
}

impl<'a> Complex<'a> {
    /// The deletion of all elements at or below its timestamp.
    #[inline]
    pub fn deletion(&self) -> Option<Deletion> {
        self.deletion
    }

    /// How many elements there are, dead ones included.
    #[inline]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The elements by ascending path.
    #[inline]
    pub fn elements(&self) -> Elements<'a> {
        Elements {
            head: self.head,
            rest: self.elements.clone(),
        }
    }

    /// One element.
    pub fn find(&self, path: &[u8]) -> Option<Cell<'a>> {
        self.elements()
            .take_while(|(found, _)| *found <= path)
            .find(|(found, _)| *found == path)
            .map(|(_, cell)| cell)
    }

    /// Whether any element holds a value at `now_seconds`.
    pub fn is_live(&self, now_seconds: i64) -> bool {
        self.elements().any(|(_, cell)| cell.is_live(now_seconds))
    }

    /// The elements that hold a value at `now_seconds`.
    pub fn live(&self, now_seconds: i64) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + Clone {
        self.elements()
            .filter_map(move |(path, cell)| cell.value(now_seconds).map(|value| (path, value)))
    }

    fn max_timestamp(&self, at_least: Timestamp) -> Timestamp {
        let max = self
            .deletion
            .map_or(at_least, |deletion| at_least.max(deletion.timestamp));
        match self.head.one {
            Some(one) if self.count > 0 => max.max(one),
            Some(_) => max,
            None => self
                .elements()
                .fold(max, |max, (_, cell)| max.max(cell.timestamp)),
        }
    }
}

/// The columns of an image by ascending id.
#[derive(Debug, Clone)]
pub struct ColumnIter<'a> {
    head: Head,
    rest: Reader<'a>,
    next_id: u32,
}

impl<'a> ColumnIter<'a> {
    /// The next column, or what is wrong with it.
    #[inline]
    pub(super) fn step(&mut self) -> Result<Option<(ColumnId, Column<'a>)>, Damage> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let start = self.rest.clone();
        let first = self.rest.varint()?;
        let id = u64::from(self.next_id).checked_add(first >> format::COLUMN_CODE_BITS);
        let Some(id) = id.and_then(|id| u16::try_from(id).ok()) else {
            return Err(start.error("column id beyond 16 bits"));
        };
        self.next_id = u32::from(id) + 1;
        let column = match first as u8 & ((1 << format::COLUMN_CODE_BITS) - 1) {
            code @ (COMPLEX | COMPLEX_DELETED) => Column::Complex(self.complex(code)?),
            code => Column::Simple(format::cell(&mut self.rest, code, &self.head)?),
        };
        Ok(Some((ColumnId(id), column)))
    }

    fn complex(&mut self, code: u8) -> Result<Complex<'a>, Damage> {
        let deletion = match code {
            COMPLEX_DELETED => Some(format::deletion(&mut self.rest, self.head.base)?),
            _ => None,
        };
        let count = self.rest.varint()?;
        let bytes = self.rest.varint_count()?;
        let elements = self.rest.slice(bytes)?;
        Ok(Complex {
            head: self.head,
            deletion,
            count,
            elements,
        })
    }
}

impl<'a> Iterator for ColumnIter<'a> {
    type Item = (ColumnId, Column<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.step().unwrap_or_else(|_| {
            self.rest.rest();
            None
        })
    }
}

/// The elements of a complex column by ascending path.
#[derive(Debug, Clone)]
pub struct Elements<'a> {
    head: Head,
    rest: Reader<'a>,
}

impl<'a> Elements<'a> {
    /// The next element, or what is wrong with it.
    #[inline]
    pub(super) fn step(&mut self) -> Result<Option<(&'a [u8], Cell<'a>)>, Damage> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let start = self.rest.clone();
        let first = self.rest.varint()?;
        let Ok(path_bytes) = usize::try_from(first >> format::ELEMENT_CODE_BITS) else {
            return Err(start.error("length beyond the data"));
        };
        let path = self.rest.bytes(path_bytes)?;
        let code = first as u8 & ((1 << format::ELEMENT_CODE_BITS) - 1);
        Ok(Some((
            path,
            format::cell(&mut self.rest, code, &self.head)?,
        )))
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = (&'a [u8], Cell<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.step().unwrap_or_else(|_| {
            self.rest.rest();
            None
        })
    }
}
