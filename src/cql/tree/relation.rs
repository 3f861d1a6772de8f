//! Relations of WHERE and conditions of IF.

use super::{Identifier, Marker, Span, Target, Term};

/// One relation of a WHERE clause; all must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation {
    /// What is compared.
    pub subject: Subject,
    /// With what and how.
    pub predicate: Predicate,
    /// Where it stood.
    pub span: Span,
}

/// The left side of a relation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// `column`
    Column(Identifier),
    /// `column[key]`
    Element(Identifier, Term),
    /// `(a, b)`
    Columns(Vec<Identifier>),
    /// `token(a, b)`
    Token(Vec<Identifier>),
}

/// The right side of a relation or condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Predicate {
    /// `= term` and its like; for several columns the term is a tuple or a marker
    Compare(Comparison, Term),
    /// `IN (..)`
    In(InValues),
    /// `BETWEEN a AND b`
    Between(Term, Term),
    /// `LIKE pattern`
    Like(Term),
    /// `CONTAINS value`
    Contains(Term),
    /// `CONTAINS KEY key`
    ContainsKey(Term),
    /// `IS NOT NULL`
    IsNotNull,
}

/// The values of an IN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InValues {
    /// `(a, b)`; for several columns each is a tuple or a marker
    Terms(Vec<Term>),
    /// `?`, one marker for the whole list
    Marker(Marker),
}

/// An ordering or equality operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

/// What must hold for an UPDATE or DELETE to be applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conditions {
    /// `IF EXISTS`
    Exists,
    /// `IF a AND b`
    Columns(Vec<Condition>),
}

/// One condition on a column, an element or a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// What is tested.
    pub target: Target,
    /// For what; never `BETWEEN`, `LIKE` or `IS NOT NULL`.
    pub predicate: Predicate,
    /// Where it stood.
    pub span: Span,
}
