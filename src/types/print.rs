//! A value as the CQL literal that makes it.
//!
//! Text, dates, times and addresses are quoted; composed values nest. Zero bytes of a type that gives them no
//! meaning print as `null`, for which CQL has no closer literal. Components missing at the end of a tuple or
//! user-defined type are left out. Bytes that do not form a value print as a blob.

use crate::collection::{Items, Pairs};
use crate::value::{date, decimal, duration, hex, inet, number, time, timestamp, uuid, varint};
use crate::{Error, Type, name, tuple, vector};

impl Type {
    /// The CQL literal of a present value.
    pub fn format(&self, value: &[u8]) -> String {
        if value.is_empty() && !matches!(self, Type::Ascii | Type::Text | Type::Blob) {
            return "null".into();
        }
        literal(self, value).unwrap_or_else(|| blob(value))
    }
}

fn blob(value: &[u8]) -> String {
    format!("0x{}", hex::to_text(value))
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn literal(ty: &Type, value: &[u8]) -> Option<String> {
    Some(match ty {
        Type::Ascii | Type::Text => quoted(std::str::from_utf8(value).ok()?),
        Type::Blob => blob(value),
        Type::Date | Type::Time | Type::Timestamp | Type::Inet => quoted(&plain(ty, value)?),
        Type::Decimal => decimal::read_short(value)?.exact_text(),
        Type::List { element, .. } => {
            let items = joined(Items::new(value).ok()?, |item| element.format(item))?;
            format!("[{items}]")
        }
        Type::Set { element, .. } => {
            let items = joined(Items::new(value).ok()?, |item| element.format(item))?;
            format!("{{{items}}}")
        }
        Type::Map { key, value: of, .. } => {
            let pairs = joined(Pairs::new(value).ok()?, |(k, v)| {
                format!("{}: {}", key.format(k), of.format(v))
            })?;
            format!("{{{pairs}}}")
        }
        Type::Vector { element, dimension } => {
            let items = vector::elements(element, *dimension, value);
            format!("[{}]", joined(items, |item| element.format(item))?)
        }
        Type::Tuple(_) => format!("({})", joined(components(ty, value), |text| text)?),
        Type::Udt { definition, .. } => {
            let names = definition
                .fields
                .iter()
                .map(|(field, _)| name::quoted(field));
            let fields = names
                .zip(components(ty, value))
                .map(|(name, text)| Ok(format!("{name}: {}", text?)));
            format!("{{{}}}", joined(fields, |text| text)?)
        }
        native => return plain(native, value),
    })
}

/// The text of a native value without quotes, as casts to text give it; `None` when it is not a value of the type,
/// or so long a number that its digits would take unreasonable time.
pub(crate) fn plain(ty: &Type, value: &[u8]) -> Option<String> {
    Some(match ty {
        Type::Ascii | Type::Text => std::str::from_utf8(value).ok()?.to_owned(),
        Type::TinyInt => number::int8(value)?.to_string(),
        Type::SmallInt => number::int16(value)?.to_string(),
        Type::Int => number::int32(value)?.to_string(),
        Type::BigInt | Type::Counter => number::int64(value)?.to_string(),
        Type::VarInt => varint::read_short(value)?.to_string(),
        Type::Decimal => decimal::read_short(value)?.plain_text(),
        Type::Float => number::float_text(number::float32(value)?),
        Type::Double => number::double_text(number::float64(value)?),
        Type::Boolean => (*value.first().filter(|_| value.len() == 1)? != 0).to_string(),
        Type::Date => date::text(date::read(value)?),
        Type::Time => time::text(number::int64(value)?),
        Type::Timestamp => timestamp::text(number::int64(value)?),
        // The zero duration has no units to print, but its literal needs one.
        Type::Duration => Some(duration::read(value)?.text())
            .filter(|text| !text.is_empty())
            .unwrap_or_else(|| "0s".into()),
        // An IPv4 address in sixteen bytes is one.
        Type::Inet => inet::text(inet::read(value)?.to_canonical()),
        Type::Uuid | Type::TimeUuid => uuid::read(value)?.to_string(),
        _ => return None,
    })
}

/// The literals of the components that are there; a short value has fewer than its type.
fn components<'a>(
    ty: &'a Type,
    value: &'a [u8],
) -> impl Iterator<Item = Result<String, Error>> + 'a {
    ty.parts()
        .zip(tuple::components(value))
        .map(|(part, component)| {
            Ok(component?.map_or_else(|| "null".into(), |value| part.format(value)))
        })
}

fn joined<T>(
    parts: impl Iterator<Item = Result<T, Error>>,
    text: impl Fn(T) -> String,
) -> Option<String> {
    let texts: Result<Vec<String>, Error> = parts.map(|part| part.map(&text)).collect();
    texts.ok().map(|texts| texts.join(", "))
}
