//! Constants of the language as bytes, by Cassandra's rules of what may be assigned to what.
//!
//! A constant has a kind, given by how it is written. [`assignment`] says whether a kind may go to a type at all;
//! [`encode`] also reads the text. Integers go to every number, to dates and times; quoted text also to addresses,
//! dates and times; everything else only to its own types.

use crate::value::decimal::{self, Decimal};
use crate::value::duration::Duration;
use crate::value::{date, hex, inet, number, time, timestamp, uuid, varint};
use crate::{Error, Type, tuple};

/// A constant, with its text as written (unquoted and unescaped, where it was quoted).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Constant<'a> {
    /// `-12`
    Integer(&'a str),
    /// `1.5e3`, `NaN`, `-Infinity`
    Float(&'a str),
    /// `'text'`
    Text(&'a str),
    /// `e23f1e02-8c62-11ed-9d1b-6d0a4d1c5a5e`
    Uuid(&'a str),
    /// `true`
    Boolean(bool),
    /// `0xCAFE`, with the prefix
    Hex(&'a str),
    /// `1h30m`, `P1D`
    Duration(&'a str),
}

/// How well a constant suits a type, for choosing between functions of one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Assignment {
    /// It may not be assigned.
    Never,
    /// It may be assigned, but is not of that type.
    Weak,
    /// It is of that type.
    Exact,
}

impl<'a> Constant<'a> {
    /// Cassandra's word for the kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Constant::Integer(_) => "INTEGER",
            Constant::Float(_) => "FLOAT",
            Constant::Text(_) => "STRING",
            Constant::Uuid(_) => "UUID",
            Constant::Boolean(_) => "BOOLEAN",
            Constant::Hex(_) => "HEX",
            Constant::Duration(_) => "DURATION",
        }
    }

    /// The text as written, without quotes.
    pub fn text(&self) -> &'a str {
        match self {
            Constant::Integer(text)
            | Constant::Float(text)
            | Constant::Text(text)
            | Constant::Uuid(text)
            | Constant::Hex(text)
            | Constant::Duration(text) => text,
            Constant::Boolean(true) => "true",
            Constant::Boolean(false) => "false",
        }
    }

    /// The type the constant has where nothing else decides it.
    pub fn preferred_type(&self) -> Type {
        match self {
            Constant::Integer(text) if text.parse::<i32>().is_ok() => Type::Int,
            Constant::Integer(text) if text.parse::<i64>().is_ok() => Type::BigInt,
            Constant::Integer(_) => Type::VarInt,
            Constant::Float(text) => match (Decimal::parse(text), number::parse_double(text)) {
                (Some(exact), Some(near)) if !is_same_number(&exact, near) => Type::Decimal,
                _ => Type::Double,
            },
            Constant::Text(text) if text.is_ascii() => Type::Ascii,
            Constant::Text(_) => Type::Text,
            Constant::Uuid(text) => match uuid::parse(text) {
                Some(id) if id.get_version_num() == 1 => Type::TimeUuid,
                _ => Type::Uuid,
            },
            Constant::Boolean(_) => Type::Boolean,
            Constant::Hex(_) => Type::Blob,
            Constant::Duration(_) => Type::Duration,
        }
    }
}

fn is_same_number(exact: &Decimal, near: f64) -> bool {
    Decimal::from_double(near)
        .is_some_and(|near| Type::Decimal.compare(&near.write(), &exact.write()).is_eq())
}

/// Whether a constant may be assigned to a type.
pub fn assignment(ty: &Type, constant: &Constant<'_>) -> Assignment {
    let weak = match constant {
        // Every constant may be the text of a tuple.
        _ if matches!(ty, Type::Tuple(_)) => true,
        Constant::Text(_) => matches!(
            ty,
            Type::Ascii | Type::Text | Type::Inet | Type::Date | Type::Time | Type::Timestamp
        ),
        Constant::Integer(_) => {
            ty.is_number()
                || matches!(
                    ty,
                    Type::Date | Type::Duration | Type::Time | Type::Timestamp
                )
        }
        Constant::Uuid(_) => matches!(ty, Type::Uuid | Type::TimeUuid),
        Constant::Float(_) => matches!(ty, Type::Decimal | Type::Double | Type::Float),
        Constant::Boolean(_) => matches!(ty, Type::Boolean),
        Constant::Hex(_) => matches!(ty, Type::Blob),
        Constant::Duration(_) => matches!(ty, Type::Duration),
    };
    match weak {
        false => Assignment::Never,
        true if constant.preferred_type() == *ty => Assignment::Exact,
        true => Assignment::Weak,
    }
}

/// Whether the constant asks for the present time (`'now'` as a timestamp): only the caller has a clock.
pub fn is_now(ty: &Type, constant: &Constant<'_>) -> bool {
    matches!((ty, constant), (Type::Timestamp, Constant::Text(text)) if text.eq_ignore_ascii_case("now"))
}

/// The bytes of a constant as a value of the type.
pub fn encode(ty: &Type, constant: &Constant<'_>) -> Result<Vec<u8>, Error> {
    if assignment(ty, constant) == Assignment::Never {
        return Err(Error::constant(constant.kind(), constant.text()));
    }
    match constant {
        Constant::Hex(text) => {
            let digits = text
                .strip_prefix("0x")
                .or(text.strip_prefix("0X"))
                .unwrap_or(text);
            let bytes = hex::parse(digits)
                .ok_or_else(|| Error::value(format!("cannot parse '{digits}' as hex bytes")))?;
            ty.validate(&bytes).map(|()| bytes)
        }
        constant => parse(ty, constant.text()),
    }
}

/// The bytes of a native value's text, as Cassandra reads it wherever text stands for a value.
pub fn parse(ty: &Type, text: &str) -> Result<Vec<u8>, Error> {
    // Cassandra starts some of these sentences in lower case.
    let upper = |what: &str| Error::value(format!("Unable to make {what} from '{text}'"));
    let lower = |what: &str| Error::value(format!("unable to make {what} from '{text}'"));
    let integer = |what: &str| text.parse::<i128>().map_err(|_| upper(what));
    Ok(match ty {
        Type::Ascii if text.is_ascii() => text.into(),
        Type::Ascii => {
            // With the name of what Java threw, as Cassandra prints it.
            return Err(Error::value(
                "Invalid ASCII character in string literal: \
                 java.nio.charset.UnmappableCharacterException: Input length = 1",
            ));
        }
        Type::Text => text.into(),
        Type::Blob => hex::parse(text)
            .ok_or_else(|| Error::value(format!("cannot parse '{text}' as hex bytes")))?,
        // Types to which zero bytes belong read the empty text as such.
        Type::Inet | Type::Timestamp if text.is_empty() => Vec::new(),
        Type::TinyInt => i8::try_from(integer("byte")?)
            .map_err(|_| upper("byte"))?
            .to_be_bytes()
            .into(),
        Type::SmallInt => i16::try_from(integer("short")?)
            .map_err(|_| upper("short"))?
            .to_be_bytes()
            .into(),
        Type::Int => i32::try_from(integer("int")?)
            .map_err(|_| upper("int"))?
            .to_be_bytes()
            .into(),
        Type::BigInt | Type::Counter => i64::try_from(integer("long")?)
            .map_err(|_| upper("long"))?
            .to_be_bytes()
            .into(),
        Type::VarInt => varint::write(&varint::parse(text).ok_or_else(|| lower("int"))?),
        Type::Decimal => Decimal::parse(text)
            .map(|number| number.write())
            .filter(|bytes| bytes.len() <= decimal::BYTES_MAX)
            .ok_or_else(|| lower("BigDecimal"))?,
        Type::Float => number::parse_float(text)
            .ok_or_else(|| upper("float"))?
            .to_be_bytes()
            .into(),
        Type::Double => number::parse_double(text)
            .ok_or_else(|| upper("double"))?
            .to_be_bytes()
            .into(),
        Type::Boolean if text.eq_ignore_ascii_case("true") => vec![1],
        Type::Boolean if text.eq_ignore_ascii_case("false") => vec![0],
        Type::Boolean => return Err(upper("boolean")),
        Type::Date => date::parse(text)
            .map_err(Error::Value)?
            .to_be_bytes()
            .into(),
        Type::Time => time::parse(text)
            .map_err(Error::Value)?
            .to_be_bytes()
            .into(),
        Type::Timestamp => timestamp::parse(text)
            .map_err(Error::Value)?
            .to_be_bytes()
            .into(),
        Type::Duration => Duration::parse(text).map_err(Error::Value)?.write(),
        Type::Inet => inet::write(inet::parse(text).ok_or_else(|| upper("inet address"))?),
        Type::Uuid => uuid::parse(text)
            .ok_or_else(|| upper("UUID"))?
            .as_bytes()
            .into(),
        Type::TimeUuid => {
            let unknown = || Error::value(format!("Unknown timeuuid representation: {text}"));
            let id = uuid::parse(text).ok_or_else(unknown)?;
            if id.get_version_num() != 1 {
                return Err(Error::value("TimeUUID supports only version 1 UUIDs"));
            }
            id.as_bytes().into()
        }
        Type::Tuple(parts) => components(ty, parts, text)?,
        composed => return Err(Error::value(format!("{composed} has no constants"))),
    })
}

/// A tuple's text: components with colons between, `@` for null; `\:` and `\@` stand for the characters themselves.
/// Components missing at the end are null.
fn components(ty: &Type, parts: &[Type], text: &str) -> Result<Vec<u8>, Error> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let texts = split(text);
    if texts.len() > parts.len() {
        return Err(Error::value(format!(
            "Invalid tuple literal: too many elements. Type {ty} expects {} but got {}",
            parts.len(),
            texts.len()
        )));
    }
    let mut out = Vec::new();
    for (part, text) in parts.iter().zip(texts) {
        let text = match text {
            "@" => {
                tuple::put(&mut out, None);
                continue;
            }
            text => text.replace("\\:", ":").replace("\\@", "@"),
        };
        let bytes = match part {
            part if text.is_empty() && part.allows_empty() => Vec::new(),
            Type::List { .. } | Type::Set { .. } | Type::Map { .. } | Type::Vector { .. } => {
                let bytes = parse(&Type::Blob, &text)?;
                part.validate(&bytes).map(|()| bytes)?
            }
            Type::Udt { .. } => {
                components(part, &part.parts().cloned().collect::<Vec<_>>(), &text)?
            }
            part => parse(part, &text)?,
        };
        tuple::put(&mut out, Some(&bytes));
    }
    Ok(out)
}

/// The text cut at each colon that no backslash stands before.
fn split(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    for (at, _) in text.match_indices(':') {
        if !text[..at].ends_with('\\') {
            parts.push(&text[start..at]);
            start = at + 1;
        }
    }
    parts.push(&text[start..]);
    parts
}
