//! Prints INSERT, UPDATE, DELETE and BATCH.

use std::fmt::{self, Display, Formatter};

use super::{Joined, listed, only_if};
use crate::tree::{
    Assignment, Attribute, Attributes, Batch, BatchKind, Conditions, Delete, Insert, InsertSource,
    JsonDefault, Modification, Operation, Update,
};

impl Display for Insert {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write!(out, "INSERT INTO {} {}", self.table, self.source)?;
        out.write_str(only_if(self.if_not_exists, " IF NOT EXISTS"))?;
        self.attributes.fmt(out)
    }
}

impl Display for InsertSource {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Values {
                columns, values, ..
            } => {
                write!(out, "({}) VALUES ({})", listed(columns), listed(values))
            }
            Self::Json { value, default } => {
                let unset = only_if(*default == JsonDefault::Unset, " DEFAULT UNSET");
                write!(out, "JSON {value}{unset}")
            }
        }
    }
}

/// A clause of its own, with a blank before it; nothing if there are no attributes.
impl Display for Attributes {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self.0.is_empty() {
            true => Ok(()),
            false => write!(out, " USING {}", Joined(&self.0, " AND ")),
        }
    }
}

impl Display for Attribute {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timestamp(term) => write!(out, "TIMESTAMP {term}"),
            Self::TimeToLive(term) => write!(out, "TTL {term}"),
        }
    }
}

impl Display for Update {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let assignments = listed(&self.assignments);
        write!(
            out,
            "UPDATE {}{} SET {assignments}",
            self.table, self.attributes
        )?;
        write!(out, " WHERE {}", Joined(&self.relations, " AND "))?;
        condition(out, self.conditions.as_ref())
    }
}

impl Display for Assignment {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let target = &self.target;
        match &self.operation {
            Operation::Set(term) => write!(out, "{target} = {term}"),
            Operation::Add(term) => write!(out, "{target} = {target} + {term}"),
            Operation::Subtract(term) => write!(out, "{target} = {target} - {term}"),
            Operation::Prepend(term) => write!(out, "{target} = {term} + {target}"),
        }
    }
}

impl Display for Delete {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let blank = only_if(!self.targets.is_empty(), " ");
        write!(
            out,
            "DELETE{blank}{} FROM {}",
            listed(&self.targets),
            self.table
        )?;
        write!(
            out,
            "{} WHERE {}",
            self.attributes,
            Joined(&self.relations, " AND ")
        )?;
        condition(out, self.conditions.as_ref())
    }
}

fn condition(out: &mut Formatter<'_>, conditions: Option<&Conditions>) -> fmt::Result {
    conditions.map_or(Ok(()), |conditions| write!(out, " IF {conditions}"))
}

impl Display for Batch {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            BatchKind::Logged => "",
            BatchKind::Unlogged => "UNLOGGED ",
            BatchKind::Counter => "COUNTER ",
        };
        write!(out, "BEGIN {kind}BATCH{} ", self.attributes)?;
        self.statements
            .iter()
            .try_for_each(|statement| write!(out, "{statement}; "))?;
        out.write_str("APPLY BATCH")
    }
}

impl Display for Modification {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Insert(insert) => insert.fmt(out),
            Self::Update(update) => update.fmt(out),
            Self::Delete(delete) => delete.fmt(out),
        }
    }
}
