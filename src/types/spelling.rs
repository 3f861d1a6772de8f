//! How types are written in CQL.
//!
//! `Display` gives the spelling that Cassandra stores in `system_schema` and prints in errors: `frozen<..>` around
//! whatever is frozen, tuples included, but not around vectors; user-defined types by name, without keyspace.

use std::fmt;

use crate::{Type, name};

impl Type {
    /// The native type of this CQL name (lower case), `varchar` included.
    pub fn native(name: &str) -> Option<Type> {
        Some(match name {
            "ascii" => Type::Ascii,
            "bigint" => Type::BigInt,
            "blob" => Type::Blob,
            "boolean" => Type::Boolean,
            "counter" => Type::Counter,
            "date" => Type::Date,
            "decimal" => Type::Decimal,
            "double" => Type::Double,
            "duration" => Type::Duration,
            "float" => Type::Float,
            "inet" => Type::Inet,
            "int" => Type::Int,
            "smallint" => Type::SmallInt,
            "text" | "varchar" => Type::Text,
            "time" => Type::Time,
            "timestamp" => Type::Timestamp,
            "timeuuid" => Type::TimeUuid,
            "tinyint" => Type::TinyInt,
            "uuid" => Type::Uuid,
            "varint" => Type::VarInt,
            _ => return None,
        })
    }

    /// The CQL name of a native type.
    pub fn native_name(&self) -> Option<&'static str> {
        Some(match self {
            Type::Ascii => "ascii",
            Type::BigInt => "bigint",
            Type::Blob => "blob",
            Type::Boolean => "boolean",
            Type::Counter => "counter",
            Type::Date => "date",
            Type::Decimal => "decimal",
            Type::Double => "double",
            Type::Duration => "duration",
            Type::Float => "float",
            Type::Inet => "inet",
            Type::Int => "int",
            Type::SmallInt => "smallint",
            Type::Text => "text",
            Type::Time => "time",
            Type::Timestamp => "timestamp",
            Type::TimeUuid => "timeuuid",
            Type::TinyInt => "tinyint",
            Type::Uuid => "uuid",
            Type::VarInt => "varint",
            _ => return None,
        })
    }
}

impl fmt::Display for Type {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let frozen = !self.is_multi_cell() && !matches!(self, Type::Vector { .. });
        if let Some(name) = self.native_name() {
            return out.write_str(name);
        }
        if frozen {
            out.write_str("frozen<")?;
        }
        match self {
            Type::List { element, .. } => write!(out, "list<{element}>")?,
            Type::Set { element, .. } => write!(out, "set<{element}>")?,
            Type::Map { key, value, .. } => write!(out, "map<{key}, {value}>")?,
            Type::Tuple(parts) => {
                out.write_str("tuple<")?;
                for (index, part) in parts.iter().enumerate() {
                    let separator = if index == 0 { "" } else { ", " };
                    write!(out, "{separator}{part}")?;
                }
                out.write_str(">")?;
            }
            Type::Udt { definition, .. } => out.write_str(&name::quoted(&definition.name))?,
            Type::Vector { element, dimension } => write!(out, "vector<{element}, {dimension}>")?,
            _ => {}
        }
        if frozen {
            out.write_str(">")?;
        }
        Ok(())
    }
}
