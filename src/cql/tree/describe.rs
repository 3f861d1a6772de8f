//! DESCRIBE.

use super::{Identifier, QualifiedName};

/// `DESCRIBE ..`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Describe {
    /// What to describe.
    pub subject: Subject,
    /// `WITH INTERNALS`
    pub with_internals: bool,
}

/// What DESCRIBE describes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// `CLUSTER`
    Cluster,
    /// `SCHEMA`, or `FULL SCHEMA` with the system keyspaces
    Schema {
        /// `FULL`
        full: bool,
    },
    /// `KEYSPACES`, a list of names
    Keyspaces,
    /// `TABLES`, a list of names
    Tables,
    /// `TYPES`, a list of names
    Types,
    /// `FUNCTIONS`, a list of names
    Functions,
    /// `AGGREGATES`, a list of names
    Aggregates,
    /// `KEYSPACE [name]`: it and all its elements, or with `ONLY` it alone
    Keyspace {
        /// `ONLY`
        only: bool,
        /// The keyspace; the one in use if left out.
        name: Option<Identifier>,
    },
    /// `TABLE name`
    Table(QualifiedName),
    /// `INDEX name`
    Index(QualifiedName),
    /// `MATERIALIZED VIEW name`
    View(QualifiedName),
    /// `TYPE name`
    Type(QualifiedName),
    /// `FUNCTION name`
    Function(QualifiedName),
    /// `AGGREGATE name`
    Aggregate(QualifiedName),
    /// A bare name: a keyspace, table, index or view, whichever is found first
    Any(QualifiedName),
}
