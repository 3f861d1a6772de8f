//! The present elements of lists, for statements that name them by index or by value.
//!
//! They are read once, before anything is written. Statements of a BATCH do not see what the others of
//! it do; the operations of one statement do, in the order in which they are written. So after
//! `l[0] = 1, l = l - [1]` the first element is gone.

use std::collections::{BTreeMap, BTreeSet};

use model::cell::{Cell, Kind};
use model::image::{Column, View};
use model::{ColumnId, Deletion, TableId, Timestamp};

use crate::error::Error;

/// The most bytes that the rows of one request may take while their lists are changed.
const BYTES_MAX: usize = 64 << 20;

/// A live element of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element {
    /// Where it is in the list's order.
    pub path: Vec<u8>,
    /// Its value.
    pub value: Vec<u8>,
    timestamp: Timestamp,
    /// The time to live it was written with and when it ends, if it has one.
    expiry: Option<(u32, i64)>,
}

/// The live elements of a list, in its order.
type Elements = Vec<Element>;

type Columns = BTreeMap<ColumnId, Elements>;

/// The lists of the rows that a request names, as they were read: by table, partition key and
/// clustering key, none for the static part of the partition.
#[derive(Debug, Default)]
pub struct Lists {
    rows: BTreeMap<Place, Columns>,
    bytes: usize,
}

type Place = (TableId, Vec<u8>, Option<Vec<u8>>);

/// The lists of one row, as the operations of a statement leave them one after the other.
#[derive(Debug, Default)]
pub struct RowLists<'a> {
    read: Option<&'a Columns>,
    changed: Columns,
}

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
                let live = |(path, cell): (&[u8], Cell<'_>)| Element::of(path, &cell, now_seconds);
                let elements: Elements = complex.elements().filter_map(live).collect();
                let bytes = elements.iter().map(Element::bytes);
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
        RowLists {
            read: self.rows.get(&place),
            changed: Columns::new(),
        }
    }
}

impl Element {
    /// An element that holds a value at `now_seconds`.
    fn of(path: &[u8], cell: &Cell<'_>, now_seconds: i64) -> Option<Self> {
        Some(Element {
            path: path.to_vec(),
            value: cell.value(now_seconds)?.to_vec(),
            timestamp: cell.timestamp,
            expiry: cell.expiry(),
        })
    }

    fn cell(&self) -> Cell<'_> {
        let (ttl_seconds, expiry_seconds) = self.expiry.unwrap_or_default();
        Cell {
            timestamp: self.timestamp,
            kind: Kind::with_ttl(&self.value, ttl_seconds, expiry_seconds),
        }
    }

    fn bytes(&self) -> usize {
        self.path.len() + self.value.len()
    }
}

impl RowLists<'_> {
    /// The elements of a list; none if it is null.
    pub fn elements(&self, id: ColumnId) -> &[Element] {
        let found = self.changed.get(&id);
        let found = found.or_else(|| self.read.and_then(|columns| columns.get(&id)));
        found.map(Vec::as_slice).unwrap_or_default()
    }

    /// An operation has put this cell there; the next one sees the list with it.
    pub fn put(&mut self, id: ColumnId, path: &[u8], cell: Cell<'_>, now_seconds: i64) {
        let elements = self.change(id);
        let found = elements.binary_search_by(|element| (*element.path).cmp(path));
        match found {
            Ok(at) => {
                let winner = elements[at].cell().join(cell);
                match Element::of(path, &winner, now_seconds) {
                    Some(element) => elements[at] = element,
                    None => drop(elements.remove(at)),
                }
            }
            Err(at) => {
                if let Some(element) = Element::of(path, &cell, now_seconds) {
                    elements.insert(at, element);
                }
            }
        }
    }

    /// An operation has deleted the list.
    pub fn delete(&mut self, id: ColumnId, deletion: Deletion) {
        self.change(id)
            .retain(|element| element.timestamp > deletion.timestamp);
    }

    fn change(&mut self, id: ColumnId) -> &mut Elements {
        let read = self.read.and_then(|columns| columns.get(&id));
        let read = || read.cloned().unwrap_or_default();
        self.changed.entry(id).or_insert_with(read)
    }
}
