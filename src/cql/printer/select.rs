//! Prints SELECT.

use std::fmt::{self, Display, Formatter};

use super::{Joined, listed, only_if};
use crate::tree::{Direction, Ordering, Select};

impl Display for Select {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let json = only_if(self.json, "JSON ");
        let distinct = only_if(self.distinct, "DISTINCT ");
        write!(
            out,
            "SELECT {json}{distinct}{} FROM {}",
            self.selection, self.table
        )?;
        if !self.relations.is_empty() {
            write!(out, " WHERE {}", Joined(&self.relations, " AND "))?;
        }
        if !self.group_by.is_empty() {
            write!(out, " GROUP BY {}", listed(&self.group_by))?;
        }
        if !self.order_by.is_empty() {
            write!(out, " ORDER BY {}", listed(&self.order_by))?;
        }
        if let Some(limit) = &self.per_partition_limit {
            write!(out, " PER PARTITION LIMIT {limit}")?;
        }
        if let Some(limit) = &self.limit {
            write!(out, " LIMIT {limit}")?;
        }
        out.write_str(only_if(self.allow_filtering, " ALLOW FILTERING"))
    }
}

impl Display for Ordering {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        self.column.fmt(out)?;
        if let Some(term) = &self.nearest_to {
            write!(out, " ANN OF {term}")?;
        }
        out.write_str(only_if(self.direction == Direction::Descending, " DESC"))
    }
}

impl Display for Direction {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Ascending => "ASC",
            Self::Descending => "DESC",
        })
    }
}
