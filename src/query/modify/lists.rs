//! The present elements of lists, for statements that name them by index or by value.

use std::collections::BTreeMap;

use model::ColumnId;
use model::image::{Column, View};

use crate::error::Error;

/// The most bytes that the lists of one statement may take while they are changed.
const BYTES_MAX: usize = 64 << 20;

/// Path and value of each live element, in the list's order.
type Elements = Vec<(Vec<u8>, Vec<u8>)>;

type Columns = BTreeMap<ColumnId, Elements>;

/// The lists of the rows that a statement names, as they were read: by partition key and clustering
/// key, none for the static part of the partition.
#[derive(Debug, Default)]
pub struct Lists {
    rows: BTreeMap<(Vec<u8>, Option<Vec<u8>>), Columns>,
    bytes: usize,
}

/// The lists of one row.
#[derive(Clone, Copy, Debug, Default)]
pub struct RowLists<'a>(Option<&'a Columns>);

impl Lists {
    /// Takes in the complex columns of a row, or of a partition's static part, as they are at
    /// `now_seconds`.
    pub fn add(
        &mut self,
        key: &[u8],
        clustering: Option<&[u8]>,
        image: &[u8],
        now_seconds: i64,
    ) -> Result<(), Error> {
        self.bytes += image.len();
        if self.bytes > BYTES_MAX {
            return Err(Error::invalid(format!(
                "The lists that the statement changes take more than {} MiB; name fewer rows",
                BYTES_MAX >> 20
            )));
        }
        let mut columns = Columns::new();
        for (id, column) in View::new(image).columns() {
            if let Column::Complex(complex) = column {
                let live = complex.live(now_seconds);
                let owned = live.map(|(path, value)| (path.to_vec(), value.to_vec()));
                columns.insert(id, owned.collect());
            }
        }
        let place = (key.to_vec(), clustering.map(<[u8]>::to_vec));
        self.rows.insert(place, columns);
        Ok(())
    }

    /// The lists of a row, or of a partition's static part.
    pub fn of(&self, key: &[u8], clustering: Option<&[u8]>) -> RowLists<'_> {
        let place = (key.to_vec(), clustering.map(<[u8]>::to_vec));
        RowLists(self.rows.get(&place))
    }
}

impl<'a> RowLists<'a> {
    /// The elements of a list; none if it is null.
    pub fn elements(&self, id: ColumnId) -> &'a [(Vec<u8>, Vec<u8>)] {
        let found = self.0.and_then(|columns| columns.get(&id));
        found.map(Vec::as_slice).unwrap_or_default()
    }
}
