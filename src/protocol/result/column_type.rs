//! Types as drivers read them: an `[option]`, a `[short]` id and what belongs to it.
//!
//! | Id | Type | Then |
//! |---|---|---|
//! | 0x0000 | vector; `duration` on v4 | `[string]` class name |
//! | 0x0001 - 0x0015 | native types | |
//! | 0x0020, 0x0022 | list, set | element |
//! | 0x0021 | map | key, value |
//! | 0x0030 | user-defined type | `[string]` keyspace, `[string]` name, `[short]` n, n times `[string]` field, type |
//! | 0x0031 | tuple | `[short]` n, n types |
//!
//! `text` and `varchar` are both 0x000D; 0x000A is read and never written. Frozen is not shown, so a decoded collection is not.

use bytes::{BufMut, BytesMut};
use types::{NESTING_MAX, Type, udt};

use super::class_name;
use crate::version::Version;
use crate::wire::{self, Malformed, Reader};

const CUSTOM: u16 = 0x0000;
const TEXT: u16 = 0x000A;
const DURATION: u16 = 0x0015;
const LIST: u16 = 0x0020;
const MAP: u16 = 0x0021;
const SET: u16 = 0x0022;
const UDT: u16 = 0x0030;
const TUPLE: u16 = 0x0031;

const NATIVE: [(u16, Type); 20] = [
    (0x0001, Type::Ascii),
    (0x0002, Type::BigInt),
    (0x0003, Type::Blob),
    (0x0004, Type::Boolean),
    (0x0005, Type::Counter),
    (0x0006, Type::Decimal),
    (0x0007, Type::Double),
    (0x0008, Type::Float),
    (0x0009, Type::Int),
    (0x000B, Type::Timestamp),
    (0x000C, Type::Uuid),
    (0x000D, Type::Text),
    (0x000E, Type::VarInt),
    (0x000F, Type::TimeUuid),
    (0x0010, Type::Inet),
    (0x0011, Type::Date),
    (0x0012, Type::Time),
    (0x0013, Type::SmallInt),
    (0x0014, Type::TinyInt),
    (DURATION, Type::Duration),
];

/// Writes a type as clients of this version know it.
pub fn encode(ty: &Type, version: Version, out: &mut BytesMut) {
    match ty {
        Type::Duration if version == Version::V4 => put_class(ty, out),
        Type::Vector { .. } => put_class(ty, out),
        Type::List { element, .. } => put_parts(LIST, &[element], version, out),
        Type::Set { element, .. } => put_parts(SET, &[element], version, out),
        Type::Map { key, value, .. } => put_parts(MAP, &[key, value], version, out),
        Type::Tuple(parts) => {
            out.put_u16(TUPLE);
            out.put_u16(parts.len() as u16);
            parts.iter().for_each(|part| encode(part, version, out));
        }
        Type::Udt { definition, .. } => put_udt(definition, version, out),
        native => {
            let known = NATIVE.iter().find(|(_, ty)| ty == native);
            out.put_u16(known.map_or(CUSTOM, |(id, _)| *id));
        }
    }
}

fn put_class(ty: &Type, out: &mut BytesMut) {
    out.put_u16(CUSTOM);
    wire::put_string(out, &class_name::class_name(ty));
}

fn put_parts(id: u16, parts: &[&Type], version: Version, out: &mut BytesMut) {
    out.put_u16(id);
    parts.iter().for_each(|part| encode(part, version, out));
}

fn put_udt(definition: &udt::Definition, version: Version, out: &mut BytesMut) {
    out.put_u16(UDT);
    wire::put_string(out, &definition.keyspace);
    wire::put_string(out, &definition.name);
    out.put_u16(definition.fields.len() as u16);
    for (name, ty) in &definition.fields {
        wire::put_string(out, name);
        encode(ty, version, out);
    }
}

/// Reads a type of either version.
pub fn decode(reader: &mut Reader<'_>) -> Result<Type, Malformed> {
    decode_nested(reader, NESTING_MAX)
}

fn decode_nested(reader: &mut Reader<'_>, depth_left: usize) -> Result<Type, Malformed> {
    let Some(depth_left) = depth_left.checked_sub(1) else {
        return Err(Malformed::new("Types are nested too deeply"));
    };
    let part = |reader: &mut Reader<'_>| decode_nested(reader, depth_left);
    match reader.short("a type")? {
        CUSTOM => class_name::parse(reader.string("a class name")?),
        TEXT => Ok(Type::Text),
        LIST => Ok(Type::list(part(reader)?, false)),
        SET => Ok(Type::set(part(reader)?, false)),
        MAP => Ok(Type::map(part(reader)?, part(reader)?, false)),
        TUPLE => {
            let count = usize::from(reader.short("the parts of a tuple")?);
            reader.count_within(count, 2, "the parts of a tuple")?;
            (0..count)
                .map(|_| part(reader))
                .collect::<Result<Vec<Type>, Malformed>>()
                .map(Type::tuple)
        }
        UDT => {
            let keyspace = reader.string("a type's keyspace")?.to_owned();
            let name = reader.string("a type's name")?.to_owned();
            let count = usize::from(reader.short("the fields of a type")?);
            let mut fields =
                Vec::with_capacity(reader.count_within(count, 4, "the fields of a type")?);
            for _ in 0..count {
                fields.push((reader.string("a field's name")?.to_owned(), part(reader)?));
            }
            Ok(Type::udt(
                udt::Definition {
                    keyspace,
                    name,
                    fields,
                },
                false,
            ))
        }
        id => match NATIVE.iter().find(|(known, _)| *known == id) {
            Some((_, ty)) => Ok(ty.clone()),
            None => Err(Malformed::new(format!("Unknown type {id:#06x}"))),
        },
    }
}
