//! The rows of one partition in the making: columns by name, values as CQL bytes or as plain Rust values.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use model::cell::Kind;
use model::image::Builder;
use model::key::{Slice, clustering};
use model::{ColumnId, Liveness, Timestamp};
use types::{Type, collection, tuple};
use uuid::Uuid;

use crate::Table;
use crate::table::{Column, ColumnKind};

/// When computed rows were written, as `writetime` shows it.
const WRITTEN: Timestamp = Timestamp(0);

/// A clustering key and the image of its row.
pub(crate) type KeyAndImage = (Vec<u8>, Vec<u8>);

/// The rows of one partition that somebody wants; others are left out before they are made.
#[derive(Debug)]
pub struct Rows {
    table: Arc<Table>,
    wanted: Vec<Slice>,
    /// How many rows were offered.
    offered: u64,
    rows: BTreeMap<Vec<u8>, Vec<u8>>,
    static_row: Option<Vec<u8>>,
    builder: Builder,
}

/// One row in the making.
#[derive(Debug)]
pub struct Row<'a> {
    table: &'a Table,
    kind: ColumnKind,
    values: BTreeMap<ColumnId, (&'a Column, Vec<u8>)>,
}

impl Rows {
    /// No rows of this table yet; all are wanted.
    pub fn new(table: Arc<Table>) -> Rows {
        Rows::within(table, vec![Slice::all()])
    }

    /// No rows of this table yet; those inside the slices are wanted.
    pub(crate) fn within(table: Arc<Table>, wanted: Vec<Slice>) -> Rows {
        Rows {
            table,
            wanted,
            offered: 0,
            rows: BTreeMap::new(),
            static_row: None,
            builder: Builder::new(),
        }
    }

    /// Whether a row whose clustering key begins with these components may be wanted: a source with many rows leaves
    /// out whole groups of them.
    pub fn wants(&self, clustering: &[&[u8]]) -> bool {
        let group = Slice::prefix(&self.key(clustering));
        let mut wanted = self.wanted.iter();
        wanted.any(|slice| !slice.intersect(&group).is_empty())
    }

    /// How many rows the source offered, wanted or not: the work that was done.
    pub(crate) fn offered(&self) -> u64 {
        self.offered
    }

    /// The clustering key, or the beginning of one, of these components.
    fn key(&self, clustering: &[&[u8]]) -> Vec<u8> {
        let table = &self.table;
        let mut key = Vec::new();
        for (column, value) in table.clustering.iter().zip(clustering) {
            let pushed = clustering::push(
                &column.ty,
                column.order,
                clustering::Component::of(Some(value)),
                &mut key,
            );
            debug_assert!(
                pushed.is_ok(),
                "a computed key of {} is valid",
                table.qualified_name()
            );
        }
        key
    }

    /// Adds a row with these clustering components, as CQL bytes; `fill` sets its columns, and is not called for a row
    /// that nobody wants.
    pub fn add<'a>(&'a mut self, clustering: &[&[u8]], fill: impl FnOnce(&mut Row<'a>)) {
        self.offered += 1;
        let key = self.key(clustering);
        if !self.wanted.iter().any(|slice| slice.contains(&key)) {
            return;
        }
        let mut row = Row {
            table: &self.table,
            kind: ColumnKind::Regular,
            values: BTreeMap::new(),
        };
        fill(&mut row);
        self.builder.liveness(Liveness::plain(WRITTEN));
        let image = finish(&mut self.builder, row.values);
        self.rows.insert(key, image);
    }

    /// Sets the partition's static columns.
    pub fn set_static<'a>(&'a mut self, fill: impl FnOnce(&mut Row<'a>)) {
        let mut row = Row {
            table: &self.table,
            kind: ColumnKind::Static,
            values: BTreeMap::new(),
        };
        fill(&mut row);
        self.static_row = Some(finish(&mut self.builder, row.values));
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.static_row.is_none()
    }

    /// The rows in clustering order with their images, and the static row.
    pub(crate) fn take(&mut self) -> (Vec<KeyAndImage>, Option<Vec<u8>>) {
        (
            std::mem::take(&mut self.rows).into_iter().collect(),
            self.static_row.take(),
        )
    }
}

fn finish(builder: &mut Builder, values: BTreeMap<ColumnId, (&Column, Vec<u8>)>) -> Vec<u8> {
    for (id, (column, value)) in &values {
        if column.ty.is_multi_cell() {
            builder.complex(*id, None);
            put_elements(builder, &column.ty, value);
        } else {
            builder.cell(*id, WRITTEN, Kind::Value(value));
        }
    }
    let mut image = Vec::new();
    builder.finish_into(&mut image);
    image
}

/// The elements of a value that is stored element by element.
fn put_elements(builder: &mut Builder, ty: &Type, value: &[u8]) {
    match ty {
        Type::Set { .. } => {
            for item in collection::Items::new(value)
                .into_iter()
                .flatten()
                .flatten()
            {
                builder.element(item, WRITTEN, Kind::Value(&[]));
            }
        }
        Type::Map { .. } => {
            for (key, value) in collection::Pairs::new(value)
                .into_iter()
                .flatten()
                .flatten()
            {
                builder.element(key, WRITTEN, Kind::Value(value));
            }
        }
        Type::List { .. } => {
            for (index, item) in collection::Items::new(value)
                .into_iter()
                .flatten()
                .flatten()
                .enumerate()
            {
                builder.element(&(index as u128).to_be_bytes(), WRITTEN, Kind::Value(item));
            }
        }
        Type::Udt { definition, .. } => {
            let fields = tuple::split(value, definition.fields.len()).unwrap_or_default();
            for (number, field) in (0_u16..).zip(fields) {
                if let Some(field) = field {
                    builder.element(&number.to_be_bytes(), WRITTEN, Kind::Value(field));
                }
            }
        }
        _ => {}
    }
}

impl<'a> Row<'a> {
    /// Sets a column to its serialized value. A column that the table does not have, or that is part of the key, is
    /// left out: definitions and sources are built together, and a test compares them.
    pub fn set(&mut self, column: &str, value: impl Into<Vec<u8>>) -> &mut Row<'a> {
        let found = self
            .table
            .column(column)
            .filter(|found| found.kind == self.kind);
        debug_assert!(
            found.is_some(),
            "no column {column} in {}",
            self.table.qualified_name()
        );
        if let Some(found) = found {
            self.values.insert(found.id, (found, value.into()));
        }
        self
    }

    /// Sets a `text` column.
    pub fn text(&mut self, column: &str, value: impl AsRef<str>) -> &mut Row<'a> {
        self.set(column, value.as_ref().as_bytes())
    }

    /// Sets a `boolean` column.
    pub fn boolean(&mut self, column: &str, value: bool) -> &mut Row<'a> {
        self.set(column, [u8::from(value)])
    }

    /// Sets an `int` column.
    pub fn int(&mut self, column: &str, value: i32) -> &mut Row<'a> {
        self.set(column, value.to_be_bytes())
    }

    /// Sets a `bigint` or `timestamp` (in milliseconds) column.
    pub fn bigint(&mut self, column: &str, value: i64) -> &mut Row<'a> {
        self.set(column, value.to_be_bytes())
    }

    /// Sets a `double` column.
    pub fn double(&mut self, column: &str, value: f64) -> &mut Row<'a> {
        self.set(column, value.to_be_bytes())
    }

    /// Sets a `uuid` or `timeuuid` column.
    pub fn uuid(&mut self, column: &str, value: Uuid) -> &mut Row<'a> {
        self.set(column, value.as_bytes().as_slice())
    }

    /// Sets an `inet` column.
    pub fn inet(&mut self, column: &str, value: IpAddr) -> &mut Row<'a> {
        match value {
            IpAddr::V4(address) => self.set(column, address.octets()),
            IpAddr::V6(address) => self.set(column, address.octets()),
        }
    }

    /// Sets a `set<text>` or `list<text>` column; a set is sorted here.
    pub fn texts<S: AsRef<str>>(
        &mut self,
        column: &str,
        values: impl IntoIterator<Item = S>,
    ) -> &mut Row<'a> {
        let mut values: Vec<S> = values.into_iter().collect();
        if matches!(
            self.table.column(column).map(|column| &column.ty),
            Some(Type::Set { .. })
        ) {
            values.sort_by(|a, b| a.as_ref().cmp(b.as_ref()));
        }
        self.set(
            column,
            collection::encode_items(values.iter().map(|value| value.as_ref().as_bytes())),
        )
    }

    /// Sets a `map<text, text>` column.
    pub fn text_map<K: AsRef<str>, V: AsRef<str>>(
        &mut self,
        column: &str,
        entries: impl IntoIterator<Item = (K, V)>,
    ) -> &mut Row<'a> {
        let mut entries: Vec<(K, V)> = entries.into_iter().collect();
        entries.sort_by(|a, b| a.0.as_ref().cmp(b.0.as_ref()));
        let pairs = entries
            .iter()
            .map(|(key, value)| (key.as_ref().as_bytes(), value.as_ref().as_bytes()));
        self.set(column, collection::encode_pairs(pairs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system;

    /// A driver that asks for the columns of one table among a thousand makes the rows of one.
    #[test]
    fn only_what_is_wanted_is_made() {
        let table = system::table("system_schema", "columns").expect("it is built in");
        let everything = Rows::new(table.clone());
        let one = Slice::prefix(&everything.key(&[b"t500"]));
        let mut rows = Rows::within(table, vec![one]);
        let (mut groups, mut made) = (0, 0);
        for number in 0..1_000 {
            let name = format!("t{number}");
            groups += u32::from(rows.wants(&[name.as_bytes()]));
            for column in [b"a", b"b"] {
                rows.add(&[name.as_bytes(), column], |row| {
                    made += 1;
                    row.text("kind", "regular");
                });
            }
        }
        assert_eq!((groups, made, rows.offered()), (1, 2, 2_000));
        assert_eq!(rows.take().0.len(), 2);
    }
}
