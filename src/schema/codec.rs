//! Small pieces of the schema's binary forms: names, options, types, properties.
//!
//! Strings and counts are preceded by their length as a minimal varint; an absent value is a zero byte. All decoding
//! is checked: bytes come from a file or a peer.

use std::collections::BTreeMap;
use std::sync::Arc;

use base::bytes::{Reader, put_varint, put_varint_bytes};
use types::Type;

use crate::property::{Properties, Value};

/// Bytes that are not a schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes are cut or malformed.
    #[error(transparent)]
    Bytes(#[from] base::bytes::Error),
    /// The bytes hold something this version does not know, or that contradicts itself.
    #[error("{what} at byte {offset}")]
    Content {
        /// Where it begins.
        offset: u64,
        /// What it is.
        what: String,
    },
}

/// A decoded value, or why it is none.
pub type Decoded<T> = Result<T, DecodeError>;

pub(crate) fn content(reader: &Reader<'_>, what: impl Into<String>) -> DecodeError {
    DecodeError::Content {
        offset: reader.position(),
        what: what.into(),
    }
}

pub(crate) fn put_text(out: &mut Vec<u8>, text: &str) {
    put_varint_bytes(out, text.as_bytes());
}

pub(crate) fn text(reader: &mut Reader<'_>) -> Decoded<String> {
    let start = reader.clone();
    let bytes = reader.varint_bytes()?;
    let text = std::str::from_utf8(bytes).map_err(|_| content(&start, "text that is not UTF-8"))?;
    Ok(text.to_owned())
}

pub(crate) fn name(reader: &mut Reader<'_>) -> Decoded<Arc<str>> {
    Ok(Arc::from(text(reader)?))
}

pub(crate) fn put_flag(out: &mut Vec<u8>, flag: bool) {
    out.push(u8::from(flag));
}

pub(crate) fn flag(reader: &mut Reader<'_>) -> Decoded<bool> {
    let start = reader.clone();
    match reader.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        byte => Err(content(&start, format!("flag {byte}"))),
    }
}

pub(crate) fn put_type(out: &mut Vec<u8>, ty: &Type) {
    ty.encode(out);
}

pub(crate) fn ty(reader: &mut Reader<'_>) -> Decoded<Type> {
    let start = reader.clone();
    Type::decode(reader).map_err(|error| content(&start, error.to_string()))
}

pub(crate) fn put_list<T>(out: &mut Vec<u8>, items: &[T], put: impl Fn(&mut Vec<u8>, &T)) {
    put_varint(out, items.len() as u64);
    for item in items {
        put(out, item);
    }
}

pub(crate) fn list<T>(
    reader: &mut Reader<'_>,
    mut item: impl FnMut(&mut Reader<'_>) -> Decoded<T>,
) -> Decoded<Vec<T>> {
    let count = reader.varint_count()?;
    (0..count).map(|_| item(reader)).collect()
}

const TEXT: u8 = 0;
const MAP: u8 = 1;

pub(crate) fn put_properties(out: &mut Vec<u8>, properties: &Properties) {
    put_varint(out, properties.0.len() as u64);
    for (name, value) in &properties.0 {
        put_text(out, name);
        match value {
            Value::Text(text) => {
                out.push(TEXT);
                put_text(out, text);
            }
            Value::Map(map) => {
                out.push(MAP);
                put_map(out, map);
            }
        }
    }
}

pub(crate) fn properties(reader: &mut Reader<'_>) -> Decoded<Properties> {
    let pairs = list(reader, |reader| {
        let name = text(reader)?;
        let start = reader.clone();
        let value = match reader.u8()? {
            TEXT => Value::Text(text(reader)?),
            MAP => Value::Map(map(reader)?),
            tag => return Err(content(&start, format!("property kind {tag}"))),
        };
        Ok((name, value))
    })?;
    Ok(Properties(pairs.into_iter().collect()))
}

pub(crate) fn put_map(out: &mut Vec<u8>, map: &BTreeMap<String, String>) {
    put_varint(out, map.len() as u64);
    for (name, value) in map {
        put_text(out, name);
        put_text(out, value);
    }
}

pub(crate) fn map(reader: &mut Reader<'_>) -> Decoded<BTreeMap<String, String>> {
    Ok(list(reader, |reader| Ok((text(reader)?, text(reader)?)))?
        .into_iter()
        .collect())
}
