//! Prints DESCRIBE.

use std::fmt::{self, Display, Formatter};

use super::only_if;
use crate::tree::{Describe, DescribeSubject};

impl Display for Describe {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let internals = only_if(self.with_internals, " WITH INTERNALS");
        write!(out, "DESCRIBE {}{internals}", self.subject)
    }
}

impl Display for DescribeSubject {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster => out.write_str("CLUSTER"),
            Self::Schema { full } => write!(out, "{}SCHEMA", only_if(*full, "FULL ")),
            Self::Keyspaces => out.write_str("KEYSPACES"),
            Self::Tables => out.write_str("TABLES"),
            Self::Types => out.write_str("TYPES"),
            Self::Functions => out.write_str("FUNCTIONS"),
            Self::Aggregates => out.write_str("AGGREGATES"),
            Self::Keyspace { only, name } => {
                write!(out, "{}KEYSPACE", only_if(*only, "ONLY "))?;
                name.as_ref().map_or(Ok(()), |name| write!(out, " {name}"))
            }
            Self::Table(name) => write!(out, "TABLE {name}"),
            Self::Index(name) => write!(out, "INDEX {name}"),
            Self::View(name) => write!(out, "MATERIALIZED VIEW {name}"),
            Self::Type(name) => write!(out, "TYPE {name}"),
            Self::Function(name) => write!(out, "FUNCTION {name}"),
            Self::Aggregate(name) => write!(out, "AGGREGATE {name}"),
            Self::Any(name) => name.fmt(out),
        }
    }
}
