//! The binary form of a type, version 1, in the catalog, the metadata log and SSTable headers.
//!
//! | Bytes | Meaning |
//! |---|---|
//! | 1 | tag, table [`NATIVE_TAGS`] or one of the `TAG_` constants |
//! | rest | by tag, below |
//!
//! | Tag | Rest |
//! |---|---|
//! | native | nothing |
//! | list, set | frozen (1 byte, 0 or 1), element type |
//! | map | frozen, key type, value type |
//! | tuple | count (2), types |
//! | udt | frozen, keyspace, name, count (2), then per field name and type |
//! | vector | dimension (4), element type |
//!
//! A string is its length (2) and UTF-8. Integers are big-endian. One type has exactly one form: unknown tags, frozen
//! bytes above 1, a dimension of zero and nesting beyond [`NESTING_MAX`] are refused. Tags are never reused.

use std::sync::Arc;

use base::bytes::Reader;
use base::limits::TYPE_DEPTH_MAX;

use crate::{Error, Type, udt};

/// How deep types may nest: `list<list<int>>` is 3 deep. Real schemas stay below 8; the bound keeps recursion over
/// values within a small stack whatever a client declares.
pub const NESTING_MAX: usize = TYPE_DEPTH_MAX;

/// The tags of the native types.
const NATIVE_TAGS: [(u8, Type); 20] = [
    (1, Type::Ascii),
    (2, Type::BigInt),
    (3, Type::Blob),
    (4, Type::Boolean),
    (5, Type::Counter),
    (6, Type::Date),
    (7, Type::Decimal),
    (8, Type::Double),
    (9, Type::Duration),
    (10, Type::Float),
    (11, Type::Inet),
    (12, Type::Int),
    (13, Type::SmallInt),
    (14, Type::Text),
    (15, Type::Time),
    (16, Type::Timestamp),
    (17, Type::TimeUuid),
    (18, Type::TinyInt),
    (19, Type::Uuid),
    (20, Type::VarInt),
];
const TAG_LIST: u8 = 32;
const TAG_SET: u8 = 33;
const TAG_MAP: u8 = 34;
const TAG_TUPLE: u8 = 35;
const TAG_UDT: u8 = 36;
const TAG_VECTOR: u8 = 37;

impl Type {
    /// Appends the binary form. Names and counts beyond 65,535 are cut off by the schema's limits long before.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Type::List { element, frozen } => {
                out.extend([TAG_LIST, u8::from(*frozen)]);
                element.encode(out);
            }
            Type::Set { element, frozen } => {
                out.extend([TAG_SET, u8::from(*frozen)]);
                element.encode(out);
            }
            Type::Map { key, value, frozen } => {
                out.extend([TAG_MAP, u8::from(*frozen)]);
                key.encode(out);
                value.encode(out);
            }
            Type::Tuple(parts) => {
                out.push(TAG_TUPLE);
                put_count(out, parts.len());
                parts.iter().for_each(|part| part.encode(out));
            }
            Type::Udt { definition, frozen } => {
                out.extend([TAG_UDT, u8::from(*frozen)]);
                put_text(out, &definition.keyspace);
                put_text(out, &definition.name);
                put_count(out, definition.fields.len());
                for (name, ty) in &definition.fields {
                    put_text(out, name);
                    ty.encode(out);
                }
            }
            Type::Vector { element, dimension } => {
                out.push(TAG_VECTOR);
                out.extend(dimension.to_be_bytes());
                element.encode(out);
            }
            native => {
                let tag = NATIVE_TAGS.iter().find(|(_, ty)| ty == native);
                out.push(tag.expect("every native type has a tag").0);
            }
        }
    }

    /// Reads one type.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Type, Error> {
        Decoder { reader }.ty(NESTING_MAX)
    }

    /// Refuses a type that nests deeper than [`NESTING_MAX`]. Does not itself recurse deeper than that.
    pub fn check_nesting(&self) -> Result<(), Error> {
        fn fits(ty: &Type, left: usize) -> bool {
            left > 0 && ty.parts().all(|part| fits(part, left - 1))
        }
        if fits(self, NESTING_MAX) {
            Ok(())
        } else {
            Err(Error::Nesting { max: NESTING_MAX })
        }
    }
}

fn put_count(out: &mut Vec<u8>, count: usize) {
    let count =
        u16::try_from(count).expect("the schema limits parts, fields and names far below 65,535");
    out.extend(count.to_be_bytes());
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_count(out, text.len());
    out.extend(text.as_bytes());
}

struct Decoder<'a, 'b> {
    reader: &'b mut Reader<'a>,
}

impl Decoder<'_, '_> {
    fn damaged(&self, what: &'static str) -> Error {
        Error::Damaged(self.reader.error(what))
    }

    fn count(&mut self) -> Result<usize, Error> {
        Ok(usize::from(self.reader.u16_be()?))
    }

    fn frozen(&mut self) -> Result<bool, Error> {
        match self.reader.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.damaged("frozen flag of a type")),
        }
    }

    fn text(&mut self) -> Result<String, Error> {
        let len = self.count()?;
        let bytes = self.reader.bytes(len)?;
        let text = std::str::from_utf8(bytes).map_err(|_| self.damaged("name in a type"))?;
        Ok(text.to_owned())
    }

    fn ty(&mut self, left: usize) -> Result<Type, Error> {
        let left = left
            .checked_sub(1)
            .ok_or(Error::Nesting { max: NESTING_MAX })?;
        Ok(match self.reader.u8()? {
            TAG_LIST => {
                let frozen = self.frozen()?;
                Type::list(self.ty(left)?, frozen)
            }
            TAG_SET => {
                let frozen = self.frozen()?;
                Type::set(self.ty(left)?, frozen)
            }
            TAG_MAP => {
                let frozen = self.frozen()?;
                let key = self.ty(left)?;
                Type::map(key, self.ty(left)?, frozen)
            }
            TAG_TUPLE => {
                let count = self.count()?;
                let parts: Result<Arc<[Type]>, Error> = (0..count).map(|_| self.ty(left)).collect();
                Type::Tuple(parts?)
            }
            TAG_UDT => self.udt(left)?,
            TAG_VECTOR => match self.reader.u32_be()? {
                0 => return Err(self.damaged("dimension of a vector")),
                dimension => Type::vector(self.ty(left)?, dimension),
            },
            tag => match NATIVE_TAGS.iter().find(|(known, _)| *known == tag) {
                Some((_, ty)) => ty.clone(),
                None => return Err(self.damaged("tag of a type")),
            },
        })
    }

    fn udt(&mut self, left: usize) -> Result<Type, Error> {
        let frozen = self.frozen()?;
        let keyspace = self.text()?;
        let name = self.text()?;
        let mut fields = Vec::new();
        for _ in 0..self.count()? {
            let field = self.text()?;
            fields.push((field, self.ty(left)?));
        }
        Ok(Type::udt(
            udt::Definition {
                keyspace,
                name,
                fields,
            },
            frozen,
        ))
    }
}
