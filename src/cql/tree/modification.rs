//! INSERT, UPDATE, DELETE and BATCH.

use super::{Conditions, Identifier, Marker, QualifiedName, Relation, Span, Target, Term};

/// `INSERT INTO table ..`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Insert {
    /// The table.
    pub table: QualifiedName,
    /// What to insert.
    pub source: InsertSource,
    /// `IF NOT EXISTS`
    pub if_not_exists: bool,
    /// `USING ..`
    pub attributes: Attributes,
    /// The bind markers of this statement in order of appearance.
    pub markers: Vec<Marker>,
}

/// What an INSERT inserts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InsertSource {
    /// `(columns) VALUES (values)`; the two may differ in number
    Values {
        /// The columns.
        columns: Vec<Identifier>,
        /// Their values.
        values: Vec<Term>,
        /// Where the list of values stood.
        values_span: Span,
    },
    /// `JSON 'text'`
    Json {
        /// A text literal or a marker.
        value: Term,
        /// What happens to columns that the text does not name.
        default: JsonDefault,
    },
}

/// What INSERT JSON does to columns that the text does not name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum JsonDefault {
    /// `DEFAULT NULL`: they become null
    #[default]
    Null,
    /// `DEFAULT UNSET`: they are left alone
    Unset,
}

/// `UPDATE table SET .. WHERE ..`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// The table.
    pub table: QualifiedName,
    /// `USING ..`
    pub attributes: Attributes,
    /// The assignments of SET.
    pub assignments: Vec<Assignment>,
    /// The relations of WHERE.
    pub relations: Vec<Relation>,
    /// `IF ..`
    pub conditions: Option<Conditions>,
    /// The bind markers of this statement in order of appearance.
    pub markers: Vec<Marker>,
}

/// One assignment of SET.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// What is changed.
    pub target: Target,
    /// How it is changed; other than `Set` only for whole columns.
    pub operation: Operation,
    /// Where it stood.
    pub span: Span,
}

/// How an assignment changes its target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// `target = term`
    Set(Term),
    /// `column = column + term`, `column += term`
    Add(Term),
    /// `column = column - term`, `column -= term`
    Subtract(Term),
    /// `column = term + column`
    Prepend(Term),
}

/// `DELETE .. FROM table WHERE ..`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delete {
    /// Columns or parts of columns; empty for whole rows.
    pub targets: Vec<Target>,
    /// The table.
    pub table: QualifiedName,
    /// `USING TIMESTAMP`
    pub attributes: Attributes,
    /// The relations of WHERE.
    pub relations: Vec<Relation>,
    /// `IF ..`
    pub conditions: Option<Conditions>,
    /// The bind markers of this statement in order of appearance.
    pub markers: Vec<Marker>,
}

/// `USING ..`, in the order written; of two of one kind the later one counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes(pub Vec<Attribute>);

/// One attribute of USING: an integer literal or a marker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attribute {
    /// `TIMESTAMP n`
    Timestamp(Term),
    /// `TTL n`
    TimeToLive(Term),
}

impl Attributes {
    /// The timestamp in microseconds.
    pub fn timestamp(&self) -> Option<&Term> {
        self.0.iter().rev().find_map(|attribute| match attribute {
            Attribute::Timestamp(term) => Some(term),
            Attribute::TimeToLive(_) => None,
        })
    }

    /// The time to live in seconds.
    pub fn time_to_live(&self) -> Option<&Term> {
        self.0.iter().rev().find_map(|attribute| match attribute {
            Attribute::TimeToLive(term) => Some(term),
            Attribute::Timestamp(_) => None,
        })
    }
}

/// `BEGIN BATCH .. APPLY BATCH`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// How the batch is carried out.
    pub kind: BatchKind,
    /// `USING TIMESTAMP` of the whole.
    pub attributes: Attributes,
    /// The statements.
    pub statements: Vec<Modification>,
    /// The bind markers of all in order of appearance.
    pub markers: Vec<Marker>,
}

/// How a batch is carried out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum BatchKind {
    /// All or nothing, in the end.
    #[default]
    Logged,
    /// `UNLOGGED`
    Unlogged,
    /// `COUNTER`
    Counter,
}

/// A statement of a batch. Its markers have the indexes they have in the batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Modification {
    /// `INSERT`
    Insert(Insert),
    /// `UPDATE`
    Update(Update),
    /// `DELETE`
    Delete(Delete),
}
