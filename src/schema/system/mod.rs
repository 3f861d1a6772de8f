//! The keyspaces every node has, and which of them users may change.
//!
//! Names, columns and types are Cassandra's, since drivers and tools read them. Columns of our own come in addition
//! (`system.local.helenus_version`).
//!
//! - *Local* keyspaces (`system`, `system_schema`) belong to the node and are nobody's to change.
//! - *Replicated* ones (`system_auth`, `system_distributed`, `system_traces`) let users alter their replication.
//! - *Virtual* ones (`system_views`, `system_virtual_schema`) are described by `system_virtual_schema`; all others by
//!   `system_schema`, however their rows are made.
//!
//! What always holds: table ids are a function of the names, so they are the same on all nodes and for ever; a
//! [`Kind::Virtual`] table for which nobody registered a source is empty.

mod definition;
mod tables;
mod views;

use std::collections::BTreeMap;
use std::sync::Arc;

use model::TableId;

use crate::table::Kind;
use crate::{Keyspace, Replication, Table, content};

pub(crate) use definition::Definition;

/// Tables of the node itself: identity, peers, prepared statements.
pub const SYSTEM: &str = "system";
/// Tables that show the catalog.
pub const SCHEMA: &str = "system_schema";
/// Roles and permissions.
pub const AUTH: &str = "system_auth";
/// Repair history and the like.
pub const DISTRIBUTED: &str = "system_distributed";
/// Traces of requests.
pub const TRACES: &str = "system_traces";
/// What the node is doing.
pub const VIEWS: &str = "system_views";
/// Tables that show the virtual keyspaces.
pub const VIRTUAL_SCHEMA: &str = "system_virtual_schema";

/// Whether the keyspace belongs to the node and is nobody's to change.
pub fn is_local(keyspace: &str) -> bool {
    matches!(keyspace, SYSTEM | SCHEMA)
}

/// Whether the keyspace is described by `system_virtual_schema`.
pub fn is_virtual(keyspace: &str) -> bool {
    matches!(keyspace, VIEWS | VIRTUAL_SCHEMA)
}

/// Whether the keyspace is built in.
pub fn is_system(keyspace: &str) -> bool {
    is_local(keyspace) || is_virtual(keyspace) || matches!(keyspace, AUTH | DISTRIBUTED | TRACES)
}

/// The built-in keyspaces as they are on a node that nobody has used.
pub fn keyspaces() -> Vec<Keyspace> {
    let simple = |factor| Replication::Simple { factor };
    vec![
        keyspace(SYSTEM, Replication::Local, tables::SYSTEM),
        keyspace(SCHEMA, Replication::Local, tables::SCHEMA),
        keyspace(AUTH, simple(1), tables::AUTH),
        keyspace(DISTRIBUTED, simple(3), tables::DISTRIBUTED),
        keyspace(TRACES, simple(2), tables::TRACES),
        keyspace(VIEWS, Replication::Local, views::VIEWS),
        keyspace(VIRTUAL_SCHEMA, Replication::Local, views::VIRTUAL_SCHEMA),
    ]
}

fn keyspace(name: &str, replication: Replication, definitions: &[Definition]) -> Keyspace {
    let tables = definitions.iter().map(|definition| definition.table(name));
    Keyspace {
        name: name.into(),
        replication,
        durable_writes: true,
        tables: tables
            .map(|table| (table.name.clone(), Arc::new(table)))
            .collect(),
        types: BTreeMap::new(),
    }
}

/// The definition of a built-in table.
pub fn table(keyspace: &str, name: &str) -> Option<Arc<Table>> {
    let definitions = match keyspace {
        SYSTEM => tables::SYSTEM,
        SCHEMA => tables::SCHEMA,
        AUTH => tables::AUTH,
        DISTRIBUTED => tables::DISTRIBUTED,
        TRACES => tables::TRACES,
        VIEWS => views::VIEWS,
        VIRTUAL_SCHEMA => views::VIRTUAL_SCHEMA,
        _ => return None,
    };
    let definition = definitions
        .iter()
        .find(|definition| definition.name == name)?;
    Some(Arc::new(definition.table(keyspace)))
}

/// The id of a built-in table.
pub fn table_id(keyspace: &str, name: &str) -> TableId {
    let hash = content::hash(format!("{keyspace}.{name}").as_bytes());
    TableId(content::uuid(hash))
}

/// What a user should know who alters the replication of a built-in keyspace.
pub(crate) fn replication_warning(keyspace: &str) -> Option<String> {
    (keyspace == AUTH).then(|| {
        "Replication of keyspace system_auth has no effect: \
         every node holds all roles and permissions in the metadata log"
            .to_owned()
    })
}

/// Why users may not write a table's rows, and what they should do instead; none if they may.
pub fn refuses_writes(table: &Table) -> Option<String> {
    let (keyspace, name) = (&*table.keyspace, &*table.name);
    let hint = match (keyspace, name) {
        (TRACES | DISTRIBUTED, _) => return None,
        (VIEWS, name) if name.ends_with("_cache_keys") => return None,
        (SCHEMA, _) => "Use CREATE, ALTER and DROP",
        (AUTH, _) => "Use CREATE ROLE, ALTER ROLE, DROP ROLE, GRANT and REVOKE",
        (VIEWS, "settings") => "Set it in the settings file or with --set",
        _ if is_system(keyspace) => "The server maintains it",
        _ => return None,
    };
    Some(format!(
        "{keyspace} keyspace is not user-modifiable. {hint}: {keyspace}.{name}"
    ))
}

/// Where the rows of a built-in table come from, by name.
pub(crate) fn kind(keyspace: &str, name: &str) -> Kind {
    let is_stored = match keyspace {
        SYSTEM => matches!(
            name,
            "prepared_statements" | "paxos" | "batches" | "compaction_history" | "repairs"
        ),
        AUTH | DISTRIBUTED | TRACES => true,
        VIEWS => name.ends_with("_cache_keys"),
        _ => false,
    };
    if is_stored {
        Kind::Stored
    } else {
        Kind::Virtual
    }
}
