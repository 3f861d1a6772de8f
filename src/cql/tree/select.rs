//! SELECT.

use super::{Identifier, Marker, QualifiedName, Relation, Selector, Term};

/// `SELECT .. FROM table WHERE ..`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Select {
    /// `SELECT JSON`
    pub json: bool,
    /// `SELECT DISTINCT`
    pub distinct: bool,
    /// What to compute.
    pub selection: Selection,
    /// The table.
    pub table: QualifiedName,
    /// The relations of WHERE, all of which must hold.
    pub relations: Vec<Relation>,
    /// `GROUP BY`
    pub group_by: Vec<Selector>,
    /// `ORDER BY`
    pub order_by: Vec<Ordering>,
    /// `PER PARTITION LIMIT`: an integer literal or a marker
    pub per_partition_limit: Option<Term>,
    /// `LIMIT`: an integer literal or a marker
    pub limit: Option<Term>,
    /// `ALLOW FILTERING`
    pub allow_filtering: bool,
    /// The bind markers in order of appearance.
    pub markers: Vec<Marker>,
}

/// What a SELECT computes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// `*`
    All,
    /// A list of selectors, never empty.
    Items(Vec<SelectItem>),
}

/// A selector and the name of its result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelectItem {
    /// What to compute.
    pub selector: Selector,
    /// `AS alias`
    pub alias: Option<Identifier>,
}

/// One part of ORDER BY.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ordering {
    /// The column.
    pub column: Identifier,
    /// `ANN OF term`: by nearness to this vector
    pub nearest_to: Option<Term>,
    /// Up or down.
    pub direction: Direction,
}

/// A direction of order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Direction {
    /// `ASC`
    #[default]
    Ascending,
    /// `DESC`
    Descending,
}
