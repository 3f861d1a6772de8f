//! The tables that show the catalog: `system_schema` and `system_virtual_schema`.
//!
//! Drivers read them when they connect and after each schema event. Every one has the keyspace's name as its partition
//! key, so one [`Source`] serves all: it looks the keyspace up in the newest catalog and lets a function of the table
//! fill in the rows. Asking for one keyspace computes that keyspace alone.
//!
//! Tables for what this server does not have yet (views, indexes, functions, aggregates, triggers, masks) are there
//! and empty, since drivers read them too.

mod rows;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::system::{self, SCHEMA, VIRTUAL_SCHEMA};
use crate::virtual_table::{Empty, Keys, Rows, Source};
use crate::{Catalog, Keyspace, Table};

/// Gives the newest catalog.
pub type Latest = Arc<dyn Fn() -> Arc<Catalog> + Send + Sync>;

/// The sources of all tables of both keyspaces.
pub fn sources(latest: &Latest) -> Vec<Arc<dyn Source>> {
    let real = |name, fill| source(latest, SCHEMA, name, fill, false);
    let virtual_ = |name, fill| source(latest, VIRTUAL_SCHEMA, name, fill, true);
    let empty = |name| Arc::new(Empty(definition(SCHEMA, name))) as Arc<dyn Source>;
    vec![
        real("keyspaces", rows::keyspace),
        real("tables", rows::tables),
        real("columns", rows::columns),
        real("dropped_columns", rows::dropped_columns),
        real("types", rows::types),
        empty("aggregates"),
        empty("column_masks"),
        empty("functions"),
        empty("indexes"),
        empty("triggers"),
        empty("views"),
        virtual_("keyspaces", rows::virtual_keyspace),
        virtual_("tables", rows::virtual_tables),
        virtual_("columns", rows::columns),
    ]
}

type Fill = fn(&Keyspace, &mut Rows);

fn source(
    latest: &Latest,
    keyspace: &str,
    name: &str,
    fill: Fill,
    is_virtual: bool,
) -> Arc<dyn Source> {
    Arc::new(View {
        definition: definition(keyspace, name),
        latest: latest.clone(),
        fill,
        is_virtual,
    })
}

fn definition(keyspace: &str, name: &str) -> Arc<Table> {
    system::table(keyspace, name).expect("the table is built in")
}

/// One of the tables.
struct View {
    definition: Arc<Table>,
    latest: Latest,
    fill: Fill,
    /// Whether it shows the virtual keyspaces, or all others.
    is_virtual: bool,
}

impl View {
    fn shows(&self, keyspace: &Keyspace) -> bool {
        system::is_virtual(&keyspace.name) == self.is_virtual
    }
}

impl Source for View {
    fn definition(&self) -> &Arc<Table> {
        &self.definition
    }

    fn keys(&self, keys: &mut Keys) {
        for keyspace in (self.latest)()
            .keyspaces()
            .filter(|keyspace| self.shows(keyspace))
        {
            keys.add(&[keyspace.name.as_bytes()]);
        }
    }

    fn rows(&self, key: &[&[u8]], rows: &mut Rows) {
        let name = key.first().and_then(|name| std::str::from_utf8(name).ok());
        let catalog = (self.latest)();
        let keyspace = name.and_then(|name| catalog.keyspace(name));
        if let Some(keyspace) = keyspace.filter(|keyspace| self.shows(keyspace)) {
            (self.fill)(keyspace, rows);
        }
    }
}
