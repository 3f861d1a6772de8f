//! The catalog: one immutable snapshot of all keyspaces, tables and types.
//!
//! A snapshot shares what a change left alone: keyspaces and tables hang behind `Arc`s, so a change copies the list
//! of keyspaces, one keyspace's lists, and what it changes. The built-in keyspaces are part of every catalog and of
//! no encoding, except for the replication that a user gave one of them.
//!
//! What always holds: table ids are unique, [`Catalog::version`] is a function of the content alone, and
//! `decode(encode(catalog)) == catalog`.
//!
//! | Encoding | Form |
//! |---|---|
//! | version | 1 byte, [`FORMAT_VERSION`] |
//! | keyspaces | count, then each in name order |
//! | a keyspace | name, replication map, durable_writes, types each before those that use it, tables by name |
//!
//! A built-in keyspace is written only when its replication was changed, with no types and no tables.

use std::collections::BTreeMap;
use std::sync::Arc;

use base::bytes::{Reader, put_varint};
use model::TableId;
use types::udt;
use uuid::Uuid;

use crate::codec::{self, Decoded, content};
use crate::{Error, Keyspace, Replication, Table, content as hash, system, table};

/// The version of [`Catalog::encode`].
pub const FORMAT_VERSION: u8 = 1;

/// All keyspaces as they are at one moment.
#[derive(Debug, Clone)]
pub struct Catalog {
    keyspaces: Keyspaces,
    tables: BTreeMap<TableId, Arc<Table>>,
    /// The built-in keyspaces as nobody has changed them.
    built_in: Arc<Keyspaces>,
    version: Uuid,
}

type Keyspaces = BTreeMap<Arc<str>, Arc<Keyspace>>;

impl PartialEq for Catalog {
    fn eq(&self, other: &Catalog) -> bool {
        self.keyspaces == other.keyspaces
    }
}

impl Default for Catalog {
    fn default() -> Catalog {
        Catalog::new()
    }
}

impl Catalog {
    /// The catalog of a node that nobody has used: the built-in keyspaces.
    pub fn new() -> Catalog {
        let keyspaces = system::keyspaces().into_iter();
        let keyspaces: Keyspaces = keyspaces
            .map(|keyspace| (keyspace.name.clone(), Arc::new(keyspace)))
            .collect();
        Catalog::from_keyspaces(keyspaces.clone(), Arc::new(keyspaces))
    }

    fn from_keyspaces(keyspaces: Keyspaces, built_in: Arc<Keyspaces>) -> Catalog {
        let tables = keyspaces
            .values()
            .flat_map(|keyspace| keyspace.tables.values());
        let tables = tables.map(|table| (table.id, table.clone())).collect();
        let version = version(&keyspaces);
        Catalog {
            keyspaces,
            tables,
            built_in,
            version,
        }
    }

    /// A hash of all that users made: equal on nodes that agree.
    pub fn version(&self) -> Uuid {
        self.version
    }

    /// The keyspace of this name.
    pub fn keyspace(&self, name: &str) -> Option<&Arc<Keyspace>> {
        self.keyspaces.get(name)
    }

    /// The keyspace of this name, or Cassandra's error.
    pub fn require_keyspace(&self, name: &str) -> Result<&Arc<Keyspace>, Error> {
        self.keyspace(name)
            .ok_or_else(|| Error::invalid(format!("Keyspace '{name}' doesn't exist")))
    }

    /// The table of this name.
    pub fn table(&self, keyspace: &str, name: &str) -> Option<&Arc<Table>> {
        self.keyspace(keyspace)?.table(name)
    }

    /// The table that a SELECT, INSERT, UPDATE, DELETE or TRUNCATE names, or the error that Cassandra answers.
    pub fn require_table(&self, keyspace: &str, name: &str) -> Result<&Arc<Table>, Error> {
        let Some(found) = self.keyspace(keyspace) else {
            return Err(Error::invalid(format!(
                "keyspace {keyspace} does not exist"
            )));
        };
        found.require_table(name)
    }

    /// The table of this id.
    pub fn table_by_id(&self, id: TableId) -> Option<&Arc<Table>> {
        self.tables.get(&id)
    }

    /// The user-defined type of this name.
    pub fn user_type(&self, keyspace: &str, name: &str) -> Option<&Arc<udt::Definition>> {
        self.keyspace(keyspace)?.user_type(name)
    }

    /// All keyspaces in the order of their names.
    pub fn keyspaces(&self) -> impl Iterator<Item = &Arc<Keyspace>> {
        self.keyspaces.values()
    }

    /// All tables in the order of their keyspaces' names and their own.
    pub fn tables(&self) -> impl Iterator<Item = &Arc<Table>> {
        self.keyspaces
            .values()
            .flat_map(|keyspace| keyspace.tables.values())
    }

    /// The keyspaces that users made.
    pub fn user_keyspaces(&self) -> impl Iterator<Item = &Arc<Keyspace>> {
        self.keyspaces()
            .filter(|keyspace| !system::is_system(&keyspace.name))
    }

    /// The same catalog with this keyspace, in place of its namesake if there is one.
    pub(crate) fn with_keyspace(&self, keyspace: Keyspace) -> Catalog {
        let mut keyspaces = self.keyspaces.clone();
        keyspaces.insert(keyspace.name.clone(), Arc::new(keyspace));
        Catalog::from_keyspaces(keyspaces, self.built_in.clone())
    }

    /// The same catalog without the keyspace.
    pub(crate) fn without_keyspace(&self, name: &str) -> Catalog {
        let mut keyspaces = self.keyspaces.clone();
        keyspaces.remove(name);
        Catalog::from_keyspaces(keyspaces, self.built_in.clone())
    }

    /// Appends the binary form of what differs from [`Catalog::new`].
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(FORMAT_VERSION);
        let changed = |keyspace: &&Arc<Keyspace>| {
            let initial = self.built_in.get(&keyspace.name);
            initial.is_none_or(|initial| !Arc::ptr_eq(initial, keyspace) && initial != *keyspace)
        };
        let keyspaces: Vec<_> = self.keyspaces().filter(changed).collect();
        codec::put_list(out, &keyspaces, |out, keyspace| {
            put_keyspace(out, keyspace, !self.built_in.contains_key(&keyspace.name));
        });
    }

    /// Reads what [`Catalog::encode`] wrote.
    pub fn decode(reader: &mut Reader<'_>) -> Decoded<Catalog> {
        let start = reader.clone();
        let version = reader.u8()?;
        if version != FORMAT_VERSION {
            return Err(content(&start, format!("catalog of version {version}")));
        }
        let initial = Catalog::new();
        let mut keyspaces = initial.keyspaces.clone();
        for keyspace in codec::list(reader, keyspace)? {
            let keyspace = match keyspaces.get(&keyspace.name) {
                Some(built_in) => Keyspace {
                    replication: keyspace.replication,
                    durable_writes: keyspace.durable_writes,
                    ..Keyspace::clone(built_in)
                },
                None => keyspace,
            };
            keyspaces.insert(keyspace.name.clone(), Arc::new(keyspace));
        }
        let count = keyspaces
            .values()
            .map(|keyspace| keyspace.tables.len())
            .sum::<usize>();
        let catalog = Catalog::from_keyspaces(keyspaces, initial.built_in);
        if catalog.tables.len() != count {
            return Err(content(&start, "two tables with one id"));
        }
        Ok(catalog)
    }
}

fn version(keyspaces: &Keyspaces) -> Uuid {
    let mut bytes = vec![FORMAT_VERSION];
    for keyspace in keyspaces.values() {
        if system::is_local(&keyspace.name) || system::is_virtual(&keyspace.name) {
            continue;
        }
        put_keyspace_head(&mut bytes, keyspace);
        for table in keyspace.tables.values() {
            bytes.extend_from_slice(&table.content.to_be_bytes());
        }
    }
    hash::uuid(hash::hash(&bytes))
}

fn put_keyspace_head(out: &mut Vec<u8>, keyspace: &Keyspace) {
    codec::put_text(out, &keyspace.name);
    codec::put_map(out, &keyspace.replication.properties());
    codec::put_flag(out, keyspace.durable_writes);
    codec::put_list(out, &keyspace.types_by_dependency(), |out, definition| {
        put_definition(out, definition)
    });
}

fn put_keyspace(out: &mut Vec<u8>, keyspace: &Keyspace, is_whole: bool) {
    put_keyspace_head(out, keyspace);
    let tables: Vec<_> = keyspace.tables.values().filter(|_| is_whole).collect();
    codec::put_list(out, &tables, |out, table| table::encode(table, out));
}

fn put_definition(out: &mut Vec<u8>, definition: &udt::Definition) {
    codec::put_text(out, &definition.name);
    put_varint(out, definition.fields.len() as u64);
    for (name, ty) in &definition.fields {
        codec::put_text(out, name);
        codec::put_type(out, ty);
    }
}

fn keyspace(reader: &mut Reader<'_>) -> Decoded<Keyspace> {
    let name = codec::name(reader)?;
    let start = reader.clone();
    let map = codec::map(reader)?;
    let replication =
        Replication::stored(&map).map_err(|error| content(&start, error.to_string()))?;
    let durable_writes = codec::flag(reader)?;
    let types = codec::list(reader, |reader| definition(reader, &name))?;
    let types = types
        .into_iter()
        .map(|ty| (Arc::from(ty.name.as_str()), Arc::new(ty)))
        .collect();
    let start = reader.clone();
    let mut tables = BTreeMap::new();
    for table in codec::list(reader, table::decode)? {
        if table.keyspace != name {
            return Err(content(
                &start,
                format!("table of {} in keyspace {name}", table.keyspace),
            ));
        }
        tables.insert(table.name.clone(), Arc::new(table));
    }
    Ok(Keyspace {
        name,
        replication,
        durable_writes,
        tables,
        types,
    })
}

fn definition(reader: &mut Reader<'_>, keyspace: &str) -> Decoded<udt::Definition> {
    let name = codec::text(reader)?;
    let fields = codec::list(reader, |reader| {
        Ok((codec::text(reader)?, codec::ty(reader)?))
    })?;
    Ok(udt::Definition {
        keyspace: keyspace.to_owned(),
        name,
        fields,
    })
}
