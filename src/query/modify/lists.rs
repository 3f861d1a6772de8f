//! The present elements of lists, for statements that name them by index or by value.

use std::collections::BTreeMap;

use model::ColumnId;
use model::image::{Column, View};

/// Path and value of each live element, in the list's order.
pub type Elements = Vec<(Vec<u8>, Vec<u8>)>;

/// The lists of one row, as they were read.
#[derive(Clone, Debug, Default)]
pub struct Lists {
    columns: BTreeMap<ColumnId, Elements>,
}

impl Lists {
    /// Takes in the complex columns of an image, as they are at `now_seconds`.
    pub fn add(&mut self, image: &[u8], now_seconds: i64) {
        for (id, column) in View::new(image).columns() {
            if let Column::Complex(complex) = column {
                let live = complex.live(now_seconds);
                self.columns.insert(
                    id,
                    live.map(|(path, value)| (path.to_vec(), value.to_vec()))
                        .collect(),
                );
            }
        }
    }

    /// The elements of a list; none if it is null.
    pub fn elements(&self, id: ColumnId) -> &[(Vec<u8>, Vec<u8>)] {
        self.columns.get(&id).map(Vec::as_slice).unwrap_or_default()
    }
}
