//! Judging bytes that claim to be an image.

use base::bytes::Reader;

use super::encode::{Covered, Row, Sink, encode};
use super::format::EMPTY_BYTES;
use super::merge::put_column;
use super::view::{Column, View};
use crate::{Damage, Deletion, Liveness};

/// Whether `image` is exactly what this crate would write for some row.
///
/// The structure is read to the end first, so that an error names its place; then the row is encoded again, which
/// finds every spelling that is not the one.
pub fn check(image: &[u8]) -> Result<(), Damage> {
    let reader = Reader::new(image);
    let view = View::open(reader.clone())?;
    let mut columns = view.columns();
    while let Some((_, column)) = columns.step()? {
        if let Column::Complex(complex) = column {
            let mut elements = complex.elements();
            let mut count = 0;
            let mut previous: Option<&[u8]> = None;
            while let Some((path, _)) = elements.step()? {
                if previous.is_some_and(|previous| path <= previous) {
                    return Err(reader.error("element paths do not ascend"));
                }
                previous = Some(path);
                count += 1;
            }
            if count != complex.count() {
                return Err(reader.error("wrong count of elements"));
            }
        }
    }
    let mut again = Vec::with_capacity(image.len().max(EMPTY_BYTES));
    encode(&Whole(view), &mut again);
    match again == image {
        true => Ok(()),
        false => Err(reader.error("row image is not in its normal form")),
    }
}

struct Whole<'a>(View<'a>);

impl Row for Whole<'_> {
    fn liveness(&self) -> Option<Liveness> {
        self.0.liveness()
    }

    fn deletion(&self) -> Option<Deletion> {
        self.0.deletion()
    }

    fn walk(&self, sink: &mut Covered<impl Sink>) {
        for (id, column) in self.0.columns() {
            put_column(sink, id, &column);
        }
    }
}
