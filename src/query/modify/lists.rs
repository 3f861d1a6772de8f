//! The present elements of lists, for statements that name them by index or by value.

use std::collections::{BTreeMap, BTreeSet};

use model::image::{Column, View};
use model::{ColumnId, TableId};

use crate::error::Error;

/// The most bytes that the rows of one request may take while their lists are changed.
const BYTES_MAX: usize = 64 << 20;

/// Path and value of each live element, in the list's order.
type Elements = Vec<(Vec<u8>, Vec<u8>)>;

type Columns = BTreeMap<ColumnId, Elements>;

/// The lists of the rows that a request names, as they were read: by table, partition key and
/// clustering key, none for the static part of the partition.
#[derive(Debug, Default)]
pub struct Lists {
    rows: BTreeMap<Place, Columns>,
    bytes: usize,
}

type Place = (TableId, Vec<u8>, Option<Vec<u8>>);

/// The lists of one row.
#[derive(Clone, Copy, Debug, Default)]
pub struct RowLists<'a>(Option<&'a Columns>);

impl Lists {
    /// Takes in the wanted columns of a row, or of a partition's static part, as they are at
    /// `now_seconds`.
    pub fn add(
        &mut self,
        row: (TableId, &[u8], Option<&[u8]>),
        image: &[u8],
        wanted: &BTreeSet<ColumnId>,
        now_seconds: i64,
    ) -> Result<(), Error> {
        let (table, key, clustering) = row;
        let place = (table, key.to_vec(), clustering.map(<[u8]>::to_vec));
        let columns = self.rows.entry(place).or_default();
        for (id, column) in View::new(image).columns() {
            if !wanted.contains(&id) {
                continue;
            }
            if let Column::Complex(complex) = column {
                let live = complex.live(now_seconds);
                let owned = live.map(|(path, value)| (path.to_vec(), value.to_vec()));
                let elements: Elements = owned.collect();
                let bytes = elements
                    .iter()
                    .map(|(path, value)| path.len() + value.len());
                self.bytes += bytes.sum::<usize>();
                columns.insert(id, elements);
            }
        }
        if self.bytes > BYTES_MAX {
            return Err(Error::invalid(format!(
                "The lists that are changed take more than {} MiB; name fewer rows",
                BYTES_MAX >> 20
            )));
        }
        Ok(())
    }

    /// The lists of a row, or of a partition's static part.
    pub fn of(&self, table: TableId, key: &[u8], clustering: Option<&[u8]>) -> RowLists<'_> {
        let place = (table, key.to_vec(), clustering.map(<[u8]>::to_vec));
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
