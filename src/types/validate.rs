//! Whether bytes are a value of a type, in Cassandra's words when they are not.

use crate::collection::{Items, Pairs};
use crate::value::{decimal, duration, hex};
use crate::{Error, Type, tuple, udt, vector};

impl Type {
    /// Judges a present value; zero bytes are judged too, null is the caller's.
    pub fn validate(&self, value: &[u8]) -> Result<(), Error> {
        let len = value.len();
        let sized = |fits: bool, text: &str| {
            if fits {
                Ok(())
            } else {
                Err(Error::value(format!("{text} ({len})")))
            }
        };
        match self {
            Type::Blob | Type::VarInt => Ok(()),
            Type::Ascii => ascii(value),
            Type::Text => text(value),
            Type::BigInt | Type::Counter => {
                sized(len == 8 || len == 0, "Expected 8 or 0 byte long")
            }
            Type::Boolean => sized(len <= 1, "Expected 1 or 0 byte value"),
            Type::Date => sized(len == 4, "Expected 4 byte long for date"),
            Type::Decimal if len > decimal::BYTES_MAX => sized(
                false,
                &format!(
                    "Expected at most {} bytes for a decimal",
                    decimal::BYTES_MAX
                ),
            ),
            Type::Decimal => sized(len == 0 || len >= 4, "Expected 0 or at least 4 bytes"),
            Type::Double => sized(
                len == 8 || len == 0,
                "Expected 8 or 0 byte value for a double",
            ),
            Type::Duration => duration::validate(value),
            Type::Float => sized(
                len == 4 || len == 0,
                "Expected 4 or 0 byte value for a float",
            ),
            Type::Inet if matches!(len, 0 | 4 | 16) => Ok(()),
            Type::Inet => Err(Error::value(format!(
                "Expected 4 or 16 byte inetaddress; got {}",
                hex::to_text(value)
            ))),
            Type::Int => sized(len == 4 || len == 0, "Expected 4 or 0 byte int"),
            Type::SmallInt => sized(len == 2, "Expected 2 bytes for a smallint"),
            Type::Time => sized(len == 8, "Expected 8 byte long for time"),
            Type::Timestamp => sized(len == 8 || len == 0, "Expected 8 or 0 byte long for date"),
            Type::TinyInt => sized(len == 1, "Expected 1 byte for a tinyint"),
            Type::Uuid => sized(len == 16 || len == 0, "UUID should be 16 or 0 bytes"),
            Type::TimeUuid => {
                sized(len == 16 || len == 0, "UUID should be 16 or 0 bytes")?;
                match value.get(6) {
                    Some(byte) if byte >> 4 != 1 => Err(Error::value(format!(
                        "Invalid version for TimeUUID type: {:#x}",
                        byte >> 4
                    ))),
                    _ => Ok(()),
                }
            }
            Type::List { element, .. } => items(element, value, "list"),
            Type::Set { element, .. } => items(element, value, "set"),
            Type::Map { key, value: of, .. } => {
                let mut pairs = Pairs::new(value)?;
                for pair in pairs.by_ref() {
                    let (k, v) = pair?;
                    key.validate(k)?;
                    of.validate(v)?;
                }
                consumed(pairs.rest(), "Unexpected extraneous bytes after map value")
            }
            Type::Tuple(parts) => {
                let mut components = tuple::components(value);
                for (part, component) in parts.iter().zip(components.by_ref()) {
                    if let Some(bytes) = component? {
                        part.validate(bytes)?;
                    }
                }
                consumed(
                    components.rest(),
                    "Invalid remaining data after end of tuple value",
                )
            }
            Type::Udt { definition, .. } => fields(definition, value),
            Type::Vector { element, dimension } => {
                vector_elements(self, element, *dimension, value)
            }
        }
    }
}

fn ascii(value: &[u8]) -> Result<(), Error> {
    match value.iter().find(|byte| !byte.is_ascii()) {
        None => Ok(()),
        Some(byte) => Err(Error::value(format!(
            "Invalid byte for ascii: {}",
            *byte as i8
        ))),
    }
}

fn text(value: &[u8]) -> Result<(), Error> {
    std::str::from_utf8(value)
        .map(|_| ())
        .map_err(|_| Error::value("String didn't validate."))
}

fn consumed(rest: &[u8], message: &str) -> Result<(), Error> {
    if rest.is_empty() {
        Ok(())
    } else {
        Err(Error::value(message))
    }
}

fn items(element: &Type, value: &[u8], kind: &'static str) -> Result<(), Error> {
    let mut items = Items::named(value, kind)?;
    for item in items.by_ref() {
        element.validate(item?)?;
    }
    consumed(
        items.rest(),
        match kind {
            "set" => "Unexpected extraneous bytes after set value",
            _ => "Unexpected extraneous bytes after list value",
        },
    )
}

fn fields(definition: &udt::Definition, value: &[u8]) -> Result<(), Error> {
    let mut components = tuple::components(value);
    for (index, (name, ty)) in definition.fields.iter().enumerate() {
        let Some(component) = components.next() else {
            return Ok(());
        };
        let named = |error| match error {
            Error::Value(text) => Error::value(text.replace("component", &format!("field {name}"))),
            other => other,
        };
        if let Some(bytes) = component.map_err(named)? {
            ty.validate(bytes).map_err(|error| {
                Error::value(format!(
                    "Failure validating the {index}th field {name}; {error}"
                ))
            })?;
        }
    }
    consumed(
        components.rest(),
        "Invalid remaining data after end of UDT value",
    )
}

fn vector_elements(
    whole: &Type,
    element: &Type,
    dimension: u32,
    value: &[u8],
) -> Result<(), Error> {
    if value.is_empty() {
        return Err(Error::value("Invalid empty vector value"));
    }
    let mut elements = vector::elements(element, dimension, value);
    for bytes in elements.by_ref() {
        let bytes = bytes.map_err(|_| Error::value(format!("Not enough bytes to read a {whole}")));
        element.validate(bytes?)?;
    }
    let rest = elements.rest().len();
    if rest > 0 {
        return Err(Error::value(format!(
            "Unexpected {rest} extraneous bytes after {whole} value"
        )));
    }
    Ok(())
}
