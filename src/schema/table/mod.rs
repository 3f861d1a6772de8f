//! One table as a snapshot has it: columns, key, options, and what is remembered of dropped columns.
//!
//! A table is never changed: an ALTER makes a new one with a higher [`Table::version`], and whoever planned against
//! the old one keeps it until the plan is made again.
//!
//! What always holds: ids are unique within a table and over its whole life, dropped columns included; static and
//! regular columns are in the order of their names, key columns in key order; a counter, collection or duration never
//! is part of a key.

pub mod caching;
pub mod compaction;
pub mod compression;
mod format;
pub mod options;
pub mod policy;

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{ColumnId, TableId};
use types::Type;

pub use self::options::{Memtable, Options};
pub use model::key::clustering::Order;

pub(crate) use self::format::{decode, encode};

/// A table.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Which table it is, whatever its name.
    pub id: TableId,
    /// The keyspace it is in.
    pub keyspace: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// The partition key's columns, in key order; never empty.
    pub partition_key: Vec<Column>,
    /// The clustering columns, in key order.
    pub clustering: Vec<Column>,
    /// The static columns, by name.
    pub statics: Vec<Column>,
    /// The other columns, by name.
    pub regulars: Vec<Column>,
    /// What WITH says.
    pub options: Options,
    /// The columns that were dropped, in the order they were.
    pub dropped: Vec<Dropped>,
    /// Counts the changes of this table, so that a plan knows whether it is still right.
    pub version: u64,
    /// Where its rows come from.
    pub kind: Kind,
    /// The next column's id.
    pub(crate) next_column: u16,
    /// Where each column is, by name.
    pub(crate) names: BTreeMap<Arc<str>, Place>,
    /// The hash of everything above.
    pub(crate) content: u128,
}

/// Where a table's rows come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// From storage.
    Stored,
    /// From a [`crate::virtual_table::Source`].
    Virtual,
}

impl Kind {
    /// Whether storage holds the rows.
    pub fn is_stored(self) -> bool {
        self == Kind::Stored
    }
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: Arc<str>,
    /// What stands for it in images; never used again in this table.
    pub id: ColumnId,
    /// Its type.
    pub ty: Type,
    /// Its part in the table.
    pub kind: ColumnKind,
    /// Its place within the partition key or the clustering columns; 0 for the others.
    pub position: u16,
    /// How a clustering column is ordered; ascending for the others.
    pub order: Order,
}

/// A column's part in its table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ColumnKind {
    /// Part of the partition key.
    PartitionKey,
    /// Orders the rows of a partition.
    Clustering,
    /// One value per partition.
    Static,
    /// One value per row.
    Regular,
}

impl ColumnKind {
    /// As `system_schema.columns` spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            ColumnKind::PartitionKey => "partition_key",
            ColumnKind::Clustering => "clustering",
            ColumnKind::Static => "static",
            ColumnKind::Regular => "regular",
        }
    }
}

impl Column {
    /// Whether the column is part of the primary key.
    pub fn is_key(&self) -> bool {
        matches!(self.kind, ColumnKind::PartitionKey | ColumnKind::Clustering)
    }

    /// Whether the column is static.
    pub fn is_static(&self) -> bool {
        self.kind == ColumnKind::Static
    }
}

/// A column that is no more. Cells with its id are skipped by readers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// The name it had.
    pub name: Arc<str>,
    /// The id that stays taken.
    pub id: ColumnId,
    /// The type it had.
    pub ty: Type,
    /// Static or regular.
    pub kind: ColumnKind,
    /// When it was dropped, in microseconds.
    pub time_micros: i64,
}

/// Which list a column is in, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    kind: ColumnKind,
    index: usize,
}

impl Table {
    /// The column of this name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        let place = self.names.get(name)?;
        self.list(place.kind).get(place.index)
    }

    /// The column of this id; none if it was dropped.
    pub fn column_by_id(&self, id: ColumnId) -> Option<&Column> {
        self.columns().find(|column| column.id == id)
    }

    /// All columns in the order of `SELECT *`: partition key, clustering, static, regular.
    pub fn columns(&self) -> impl Iterator<Item = &Column> + Clone {
        self.partition_key
            .iter()
            .chain(&self.clustering)
            .chain(&self.statics)
            .chain(&self.regulars)
    }

    /// The columns of one kind.
    pub fn list(&self, kind: ColumnKind) -> &[Column] {
        match kind {
            ColumnKind::PartitionKey => &self.partition_key,
            ColumnKind::Clustering => &self.clustering,
            ColumnKind::Static => &self.statics,
            ColumnKind::Regular => &self.regulars,
        }
    }

    pub(crate) fn list_mut(&mut self, kind: ColumnKind) -> &mut Vec<Column> {
        match kind {
            ColumnKind::PartitionKey => &mut self.partition_key,
            ColumnKind::Clustering => &mut self.clustering,
            ColumnKind::Static => &mut self.statics,
            ColumnKind::Regular => &mut self.regulars,
        }
    }

    /// Whether the table holds counters.
    pub fn is_counter(&self) -> bool {
        self.statics
            .iter()
            .chain(&self.regulars)
            .any(|column| column.ty.is_counter())
    }

    /// Whether storage holds the table's rows.
    pub fn is_stored(&self) -> bool {
        self.kind.is_stored()
    }

    /// `keyspace.table`, each quoted where CQL wants it.
    pub fn qualified_name(&self) -> String {
        format!(
            "{}.{}",
            types::name::quoted(&self.keyspace),
            types::name::quoted(&self.name)
        )
    }

    /// Makes what is derived (order, positions, look-up, hash) agree with the columns and options.
    pub(crate) fn seal(mut self) -> Table {
        self.statics.sort_by(|a, b| a.name.cmp(&b.name));
        self.regulars.sort_by(|a, b| a.name.cmp(&b.name));
        self.names.clear();
        for kind in [
            ColumnKind::PartitionKey,
            ColumnKind::Clustering,
            ColumnKind::Static,
            ColumnKind::Regular,
        ] {
            let is_key = matches!(kind, ColumnKind::PartitionKey | ColumnKind::Clustering);
            let mut names = Vec::new();
            for (index, column) in self.list_mut(kind).iter_mut().enumerate() {
                column.kind = kind;
                column.position = if is_key {
                    u16::try_from(index).unwrap_or(u16::MAX)
                } else {
                    0
                };
                names.push((column.name.clone(), Place { kind, index }));
            }
            self.names.extend(names);
        }
        let mut bytes = Vec::new();
        encode(&self, &mut bytes);
        self.content = crate::content::hash(&bytes);
        self
    }
}

/// A table that is being made: columns without ids.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub id: TableId,
    pub keyspace: Arc<str>,
    pub name: Arc<str>,
    pub partition_key: Vec<(String, Type)>,
    pub clustering: Vec<(String, Type, Order)>,
    pub statics: Vec<(String, Type)>,
    pub regulars: Vec<(String, Type)>,
    pub options: Options,
    pub kind: Kind,
}

impl Draft {
    /// The table, with ids given in the order of `SELECT *`.
    pub(crate) fn finish(mut self) -> Table {
        self.statics.sort_by(|a, b| a.0.cmp(&b.0));
        self.regulars.sort_by(|a, b| a.0.cmp(&b.0));
        let mut ids = 1_u16..;
        let mut column = |name: String, ty, kind, order| {
            // The number of columns was checked when the draft was made.
            let id = ColumnId(ids.next().unwrap_or(u16::MAX));
            Column {
                name: name.into(),
                id,
                ty,
                kind,
                position: 0,
                order,
            }
        };
        let partition_key = self.partition_key.into_iter();
        let partition_key = partition_key
            .map(|(name, ty)| column(name, ty, ColumnKind::PartitionKey, Order::Asc))
            .collect();
        let clustering = self.clustering.into_iter();
        let clustering = clustering
            .map(|(name, ty, order)| column(name, ty, ColumnKind::Clustering, order))
            .collect();
        let statics = self.statics.into_iter();
        let statics = statics
            .map(|(name, ty)| column(name, ty, ColumnKind::Static, Order::Asc))
            .collect();
        let regulars = self.regulars.into_iter();
        let regulars = regulars
            .map(|(name, ty)| column(name, ty, ColumnKind::Regular, Order::Asc))
            .collect();
        let next_column = ids.next().unwrap_or(u16::MAX);
        let table = Table {
            id: self.id,
            keyspace: self.keyspace,
            name: self.name,
            partition_key,
            clustering,
            statics,
            regulars,
            options: self.options,
            dropped: Vec::new(),
            version: 1,
            kind: self.kind,
            next_column,
            names: BTreeMap::new(),
            content: 0,
        };
        table.seal()
    }
}
