//! The tree of a statement: what the parser found, before any catalog is asked.
//!
//! - Names are folded, quoted ones kept as written ([`Identifier`]).
//! - Spans tell where in the text a thing stood, for carets in errors; they never take part in
//!   comparison, so trees of the same meaning are equal.
//! - A bind marker knows its index; a statement lists its markers in order of appearance.
//! - Every type implements `Display` as canonical CQL, in `crate::printer`.

mod data_type;
mod describe;
mod keyspace;
mod modification;
mod name;
mod relation;
mod select;
mod selector;
mod table;
mod term;
mod user_type;

pub use data_type::{DataType, Native};
pub use describe::{Describe, Subject as DescribeSubject};
pub use keyspace::{
    AlterKeyspace, CreateKeyspace, DropKeyspace, Properties, Property, PropertyValue, Use,
};
pub use modification::{
    Assignment, Attribute, Attributes, Batch, BatchKind, Delete, Insert, InsertSource, JsonDefault,
    Modification, Operation, Update,
};
pub use name::{Identifier, QualifiedName, Span};
pub use relation::{
    Comparison, Condition, Conditions, InValues, Predicate, Relation, Subject as RelationSubject,
};
pub use select::{Direction, Ordering, Select, SelectItem, Selection};
pub use selector::{Selector, SelectorKind};
pub use table::{
    AlterTable, AlterTableAction, ColumnDefinition, CreateTable, DropTable, Mask, PrimaryKey,
    Rename, Truncate,
};
pub use term::{ArithmeticOperator, Literal, Marker, Part, Target, Term, TermKind};
pub use user_type::{AlterType, AlterTypeAction, CreateType, DropType, Field};

/// One statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Statement {
    /// `USE keyspace`
    Use(Use),
    /// `CREATE KEYSPACE`
    CreateKeyspace(CreateKeyspace),
    /// `ALTER KEYSPACE`
    AlterKeyspace(AlterKeyspace),
    /// `DROP KEYSPACE`
    DropKeyspace(DropKeyspace),
    /// `CREATE TABLE`
    CreateTable(CreateTable),
    /// `ALTER TABLE`
    AlterTable(AlterTable),
    /// `DROP TABLE`
    DropTable(DropTable),
    /// `CREATE TYPE`
    CreateType(CreateType),
    /// `ALTER TYPE`
    AlterType(AlterType),
    /// `DROP TYPE`
    DropType(DropType),
    /// `TRUNCATE`
    Truncate(Truncate),
    /// `SELECT`
    Select(Box<Select>),
    /// `INSERT`
    Insert(Insert),
    /// `UPDATE`
    Update(Update),
    /// `DELETE`
    Delete(Delete),
    /// `BEGIN BATCH`
    Batch(Batch),
    /// `DESCRIBE`
    Describe(Describe),
    /// A statement of Cassandra 5.0 that is known by its first words only.
    Unsupported {
        /// The words, such as `CREATE INDEX`.
        name: &'static str,
    },
}

impl Statement {
    /// The bind markers in order of appearance; element `i` has index `i`.
    pub fn markers(&self) -> &[Marker] {
        match self {
            Self::Select(select) => &select.markers,
            Self::Insert(insert) => &insert.markers,
            Self::Update(update) => &update.markers,
            Self::Delete(delete) => &delete.markers,
            Self::Batch(batch) => &batch.markers,
            _ => &[],
        }
    }
}
