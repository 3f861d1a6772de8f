//! Class names: how a type without an id of its own is named, `org.apache.cassandra.db.marshal.VectorType(...)`.
//!
//! | Type | Name, each part with the package in front |
//! |---|---|
//! | native | `Int32Type`, `UTF8Type`, ... |
//! | vector | `VectorType(FloatType , 3)`, with a blank on both sides of the comma |
//! | list, set | `ListType(Int32Type)`, in `FrozenType(...)` if frozen |
//! | map | `MapType(UTF8Type,Int32Type)` |
//! | tuple | `TupleType(Int32Type,UTF8Type)` |
//! | user-defined type | `UserType(keyspace,6e616d65,6669656c64:Int32Type)`, name and fields in hex |
//!
//! Drivers parse these, so the spelling is part of the protocol.

use std::fmt::Write;

use types::{NESTING_MAX, Type, udt};

use crate::wire::Malformed;

const PACKAGE: &str = "org.apache.cassandra.db.marshal.";

const NATIVE: [(&str, Type); 20] = [
    ("AsciiType", Type::Ascii),
    ("LongType", Type::BigInt),
    ("BytesType", Type::Blob),
    ("BooleanType", Type::Boolean),
    ("CounterColumnType", Type::Counter),
    ("SimpleDateType", Type::Date),
    ("DecimalType", Type::Decimal),
    ("DoubleType", Type::Double),
    ("DurationType", Type::Duration),
    ("FloatType", Type::Float),
    ("InetAddressType", Type::Inet),
    ("Int32Type", Type::Int),
    ("ShortType", Type::SmallInt),
    ("UTF8Type", Type::Text),
    ("TimeType", Type::Time),
    ("TimestampType", Type::Timestamp),
    ("TimeUUIDType", Type::TimeUuid),
    ("ByteType", Type::TinyInt),
    ("UUIDType", Type::Uuid),
    ("IntegerType", Type::VarInt),
];

/// The class name of a type.
pub fn class_name(ty: &Type) -> String {
    let mut name = String::new();
    write_name(ty, &mut name);
    name
}

fn write_name(ty: &Type, out: &mut String) {
    if says_frozen(ty) {
        write_class("FrozenType", out, |out| write_unfrozen(ty, out));
    } else {
        write_unfrozen(ty, out);
    }
}

fn write_unfrozen(ty: &Type, out: &mut String) {
    match ty {
        Type::List { element, .. } => write_class("ListType", out, |out| write_name(element, out)),
        Type::Set { element, .. } => write_class("SetType", out, |out| write_name(element, out)),
        Type::Map { key, value, .. } => write_class("MapType", out, |out| {
            write_name(key, out);
            out.push(',');
            write_name(value, out);
        }),
        Type::Tuple(parts) => write_class("TupleType", out, |out| {
            for (index, part) in parts.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { "," });
                write_name(part, out);
            }
        }),
        Type::Udt { definition, .. } => {
            write_class("UserType", out, |out| write_fields(definition, out))
        }
        Type::Vector { element, dimension } => write_class("VectorType", out, |out| {
            write_name(element, out);
            out.push_str(" , ");
            out.push_str(&dimension.to_string());
        }),
        native => {
            let known = NATIVE.iter().find(|(_, ty)| ty == native);
            out.push_str(PACKAGE);
            out.push_str(known.map_or("BytesType", |(name, _)| name));
        }
    }
}

fn write_class(class: &str, out: &mut String, parameters: impl FnOnce(&mut String)) {
    out.push_str(PACKAGE);
    out.push_str(class);
    out.push('(');
    parameters(out);
    out.push(')');
}

fn write_fields(definition: &udt::Definition, out: &mut String) {
    out.push_str(&definition.keyspace);
    out.push(',');
    write_hex(&definition.name, out);
    for (name, ty) in &definition.fields {
        out.push(',');
        write_hex(name, out);
        out.push(':');
        write_name(ty, out);
    }
}

fn write_hex(text: &str, out: &mut String) {
    for byte in text.bytes() {
        write!(out, "{byte:02x}").expect("writing to a string cannot fail");
    }
}

/// Reads a class name, with or without the package.
pub fn parse(name: &str) -> Result<Type, Malformed> {
    let mut parser = Parser {
        rest: name,
        whole: name,
    };
    let ty = parser.ty(NESTING_MAX)?;
    if parser.rest.trim().is_empty() {
        Ok(ty)
    } else {
        Err(parser.complaint())
    }
}

struct Parser<'a> {
    rest: &'a str,
    whole: &'a str,
}

impl<'a> Parser<'a> {
    fn ty(&mut self, depth_left: usize) -> Result<Type, Malformed> {
        let Some(depth) = depth_left.checked_sub(1) else {
            return Err(Malformed::new("Types are nested too deeply"));
        };
        let word = self.word();
        let class = word.strip_prefix(PACKAGE).unwrap_or(word);
        if let Some((_, ty)) = NATIVE.iter().find(|(name, _)| *name == class) {
            return Ok(ty.clone());
        }
        self.expect('(')?;
        let ty = match class {
            "FrozenType" => self.ty(depth)?.freeze(),
            "ListType" => Type::list(self.ty(depth)?, false),
            "SetType" => Type::set(self.ty(depth)?, false),
            "MapType" => {
                let key = self.ty(depth)?;
                self.expect(',')?;
                Type::map(key, self.ty(depth)?, false)
            }
            "TupleType" => Type::tuple(self.types(depth)?),
            "UserType" => Type::udt(self.definition(depth)?, false),
            "VectorType" => {
                let element = self.ty(depth)?;
                self.expect(',')?;
                let dimension = self.word().parse().map_err(|_| self.complaint())?;
                Type::vector(element, dimension)
            }
            _ => return Err(self.complaint()),
        };
        self.expect(')')?;
        Ok(ty)
    }

    fn types(&mut self, depth: usize) -> Result<Vec<Type>, Malformed> {
        let mut types = vec![self.ty(depth)?];
        while self.take(',') {
            types.push(self.ty(depth)?);
        }
        Ok(types)
    }

    fn definition(&mut self, depth: usize) -> Result<udt::Definition, Malformed> {
        let keyspace = self.word().to_owned();
        self.expect(',')?;
        let name = self.hex()?;
        let mut fields = Vec::new();
        while self.take(',') {
            let field = self.hex()?;
            self.expect(':')?;
            fields.push((field, self.ty(depth)?));
        }
        Ok(udt::Definition {
            keyspace,
            name,
            fields,
        })
    }

    fn word(&mut self) -> &'a str {
        let rest = self.rest.trim_start();
        let end = rest.find(['(', ')', ',', ':', ' ']).unwrap_or(rest.len());
        let (word, rest) = rest.split_at(end);
        self.rest = rest;
        word
    }

    fn take(&mut self, expected: char) -> bool {
        match self.rest.trim_start().strip_prefix(expected) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, expected: char) -> Result<(), Malformed> {
        if self.take(expected) {
            Ok(())
        } else {
            Err(self.complaint())
        }
    }

    fn hex(&mut self) -> Result<String, Malformed> {
        let word = self.word().as_bytes();
        let digit = |digit: u8| (digit as char).to_digit(16);
        let bytes: Option<Vec<u8>> = word
            .chunks(2)
            .map(|pair| match pair {
                [high, low] => Some((digit(*high)? << 4 | digit(*low)?) as u8),
                _ => None,
            })
            .collect();
        bytes
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .ok_or_else(|| self.complaint())
    }

    fn complaint(&self) -> Malformed {
        Malformed::new(format!(
            "Cannot read the class name {} at character {}",
            self.whole,
            self.whole.len() - self.rest.len()
        ))
    }
}

/// Whether the class name says that it is frozen: tuples and vectors always are, and do not.
fn says_frozen(ty: &Type) -> bool {
    match ty {
        Type::List { frozen, .. }
        | Type::Set { frozen, .. }
        | Type::Map { frozen, .. }
        | Type::Udt { frozen, .. } => *frozen,
        _ => false,
    }
}
