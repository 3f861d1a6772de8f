//! A keyspace: its replication, its tables and its types.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use types::{NESTING_MAX, Type, udt};

use crate::{Error, Table};

/// A keyspace as one snapshot has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Keyspace {
    /// Its name.
    pub name: Arc<str>,
    /// Where its rows are kept.
    pub replication: Replication,
    /// Whether its writes go to the commit log.
    pub durable_writes: bool,
    /// Its tables, by name.
    pub tables: BTreeMap<Arc<str>, Arc<Table>>,
    /// Its types, by name.
    pub types: BTreeMap<Arc<str>, Arc<udt::Definition>>,
}

/// How many copies of each row there are, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replication {
    /// `LocalStrategy`: every node has its own.
    Local,
    /// `SimpleStrategy`: the next nodes along the ring, whatever their datacenter.
    Simple {
        /// How many copies.
        factor: u32,
    },
    /// `NetworkTopologyStrategy`: a number of copies per datacenter, over its racks.
    Network {
        /// How many copies, by datacenter.
        factors: BTreeMap<String, u32>,
    },
}

/// Where Cassandra has its replication strategies.
pub(crate) const PACKAGE: &str = "org.apache.cassandra.locator.";

impl Replication {
    /// The class without its package.
    pub fn class(&self) -> &'static str {
        match self {
            Replication::Local => "LocalStrategy",
            Replication::Simple { .. } => "SimpleStrategy",
            Replication::Network { .. } => "NetworkTopologyStrategy",
        }
    }

    /// The options beside the class, as text.
    pub fn options(&self) -> BTreeMap<String, String> {
        match self {
            Replication::Local => BTreeMap::new(),
            Replication::Simple { factor } => {
                BTreeMap::from([("replication_factor".to_owned(), factor.to_string())])
            }
            Replication::Network { factors } => factors
                .iter()
                .map(|(name, factor)| (name.clone(), factor.to_string()))
                .collect(),
        }
    }

    /// The map that `system_schema.keyspaces` shows: the class with its package, and the options.
    pub fn properties(&self) -> BTreeMap<String, String> {
        let mut map = self.options();
        map.insert("class".to_owned(), format!("{PACKAGE}{}", self.class()));
        map
    }

    /// How many copies there are in all.
    pub fn copies(&self) -> u32 {
        match self {
            Replication::Local => 1,
            Replication::Simple { factor } => *factor,
            Replication::Network { factors } => factors
                .values()
                .fold(0, |sum, factor| sum.saturating_add(*factor)),
        }
    }
}

impl Keyspace {
    /// The table of this name.
    pub fn table(&self, name: &str) -> Option<&Arc<Table>> {
        self.tables.get(name)
    }

    /// The table of this name, or Cassandra's error.
    pub fn require_table(&self, name: &str) -> Result<&Arc<Table>, Error> {
        self.table(name)
            .ok_or_else(|| Error::invalid(format!("table {name} does not exist")))
    }

    /// The type of this name.
    pub fn user_type(&self, name: &str) -> Option<&Arc<udt::Definition>> {
        self.types.get(name)
    }

    /// Whether every node has its own rows.
    pub fn is_local(&self) -> bool {
        self.replication == Replication::Local
    }
}

impl Keyspace {
    /// The types, each before those that use it: those that use none first, then those that use only these, and so
    /// on, each group by name.
    pub fn types_by_dependency(&self) -> Vec<&Arc<udt::Definition>> {
        let mut ranks = BTreeMap::new();
        let mut ordered: Vec<_> = self.types.values().collect();
        ordered.sort_by_cached_key(|definition| self.rank(definition, NESTING_MAX, &mut ranks));
        ordered
    }

    /// How many types below this one use each other. Nesting is bounded, and so is `left`, whatever a file says.
    fn rank<'a>(
        &'a self,
        definition: &'a udt::Definition,
        left: usize,
        ranks: &mut BTreeMap<&'a str, usize>,
    ) -> usize {
        if let Some(rank) = ranks.get(definition.name.as_str()) {
            return *rank;
        }
        // Types cannot form a circle; if a damaged file says so, it ends here.
        ranks.insert(&definition.name, 0);
        let mut used = BTreeSet::new();
        for (_, ty) in &definition.fields {
            add_direct(ty, &mut used);
        }
        let used = used.into_iter().filter_map(|name| self.types.get(name));
        let rank = match left.checked_sub(1) {
            Some(left) => used
                .map(|used| 1 + self.rank(used, left, ranks))
                .max()
                .unwrap_or_default(),
            None => 0,
        };
        ranks.insert(&definition.name, rank);
        rank
    }

    /// The type as this keyspace defines the user-defined types in it now; an error names one that is gone.
    pub(crate) fn refresh(&self, ty: &Type) -> Result<Type, Error> {
        let each = |ty: &Arc<Type>| self.refresh(ty).map(Arc::new);
        Ok(match ty {
            Type::List { element, frozen } => Type::List {
                element: each(element)?,
                frozen: *frozen,
            },
            Type::Set { element, frozen } => Type::Set {
                element: each(element)?,
                frozen: *frozen,
            },
            Type::Map { key, value, frozen } => Type::Map {
                key: each(key)?,
                value: each(value)?,
                frozen: *frozen,
            },
            Type::Tuple(parts) => Type::tuple(
                parts
                    .iter()
                    .map(|part| self.refresh(part))
                    .collect::<Result<Vec<_>, _>>()?,
            ),
            Type::Vector { element, dimension } => Type::Vector {
                element: each(element)?,
                dimension: *dimension,
            },
            Type::Udt { definition, frozen } => {
                let Some(current) = self.user_type(&definition.name) else {
                    return Err(unknown_type(&self.name, &definition.name));
                };
                let current = Type::Udt {
                    definition: current.clone(),
                    frozen: false,
                };
                if *frozen { current.freeze() } else { current }
            }
            native => native.clone(),
        })
    }
}

/// Cassandra's error for a type that is not there.
pub(crate) fn unknown_type(keyspace: &str, name: &str) -> Error {
    Error::invalid(format!("Unknown type {keyspace}.{name}"))
}

/// Adds the user-defined types that a type names itself, without those that these use.
fn add_direct<'a>(ty: &'a Type, names: &mut BTreeSet<&'a str>) {
    match ty {
        Type::Udt { definition, .. } => {
            names.insert(&definition.name);
        }
        other => other.parts().for_each(|part| add_direct(part, names)),
    }
}

/// Whether a field of `definition` uses the type of this name.
pub(crate) fn uses(definition: &udt::Definition, name: &str, keyspace: &str) -> bool {
    definition
        .fields
        .iter()
        .any(|(_, ty)| ty.references_udt(keyspace, name))
}
