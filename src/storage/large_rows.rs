//! Rows of a table that have grown as large as a row may, and take nothing more until they are deleted.
//!
//! A row is one piece in memory, in a file and in an answer, so it needs a bound, and a collection that is not frozen
//! grows with each write. No write knows how large the row is that it adds to, and a read before each would double its
//! cost. So rows are measured where they are made anyway: a memtable merges them, flush and compaction write them. One
//! above [`Options::row_bytes_max`](crate::Options) is noted here, and writes that add values to it are refused
//! before they reach the log. A deletion of the row, of one of its collections or of its partition is taken, and ends
//! the note, as does a compaction of the whole table that finds the row small again.
//!
//! What always holds: while nothing is noted, as in nearly all tables, a write pays for one look at a counter.
//!
//! Notes are forgotten at a restart, until a flush or compaction meets the row again. What is added meanwhile has room: a
//! file takes a row of [`STORED_FACTOR`] times the bound. A compaction that would make a larger one fails, and leaves its
//! largest input out from then on, so that it keeps no other file of the table from being compacted.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use model::cell::{Cell, Kind};
use model::image::{self, Column};
use model::key::{clustering, partition};
use model::mutation::{self, Element};
use model::{ColumnId, PartitionKey, PartitionKeyRef};
use parking_lot::Mutex;

use crate::Error;

/// How much larger than the bound a row may be that a file still takes.
pub(crate) const STORED_FACTOR: usize = 2;
/// From this part of the bound on, a row that is written to a file is warned of.
const WARN_DIVISOR: usize = 4;

/// The rows noted.
#[derive(Debug, Default)]
pub(crate) struct LargeRows {
    count: AtomicUsize,
    /// How large they were.
    rows: Mutex<BTreeMap<Key, usize>>,
}

/// A row of a partition; without a clustering key its static row.
type Key = (PartitionKey, Option<Vec<u8>>);

/// What a write does to a row, as far as its size goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    /// It deletes the row, or a collection of it.
    Deletes,
    /// It adds values.
    Adds,
    /// It marks the row, or deletes single cells and elements.
    None,
}

impl LargeRows {
    /// Whether nothing is noted.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.count.load(Relaxed) == 0
    }

    /// Refuses a mutation that adds to a row that is noted; ends the notes of what it deletes.
    #[cold]
    pub fn check(&self, table: &schema::Table, mutation: &mutation::View<'_>) -> Result<(), Error> {
        let mut rows = self.rows.lock();
        let is_in = |key: &Key| key.0.as_ref() == mutation.key();
        let mut checked = Ok(());
        for element in mutation.elements() {
            let (clustering, image) = match element {
                Element::PartitionDeletion(_) => {
                    rows.retain(|key, _| !is_in(key));
                    continue;
                }
                Element::RangeTombstone(range) => {
                    let covers = |key: &[u8]| range.start <= key && key < range.end;
                    rows.retain(|key, _| !is_in(key) || !key.1.as_deref().is_some_and(covers));
                    continue;
                }
                Element::Static(image) => (None, image),
                Element::Row { clustering, image } => (Some(clustering.to_vec()), image),
            };
            let key = (mutation.key().to_owned(), clustering);
            match (rows.get(&key), effect(image)) {
                (Some(bytes), Effect::Adds) => {
                    checked = Err(too_large(table, &key, image, *bytes));
                    break;
                }
                (Some(_), Effect::Deletes) => drop(rows.remove(&key)),
                _ => {}
            }
        }
        self.count.store(rows.len(), Relaxed);
        checked
    }

    /// A row was measured: noted if it is above the bound.
    pub fn measure(
        &self,
        table: &schema::Table,
        row: (PartitionKeyRef<'_>, Option<&[u8]>),
        image: &[u8],
        bytes_max: usize,
    ) {
        let bytes = image.len();
        if bytes <= bytes_max / WARN_DIVISOR {
            return;
        }
        let key = (row.0.to_owned(), row.1.map(<[u8]>::to_vec));
        let name = name(table, &key, image);
        if bytes <= bytes_max {
            tracing::warn!("{name} has {bytes} bytes: above {bytes_max} it takes no more");
            return;
        }
        let mut rows = self.rows.lock();
        if rows.insert(key, bytes).is_none() {
            tracing::warn!(
                "{name} has {bytes} bytes and takes no more, which is at most {bytes_max}"
            );
        }
        self.count.store(rows.len(), Relaxed);
    }

    /// Forgets all of them: the table was truncated, or all of it is about to be measured anew.
    pub fn clear(&self) {
        let mut rows = self.rows.lock();
        rows.clear();
        self.count.store(0, Relaxed);
    }
}

/// What writing this image does to a row.
fn effect(image: &[u8]) -> Effect {
    let view = image::View::new(image);
    if view.deletion().is_some() {
        return Effect::Deletes;
    }
    let mut effect = Effect::None;
    for (_, column) in view.columns() {
        let adds = match column {
            Column::Simple(cell) => bytes_of(&cell) > 0,
            Column::Complex(complex) if complex.deletion().is_some() => return Effect::Deletes,
            Column::Complex(complex) => complex.elements().any(|(_, cell)| !is_tombstone(&cell)),
        };
        if adds {
            effect = Effect::Adds;
        }
    }
    effect
}

fn is_tombstone(cell: &Cell<'_>) -> bool {
    matches!(cell.kind, Kind::Tombstone { .. })
}

fn bytes_of(cell: &Cell<'_>) -> usize {
    match cell.kind {
        Kind::Value(value) => value.len(),
        Kind::Expiring { value, .. } => value.map_or(0, <[u8]>::len),
        Kind::Tombstone { .. } => 0,
    }
}

fn too_large(table: &schema::Table, key: &Key, image: &[u8], bytes: usize) -> Error {
    Error::Invalid(format!(
        "{} has {bytes} bytes and takes no more: delete it, or this column of it, and spread what it holds over several \
         rows",
        name(table, key, image)
    ))
}

/// `column c of row (1, 'a') of ks.t`: the column that is the largest one of the image.
fn name(table: &schema::Table, key: &Key, image: &[u8]) -> String {
    let column = largest_column(image).and_then(|id| table.column_by_id(id));
    let column = column.map_or(String::new(), |column| {
        format!("column {} of ", column.name)
    });
    format!(
        "{column}row ({}) of {}",
        key_text(table, key),
        table.qualified_name()
    )
}

fn largest_column(image: &[u8]) -> Option<ColumnId> {
    let size = |column: &Column<'_>| match column {
        Column::Simple(cell) => bytes_of(cell),
        Column::Complex(complex) => {
            let elements = complex.elements();
            elements
                .map(|(path, cell)| path.len() + bytes_of(&cell))
                .sum()
        }
    };
    let columns = image::View::new(image).columns();
    let largest = columns.max_by_key(|(_, column)| size(column));
    largest.map(|(id, _)| id)
}

/// The values of a key, as CQL.
fn key_text(table: &schema::Table, key: &Key) -> String {
    let types = table.partition_key.iter().map(|column| &column.ty);
    let values = partition::components(&key.0.bytes, table.partition_key.len());
    let mut texts: Vec<_> = types
        .zip(values)
        .map(|(ty, value)| ty.format(value))
        .collect();
    let columns: Vec<_> = table
        .clustering
        .iter()
        .map(|column| (column.ty.clone(), column.order))
        .collect();
    let decoded = key.1.as_ref().map(|key| clustering::decode(&columns, key));
    if let Some(Ok(values)) = decoded {
        let null = || "null".to_owned();
        let text = |((ty, _), value): (&(types::Type, _), Option<Vec<u8>>)| {
            value.map_or_else(null, |value| ty.format(&value))
        };
        texts.extend(columns.iter().zip(values).map(text));
    }
    texts.join(", ")
}
