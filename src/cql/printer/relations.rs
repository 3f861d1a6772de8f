//! Prints relations and conditions.

use std::fmt::{self, Display, Formatter};

use super::{Joined, listed};
use crate::tree::{
    Comparison, Condition, Conditions, InValues, Predicate, Relation, RelationSubject,
};

impl Display for Relation {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.subject, self.predicate)
    }
}

impl Display for RelationSubject {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Column(column) => column.fmt(out),
            Self::Element(column, key) => write!(out, "{column}[{key}]"),
            Self::Columns(columns) => write!(out, "({})", listed(columns)),
            Self::Token(columns) => write!(out, "token({})", listed(columns)),
        }
    }
}

impl Display for Predicate {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Compare(comparison, term) => write!(out, "{comparison} {term}"),
            Self::In(values) => write!(out, "IN {values}"),
            Self::Between(from, to) => write!(out, "BETWEEN {from} AND {to}"),
            Self::Like(pattern) => write!(out, "LIKE {pattern}"),
            Self::Contains(value) => write!(out, "CONTAINS {value}"),
            Self::ContainsKey(key) => write!(out, "CONTAINS KEY {key}"),
            Self::IsNotNull => out.write_str("IS NOT NULL"),
        }
    }
}

impl Display for InValues {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Terms(terms) => write!(out, "({})", listed(terms)),
            Self::Marker(marker) => marker.fmt(out),
        }
    }
}

impl Display for Comparison {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        })
    }
}

impl Display for Conditions {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exists => out.write_str("EXISTS"),
            Self::Columns(conditions) => Joined(conditions, " AND ").fmt(out),
        }
    }
}

impl Display for Condition {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.target, self.predicate)
    }
}
