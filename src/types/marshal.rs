//! Java-style class names of types, as the wire carries them for custom types and some tools read them.

use std::fmt::Write;

use crate::Type;
use crate::value::hex;

const PACKAGE: &str = "org.apache.cassandra.db.marshal.";

impl Type {
    /// The class name with its parameters, such as
    /// `org.apache.cassandra.db.marshal.VectorType(org.apache.cassandra.db.marshal.FloatType , 3)`.
    pub fn marshal_name(&self) -> String {
        let mut out = String::new();
        put(self, false, &mut out);
        out
    }
}

/// `inside_frozen`: an outer type has said frozen already.
fn put(ty: &Type, inside_frozen: bool, out: &mut String) {
    let wraps = match ty {
        Type::List { frozen, .. } | Type::Set { frozen, .. } => *frozen,
        Type::Map { frozen, .. } | Type::Udt { frozen, .. } => *frozen,
        _ => false,
    } && !inside_frozen;
    if wraps {
        out.push_str(PACKAGE);
        out.push_str("FrozenType(");
    }
    out.push_str(PACKAGE);
    out.push_str(class(ty));
    let inside = inside_frozen
        || matches!(ty, Type::Tuple(_))
        || !matches!(ty, Type::Vector { .. }) && !ty.is_multi_cell();
    put_parameters(ty, inside, out);
    if wraps {
        out.push(')');
    }
}

fn put_parameters(ty: &Type, inside: bool, out: &mut String) {
    match ty {
        Type::Udt { definition, .. } => {
            let name = hex::to_text(definition.name.as_bytes());
            out.push('(');
            out.push_str(&definition.keyspace);
            out.push(',');
            out.push_str(&name);
            for (field, ty) in &definition.fields {
                out.push(',');
                out.push_str(&hex::to_text(field.as_bytes()));
                out.push(':');
                put(ty, inside, out);
            }
            out.push(')');
        }
        Type::Vector { element, dimension } => {
            out.push('(');
            put(element, inside, out);
            // The blank before the comma is Cassandra's, and drivers match it.
            write!(out, " , {dimension})").expect("writing to a string does not fail");
        }
        _ => {
            for (index, part) in ty.parts().enumerate() {
                out.push(if index == 0 { '(' } else { ',' });
                put(part, inside, out);
            }
            if ty.parts().next().is_some() {
                out.push(')');
            }
        }
    }
}

fn class(ty: &Type) -> &'static str {
    match ty {
        Type::Ascii => "AsciiType",
        Type::BigInt => "LongType",
        Type::Blob => "BytesType",
        Type::Boolean => "BooleanType",
        Type::Counter => "CounterColumnType",
        Type::Date => "SimpleDateType",
        Type::Decimal => "DecimalType",
        Type::Double => "DoubleType",
        Type::Duration => "DurationType",
        Type::Float => "FloatType",
        Type::Inet => "InetAddressType",
        Type::Int => "Int32Type",
        Type::SmallInt => "ShortType",
        Type::Text => "UTF8Type",
        Type::Time => "TimeType",
        Type::Timestamp => "TimestampType",
        Type::TimeUuid => "TimeUUIDType",
        Type::TinyInt => "ByteType",
        Type::Uuid => "UUIDType",
        Type::VarInt => "IntegerType",
        Type::List { .. } => "ListType",
        Type::Set { .. } => "SetType",
        Type::Map { .. } => "MapType",
        Type::Tuple(_) => "TupleType",
        Type::Udt { .. } => "UserType",
        Type::Vector { .. } => "VectorType",
    }
}
