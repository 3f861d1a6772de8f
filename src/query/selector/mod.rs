//! Selectors: from what SELECT asks for to result columns, computed row by row or group by group.
//!
//! 1. [`plan`] checks the selectors against the table and makes a [`Selection`].
//! 2. [`Scope`] computes an expression from the loaded values of one row.
//! 3. With aggregates, [`Group::add`] takes in rows and [`Group::results`] gives what they come to.

mod aggregate;
mod composed;
mod evaluate;
mod name;
mod parts;
mod plan;
mod times;

use std::sync::Arc;

use types::Type;

pub use aggregate::Group;
pub use evaluate::Scope;
pub use plan::plan;
pub use times::{Part, Times, TimesKind};

use crate::function::Function;
use crate::row::Fetch;
use crate::term;

/// What a SELECT computes.
#[derive(Clone, Debug)]
pub struct Selection {
    /// The columns to read.
    pub fetch: Fetch,
    /// The result columns.
    pub columns: Vec<ResultColumn>,
    /// The aggregates that occur in them.
    pub aggregates: Vec<Aggregate>,
}

impl Selection {
    /// Whether all rows make one.
    pub fn is_aggregate(&self) -> bool {
        !self.aggregates.is_empty()
    }
}

/// One column of the result.
#[derive(Clone, Debug)]
pub struct ResultColumn {
    /// Its name: the alias, or what Cassandra calls the selector.
    pub name: String,
    /// Its type.
    pub ty: Type,
    /// How it is computed.
    pub expression: Expression,
}

/// How a value is computed from a row.
#[derive(Clone, Debug)]
pub enum Expression {
    /// A column.
    Slot(usize),
    /// A term, which does not depend on the row.
    Term(term::Plan),
    /// When a column's cell was written.
    WriteTime(usize),
    /// The seconds a column's cell has left.
    TimeToLive(usize),
    /// The same of parts of a column, or of a column of many cells.
    Times(Box<Times>),
    /// A function of other expressions.
    Call(Arc<Function>, Vec<Expression>),
    /// A field of a user-defined type, by position.
    Field(Box<Expression>, usize),
    /// An element of a map or set, by key.
    Element {
        /// The collection.
        of: Box<Expression>,
        /// Its type.
        ty: Type,
        /// The key or element.
        key: term::Plan,
    },
    /// The elements of a map or set between two keys.
    Slice {
        /// The collection.
        of: Box<Expression>,
        /// Its type.
        ty: Type,
        /// The first key; none for an open end.
        from: Option<term::Plan>,
        /// The last key.
        to: Option<term::Plan>,
    },
    /// A list or set of expressions.
    Items {
        /// Its type.
        ty: Type,
        /// The elements.
        items: Vec<Expression>,
    },
    /// A map of expressions.
    Pairs {
        /// Its type.
        ty: Type,
        /// Keys and values.
        pairs: Vec<(Expression, Expression)>,
    },
    /// A tuple of expressions.
    Components(Vec<Expression>),
    /// The result of an aggregate.
    Aggregate(usize),
}

/// A function of many rows.
#[derive(Clone, Debug)]
pub struct Aggregate {
    /// What it computes.
    pub kind: AggregateKind,
    /// Of what; nothing for `count(*)`.
    pub argument: Option<Expression>,
    /// The type of the argument.
    pub ty: Type,
}

/// The aggregates of the language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AggregateKind {
    /// Rows, or values that are not null.
    Count,
    /// The smallest value.
    Min,
    /// The largest value.
    Max,
    /// The sum, in the values' own type.
    Sum,
    /// The mean, in the values' own type.
    Avg,
}

impl AggregateKind {
    /// The aggregate of this name.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "count" => AggregateKind::Count,
            "min" => AggregateKind::Min,
            "max" => AggregateKind::Max,
            "sum" => AggregateKind::Sum,
            "avg" => AggregateKind::Avg,
            _ => return None,
        })
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            AggregateKind::Count => "count",
            AggregateKind::Min => "min",
            AggregateKind::Max => "max",
            AggregateKind::Sum => "sum",
            AggregateKind::Avg => "avg",
        }
    }
}
