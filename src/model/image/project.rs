//! Keeping some columns of a row.

use super::encode::{Covered, Row, Sink, encode};
use super::merge::put_column;
use super::view::View;
use crate::{Columns, Deletion, Liveness};

/// Appends `image` with only these columns; liveness and deletion stay. False if it is an empty image.
pub fn project(image: &[u8], columns: &Columns, out: &mut Vec<u8>) -> bool {
    let view = View::new(image);
    if view.columns().all(|(id, _)| columns.contains(id)) {
        out.extend_from_slice(image);
        return !view.is_empty();
    }
    encode(&Projected { view, columns }, out)
}

struct Projected<'a> {
    view: View<'a>,
    columns: &'a Columns,
}

impl Row for Projected<'_> {
    fn liveness(&self) -> Option<Liveness> {
        self.view.liveness()
    }

    fn deletion(&self) -> Option<Deletion> {
        self.view.deletion()
    }

    fn walk(&self, sink: &mut Covered<impl Sink>) {
        for (id, column) in self
            .view
            .columns()
            .filter(|(id, _)| self.columns.contains(*id))
        {
            put_column(sink, id, &column);
        }
    }
}
