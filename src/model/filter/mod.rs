//! Conditions that rows must satisfy, evaluated on bytes.
//!
//! A condition that concerns the partition (its key, its static columns) is judged once per partition, the others once
//! per row. A null satisfies no condition, `!=` included. The filter carries the types it needs, so a node can
//! evaluate it without asking its catalog.

mod evaluate;
pub mod format;

use bytes::Bytes;
use types::Type;

use crate::ColumnId;
use crate::key::Order;

pub use evaluate::Scratch;

/// Conditions, all of which must hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    /// How many components the partition key has.
    pub partition_components: u16,
    /// The table's clustering columns; needed when a condition is about one, else it may be empty.
    pub clustering: Vec<(Type, Order)>,
    /// The conditions.
    pub conditions: Vec<Condition>,
}

/// One condition.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// What it is about.
    pub target: Target,
    /// The type of the whole column or component, whatever part of it is compared.
    pub ty: Type,
    /// How it compares.
    pub operator: Operator,
    /// With what, in CQL's serialized form: any number for [`Operator::In`], one for the others. It has the type of
    /// the target, of a map's value for [`Target::Element`], or of an element or key for the operators that say so.
    pub values: Vec<Bytes>,
}

/// What a condition is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A component of the partition key, by position.
    PartitionKey(u16),
    /// A component of the clustering key, by position.
    Clustering(u16),
    /// A static column.
    Static(ColumnId),
    /// A regular column.
    Column(ColumnId),
    /// The value that a map has for a key: `m['k'] = 'v'`. The type is the map's.
    Element {
        /// The map, a regular or static column.
        column: ColumnId,
        /// Whether it is static.
        is_static: bool,
        /// The key in CQL's serialized form.
        key: Bytes,
    },
}

/// How a condition compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `=`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `IN`
    In,
    /// `CONTAINS`: an element of a list or set, a value of a map.
    Contains,
    /// `CONTAINS KEY`: a key of a map.
    ContainsKey,
}

impl Target {
    /// Whether it is the same for all rows of a partition.
    pub fn is_of_partition(&self) -> bool {
        match self {
            Target::PartitionKey(_) | Target::Static(_) => true,
            Target::Element { is_static, .. } => *is_static,
            Target::Clustering(_) | Target::Column(_) => false,
        }
    }
}

impl Filter {
    /// Whether every condition concerns the partition as a whole.
    pub fn is_of_partition(&self) -> bool {
        self.conditions
            .iter()
            .all(|condition| condition.target.is_of_partition())
    }
}

#[cfg(test)]
mod tests;
