//! Tables whose rows are computed when they are read.
//!
//! Whoever owns the facts implements [`Source`]: it lists partition keys and fills in the rows of one partition. A
//! [`Cursor`] makes the [`model::stream::Stream`] of it that reads, filters, paging and ordering work on as they do on
//! storage: partitions by token and key, rows in clustering order, whatever order the source gives.
//!
//! Reading by key asks the source for that partition alone, and of its rows only those are made that the slices, and the
//! pages before, leave: [`Rows::wants`] tells a source with many rows which groups of them it can leave out. A scan asks
//! for the keys first and for each partition when it comes to it, so it may see a partition change in between, and leaves
//! out one that has gone.

mod cursor;
mod rows;

use std::sync::Arc;

use model::PartitionKey;
use model::key::partition;

pub use cursor::Cursor;
pub use rows::{Row, Rows};

use crate::Table;

/// What computes the rows of one table.
pub trait Source: Send + Sync {
    /// The table.
    fn definition(&self) -> &Arc<Table>;

    /// Adds the key of every partition there is now, in any order.
    fn keys(&self, keys: &mut Keys);

    /// Adds the rows of one partition, in any order; none if there is no such partition. The key's components are CQL
    /// bytes as a client may have sent them: valid for their types, perhaps empty.
    fn rows(&self, key: &[&[u8]], rows: &mut Rows);
}

/// The partition keys of a table.
#[derive(Debug, Default)]
pub struct Keys {
    keys: Vec<PartitionKey>,
}

impl Keys {
    /// Adds the key of these components.
    pub fn add(&mut self, components: &[&[u8]]) {
        let mut bytes = Vec::new();
        partition::encode(components.iter().copied(), &mut bytes);
        self.keys.push(PartitionKey::new(bytes));
    }

    /// The keys by token and key, each once.
    pub(crate) fn into_sorted(mut self) -> Vec<PartitionKey> {
        self.keys.sort();
        self.keys.dedup();
        self.keys
    }
}

/// A table that nobody has facts for: no rows.
#[derive(Debug)]
pub struct Empty(pub Arc<Table>);

impl Source for Empty {
    fn definition(&self) -> &Arc<Table> {
        &self.0
    }

    fn keys(&self, _: &mut Keys) {}

    fn rows(&self, _: &[&[u8]], _: &mut Rows) {}
}
