//! DESCRIBE: the catalog as lists of names, or as statements that make it again.
//!
//! Columns, rows and texts are Cassandra's, since cqlsh prints them as they come. A list has the columns
//! `keyspace_name`, `type` and `name`, and a description has `create_statement` too. Statements come in an order in
//! which they can be executed: a keyspace, its types each before those that use it, its tables.
//!
//! Not here: paging, which cuts the rows, and `range_ownership`, whose facts come with [`Cluster`].

mod create;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use ::types::name::quoted;
use ::types::{Type, collection, udt};
use cql::tree::{Describe, DescribeSubject as Subject, Identifier, QualifiedName};

use crate::{Catalog, Error, Keyspace, Table, system};

pub use create::{keyspace as create_keyspace, table as create_table, user_type as create_type};

/// The rows of a DESCRIBE statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Names and types of the columns. Their table is `system.describe`.
    pub columns: Vec<(&'static str, Type)>,
    /// The rows, as CQL bytes.
    pub rows: Vec<Vec<Vec<u8>>>,
}

/// What DESCRIBE CLUSTER tells.
#[derive(Debug, Clone, Default)]
pub struct Cluster {
    /// Its name.
    pub name: String,
    /// For the keyspace in use: the end of each token range with the addresses of the nodes that keep it.
    pub range_ownership: BTreeMap<String, Vec<String>>,
}

/// How tokens are made, without its package.
const PARTITIONER: &str = "Murmur3Partitioner";
/// How datacenters and racks are known, by the name of what does the same in Cassandra.
const SNITCH: &str = "DynamicEndpointSnitch";

/// One thing that can be described.
enum Element<'a> {
    Keyspace(&'a Keyspace),
    Type(&'a udt::Definition),
    Table(&'a Table),
}

/// What a DESCRIBE statement answers.
pub fn describe(
    statement: &Describe,
    session_keyspace: Option<&str>,
    catalog: &Catalog,
    cluster: &Cluster,
) -> Result<Answer, Error> {
    let scope = Scope {
        session_keyspace,
        catalog,
    };
    match &statement.subject {
        Subject::Cluster => Ok(scope.cluster(cluster)),
        Subject::Keyspaces => Ok(list(keyspaces(catalog).into_iter().map(Element::Keyspace))),
        Subject::Tables => scope.list(tables),
        Subject::Types => scope.list(|keyspace| {
            let types = keyspace.types.values().map(|ty| Element::Type(ty));
            by_name(types.collect(), Element::name)
        }),
        Subject::Functions | Subject::Aggregates => scope.list(|_| Vec::new()),
        subject => {
            let elements = scope.elements(subject)?;
            Ok(descriptions(elements, statement.with_internals))
        }
    }
}

/// Where names are looked up.
struct Scope<'a> {
    session_keyspace: Option<&'a str>,
    catalog: &'a Catalog,
}

impl<'a> Scope<'a> {
    fn keyspace(&self, name: &str) -> Result<&'a Keyspace, Error> {
        let found = self.catalog.keyspace(name);
        found
            .map(|keyspace| &**keyspace)
            .ok_or_else(|| Error::invalid(format!("'{name}' not found in keyspaces")))
    }

    /// The keyspace of a name: its own, or the one in use.
    fn keyspace_of(&self, name: Option<&Identifier>) -> Result<&'a Keyspace, Error> {
        let name = name.map(Identifier::as_str).or(self.session_keyspace);
        self.keyspace(
            name.ok_or_else(|| Error::invalid("No keyspace specified and no current keyspace"))?,
        )
    }

    /// The elements of the keyspace in use, or of all.
    fn list(&self, elements: impl Fn(&'a Keyspace) -> Vec<Element<'a>>) -> Result<Answer, Error> {
        let keyspaces = match self.session_keyspace {
            Some(name) => vec![self.keyspace(name)?],
            None => keyspaces(self.catalog),
        };
        Ok(list(keyspaces.into_iter().flat_map(elements)))
    }

    /// The elements that a statement describes.
    fn elements(&self, subject: &Subject) -> Result<Vec<Element<'a>>, Error> {
        match subject {
            Subject::Schema { full } => {
                let keyspaces = keyspaces(self.catalog).into_iter();
                let keyspaces =
                    keyspaces.filter(|keyspace| *full || !system::is_system(&keyspace.name));
                Ok(keyspaces.flat_map(all).collect())
            }
            Subject::Keyspace { only, name } => {
                let keyspace = self.keyspace_of(name.as_ref())?;
                Ok(if *only {
                    vec![Element::Keyspace(keyspace)]
                } else {
                    all(keyspace)
                })
            }
            Subject::Table(name) => self.table(name),
            Subject::Type(name) => {
                let keyspace = self.keyspace_of(name.keyspace.as_ref())?;
                let found = keyspace.user_type(name.name.as_str());
                found
                    .map(|ty| vec![Element::Type(ty)])
                    .ok_or_else(|| not_found("User defined type", name, keyspace))
            }
            Subject::Index(name) => {
                let keyspace = self.keyspace_of(name.keyspace.as_ref())?;
                Err(not_found("Table for existing index", name, keyspace))
            }
            Subject::View(name) => {
                let keyspace = self.keyspace_of(name.keyspace.as_ref())?;
                Err(not_found("Materialized view", name, keyspace))
            }
            Subject::Function(name) => {
                let keyspace = self.keyspace_of(name.keyspace.as_ref())?;
                Err(not_found("User defined function", name, keyspace))
            }
            Subject::Aggregate(name) => {
                let keyspace = self.keyspace_of(name.keyspace.as_ref())?;
                Err(not_found("User defined aggregate", name, keyspace))
            }
            Subject::Any(name) => self.any(name),
            _ => Ok(Vec::new()),
        }
    }

    fn table(&self, name: &QualifiedName) -> Result<Vec<Element<'a>>, Error> {
        let keyspace = self.keyspace_of(name.keyspace.as_ref())?;
        let found = keyspace.table(name.name.as_str());
        found
            .map(|table| vec![Element::Table(table)])
            .ok_or_else(|| {
                Error::invalid(format!(
                    "Table '{}' not found in keyspace '{}'",
                    name.name.text, keyspace.name
                ))
            })
    }

    /// A keyspace, else a table of the keyspace in use.
    fn any(&self, name: &QualifiedName) -> Result<Vec<Element<'a>>, Error> {
        let text = name.name.as_str();
        if name.keyspace.is_none()
            && let Some(keyspace) = self.catalog.keyspace(text)
        {
            return Ok(all(keyspace));
        }
        let keyspace = name
            .keyspace
            .as_ref()
            .map(Identifier::as_str)
            .or(self.session_keyspace);
        let keyspace = self.keyspace(keyspace.unwrap_or(text))?;
        let found = keyspace.table(text);
        found
            .map(|table| vec![Element::Table(table)])
            .ok_or_else(|| {
                Error::invalid(format!(
                    "'{text}' not found in keyspace '{}'",
                    keyspace.name
                ))
            })
    }

    fn cluster(&self, cluster: &Cluster) -> Answer {
        let mut columns = vec![
            ("cluster", Type::Text),
            ("partitioner", Type::Text),
            ("snitch", Type::Text),
        ];
        let mut row: Vec<Vec<u8>> = [cluster.name.as_str(), PARTITIONER, SNITCH]
            .map(|text| text.as_bytes().to_vec())
            .into();
        if self
            .session_keyspace
            .is_some_and(|keyspace| !system::is_system(keyspace))
        {
            let ty = Type::map(Type::Text, Type::list(Type::Text, false), false);
            columns.push(("range_ownership", ty));
            let nodes = cluster.range_ownership.iter().map(|(token, nodes)| {
                (
                    token,
                    collection::encode_items(nodes.iter().map(|node| node.as_bytes())),
                )
            });
            let nodes: Vec<_> = nodes.collect();
            row.push(collection::encode_pairs(
                nodes
                    .iter()
                    .map(|(token, nodes)| (token.as_bytes(), nodes.as_slice())),
            ));
        }
        Answer {
            columns,
            rows: vec![row],
        }
    }
}

fn not_found(kind: &str, name: &QualifiedName, keyspace: &Keyspace) -> Error {
    Error::invalid(format!(
        "{kind} '{}' not found in '{}'",
        name.name.text, keyspace.name
    ))
}

/// A keyspace with all that is in it, in an order in which it can be made.
fn all(keyspace: &Keyspace) -> Vec<Element<'_>> {
    let types = keyspace
        .types_by_dependency()
        .into_iter()
        .map(|ty| Element::Type(ty));
    [Element::Keyspace(keyspace)]
        .into_iter()
        .chain(types)
        .chain(tables(keyspace))
        .collect()
}

fn keyspaces(catalog: &Catalog) -> Vec<&Keyspace> {
    let keyspaces = catalog.keyspaces().map(|keyspace| &**keyspace);
    by_name(keyspaces.collect(), |keyspace| &keyspace.name)
}

fn tables(keyspace: &Keyspace) -> Vec<Element<'_>> {
    let tables = keyspace.tables.values().map(|table| Element::Table(table));
    by_name(tables.collect(), Element::name)
}

/// In the order of their names, whatever the case.
fn by_name<T>(mut elements: Vec<T>, name: impl Fn(&T) -> &str) -> Vec<T> {
    elements.sort_by_cached_key(|element| name(element).to_lowercase());
    elements
}

fn list<'a>(elements: impl IntoIterator<Item = Element<'a>>) -> Answer {
    let rows = elements
        .into_iter()
        .map(|element| element.names())
        .collect();
    let columns = ["keyspace_name", "type", "name"]
        .map(|name| (name, Type::Text))
        .into();
    Answer { columns, rows }
}

fn descriptions(elements: Vec<Element<'_>>, with_internals: bool) -> Answer {
    let rows = elements.iter().map(|element| {
        let mut row = element.names();
        row.push(element.statement(with_internals).into_bytes());
        row
    });
    let columns = ["keyspace_name", "type", "name", "create_statement"]
        .map(|name| (name, Type::Text))
        .into();
    Answer {
        rows: rows.collect(),
        columns,
    }
}

impl Element<'_> {
    fn name(&self) -> &str {
        match self {
            Element::Keyspace(keyspace) => &keyspace.name,
            Element::Type(ty) => &ty.name,
            Element::Table(table) => &table.name,
        }
    }

    fn names(&self) -> Vec<Vec<u8>> {
        let (keyspace, kind, name) = match self {
            Element::Keyspace(keyspace) => (&*keyspace.name, "keyspace", &*keyspace.name),
            Element::Type(ty) => (ty.keyspace.as_str(), "type", ty.name.as_str()),
            Element::Table(table) => (&*table.keyspace, "table", &*table.name),
        };
        [quoted(keyspace), kind.into(), quoted(name)]
            .map(|text| text.into_owned().into_bytes())
            .into()
    }

    fn statement(&self, with_internals: bool) -> String {
        match self {
            Element::Keyspace(keyspace) => create::keyspace(keyspace),
            Element::Type(ty) => create::user_type(ty),
            Element::Table(table) => create::table(table, with_internals),
        }
    }
}
