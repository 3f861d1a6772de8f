//! A schema change: one step from a catalog to the next, as the metadata log holds it.
//!
//! [`crate::ddl::resolve`] makes one from a statement. Everything that is chosen by chance or clock (a table's id, the
//! time a column was dropped) is inside, so applying is a function of catalog, change and topology alone.
//!
//! Between resolving and applying, other changes may have come first. So [`crate::Catalog::apply`] checks everything again
//! against the catalog it is given, and takes user-defined types as they are then.
//!
//! Limits are judged once, by [`crate::Catalog::check`], when a change comes in; applying takes what was let in.
//!
//! What always holds: an error leaves nothing changed, and `IF [NOT] EXISTS` that found nothing to do gives the same
//! catalog without an effect.

pub(crate) mod alter_table;
pub(crate) mod apply;
pub(crate) mod check;
pub mod format;
pub(crate) mod keyspace;
pub(crate) mod table;
mod user_type;

use std::collections::BTreeMap;
use std::sync::Arc;

use types::Type;

use crate::property::Properties;
use crate::{Error, Table};

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// `CREATE KEYSPACE`
    CreateKeyspace {
        /// Its name.
        name: String,
        /// `replication`, as written.
        replication: BTreeMap<String, String>,
        /// `durable_writes`
        durable_writes: bool,
        /// `IF NOT EXISTS`
        if_not_exists: bool,
    },
    /// `ALTER KEYSPACE`
    AlterKeyspace {
        /// Its name.
        name: String,
        /// `replication`, as written, if given.
        replication: Option<BTreeMap<String, String>>,
        /// `durable_writes`, if given.
        durable_writes: Option<bool>,
        /// `IF EXISTS`
        if_exists: bool,
    },
    /// `DROP KEYSPACE`
    DropKeyspace {
        /// Its name.
        name: String,
        /// `IF EXISTS`
        if_exists: bool,
    },
    /// `CREATE TYPE`
    CreateType {
        /// Its keyspace.
        keyspace: String,
        /// Its name.
        name: String,
        /// Its fields.
        fields: Vec<(String, Type)>,
        /// `IF NOT EXISTS`
        if_not_exists: bool,
    },
    /// `ALTER TYPE`
    AlterType {
        /// Its keyspace.
        keyspace: String,
        /// Its name.
        name: String,
        /// `IF EXISTS`
        if_exists: bool,
        /// What changes.
        action: TypeAction,
    },
    /// `DROP TYPE`
    DropType {
        /// Its keyspace.
        keyspace: String,
        /// Its name.
        name: String,
        /// `IF EXISTS`
        if_exists: bool,
    },
    /// `CREATE TABLE`
    CreateTable {
        /// The table as it shall be.
        table: Arc<Table>,
        /// `IF NOT EXISTS`
        if_not_exists: bool,
    },
    /// `ALTER TABLE`
    AlterTable {
        /// Its keyspace.
        keyspace: String,
        /// Its name.
        name: String,
        /// `IF EXISTS`
        if_exists: bool,
        /// What changes.
        action: TableAction,
    },
    /// `DROP TABLE`
    DropTable {
        /// Its keyspace.
        keyspace: String,
        /// Its name.
        name: String,
        /// `IF EXISTS`
        if_exists: bool,
    },
}

/// What `ALTER TYPE` changes.
#[derive(Debug, Clone, PartialEq)]
pub enum TypeAction {
    /// `ADD field type`
    Add {
        /// The new field.
        field: String,
        /// Its type.
        ty: Type,
        /// `IF NOT EXISTS`
        if_not_exists: bool,
    },
    /// `RENAME a TO b AND ..`
    Rename {
        /// Old and new names.
        renames: Vec<(String, String)>,
        /// `IF EXISTS`
        if_exists: bool,
    },
}

/// What `ALTER TABLE` changes.
#[derive(Debug, Clone, PartialEq)]
pub enum TableAction {
    /// `ADD column type, ..`
    Add {
        /// The new columns.
        columns: Vec<NewColumn>,
        /// `IF NOT EXISTS`
        if_not_exists: bool,
    },
    /// `DROP column, ..`
    Drop {
        /// The columns.
        columns: Vec<String>,
        /// `IF EXISTS`
        if_exists: bool,
        /// What was written at or before it is gone, in microseconds.
        time_micros: i64,
    },
    /// `RENAME a TO b AND ..`
    Rename {
        /// Old and new names.
        renames: Vec<(String, String)>,
        /// `IF EXISTS`
        if_exists: bool,
    },
    /// `WITH ..`
    Options(Properties),
}

/// A column of `ALTER TABLE ADD`.
#[derive(Debug, Clone, PartialEq)]
pub struct NewColumn {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: Type,
    /// `STATIC`
    pub is_static: bool,
}

/// What a change did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// What clients are told; none if nothing changed.
    pub effect: Option<Effect>,
    /// What the client is warned of.
    pub warnings: Vec<String>,
}

/// The content of a SCHEMA_CHANGE event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// What happened.
    pub verb: Verb,
    /// To what kind of thing.
    pub target: Target,
    /// In which keyspace.
    pub keyspace: String,
    /// The table's or type's name; empty for a keyspace.
    pub name: String,
}

/// What happened to a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// It was made.
    Created,
    /// It was changed.
    Updated,
    /// It is gone.
    Dropped,
}

/// The kinds of things that change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// A keyspace.
    Keyspace,
    /// A table.
    Table,
    /// A user-defined type.
    Type,
}

/// What applying needs to know of the cluster: the datacenters and how many nodes each has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Topology {
    /// Nodes by datacenter.
    pub data_centers: BTreeMap<String, usize>,
}

impl Change {
    /// The keyspace it is about.
    pub fn keyspace(&self) -> &str {
        match self {
            Change::CreateKeyspace { name, .. }
            | Change::AlterKeyspace { name, .. }
            | Change::DropKeyspace { name, .. } => name,
            Change::CreateType { keyspace, .. }
            | Change::AlterType { keyspace, .. }
            | Change::DropType { keyspace, .. }
            | Change::AlterTable { keyspace, .. }
            | Change::DropTable { keyspace, .. } => keyspace,
            Change::CreateTable { table, .. } => &table.keyspace,
        }
    }
}

/// What a change is about, where it is found. Where it is not, there is nothing to do with IF EXISTS, and else an error.
fn unless_missing<T>(
    found: Option<T>,
    if_exists: bool,
    error: impl FnOnce() -> String,
) -> Result<Option<T>, Error> {
    match found {
        None if !if_exists => Err(Error::invalid(error())),
        found => Ok(found),
    }
}

impl Effect {
    pub(crate) fn new(verb: Verb, target: Target, keyspace: &str, name: &str) -> Effect {
        Effect {
            verb,
            target,
            keyspace: keyspace.to_owned(),
            name: name.to_owned(),
        }
    }
}

impl Outcome {
    /// Something changed.
    pub(crate) fn of(effect: Effect) -> Outcome {
        Outcome {
            effect: Some(effect),
            warnings: Vec::new(),
        }
    }
}
