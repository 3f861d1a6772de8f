//! Prints types.

use std::fmt::{self, Display, Formatter};

use super::listed;
use crate::tree::{DataType, Native};

impl Display for DataType {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Native(native) => native.fmt(out),
            Self::List(element) => write!(out, "list<{element}>"),
            Self::Set(element) => write!(out, "set<{element}>"),
            Self::Map(key, value) => write!(out, "map<{key}, {value}>"),
            Self::Tuple(elements) => write!(out, "tuple<{}>", listed(elements)),
            Self::Vector(element, dimension) => write!(out, "vector<{element}, {dimension}>"),
            Self::Frozen(inner) => write!(out, "frozen<{inner}>"),
            Self::User(name) => name.fmt(out),
            Self::Custom(class, _) => write!(out, "'{}'", class.replace('\'', "''")),
        }
    }
}

impl Display for Native {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Ascii => "ascii",
            Self::BigInt => "bigint",
            Self::Blob => "blob",
            Self::Boolean => "boolean",
            Self::Counter => "counter",
            Self::Date => "date",
            Self::Decimal => "decimal",
            Self::Double => "double",
            Self::Duration => "duration",
            Self::Float => "float",
            Self::Inet => "inet",
            Self::Int => "int",
            Self::SmallInt => "smallint",
            Self::Text => "text",
            Self::Time => "time",
            Self::Timestamp => "timestamp",
            Self::TimeUuid => "timeuuid",
            Self::TinyInt => "tinyint",
            Self::Uuid => "uuid",
            Self::VarInt => "varint",
        })
    }
}
