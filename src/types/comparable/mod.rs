//! Values as bytes whose plain order is the type's order: see [`mod@format`] for the form of each type.
//!
//! Encoding keeps what CQL calls equal equal, so it forgets how a client spelled a value: 1.0 and 1.00 become one
//! form, which decodes to one *canonical* spelling. [`roundtrips_exactly`] tells when that is not what the client
//! sent; the row then carries the client's bytes beside the key.
//!
//! Null and zero-length values are the business of whoever strings forms together (a header per key component);
//! inside composed values this module has its own headers for them.

pub mod format;
mod number;

use std::borrow::Cow;

use base::bytes::Reader;

use crate::collection::{Items, Pairs};
use crate::value::{number as wire, uuid};
use crate::{Error, Type, tuple, vector};
use format::{EMPTY, END, ESCAPED_ZERO, NULL, PRESENT, TEXT_END};

/// Appends the form of one present value, which [`Type::validate`] has accepted. A zero-length value has a form
/// only where it is a byte string.
pub fn encode(ty: &Type, value: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
    match ty {
        Type::TinyInt => put(out, fixed::<1>(value)?, 0x80),
        Type::SmallInt => put(out, fixed::<2>(value)?, 0x80),
        Type::Int => put(out, fixed::<4>(value)?, 0x80),
        Type::BigInt | Type::Counter | Type::Timestamp => put(out, fixed::<8>(value)?, 0x80),
        Type::Date => put(out, fixed::<4>(value)?, 0),
        Type::Time => put(out, fixed::<8>(value)?, 0),
        Type::Boolean => out.push(u8::from(fixed::<1>(value)? != [0])),
        Type::Float => out.extend(wire::float_key(f32::from_be_bytes(fixed(value)?)).to_be_bytes()),
        Type::Double => {
            out.extend(wire::double_key(f64::from_be_bytes(fixed(value)?)).to_be_bytes())
        }
        Type::Uuid => put_words(out, uuid::order_key(value))?,
        Type::TimeUuid => put_words(out, uuid::time_order_key(value))?,
        Type::Ascii | Type::Text | Type::Blob | Type::Inet | Type::Duration => put_text(out, value),
        Type::VarInt => number::put_varint(out, value)?,
        Type::Decimal => number::put_decimal(out, value)?,
        Type::List { element, .. } | Type::Set { element, .. } => {
            for item in Items::new(value)? {
                put_part(element, Some(item?), out)?;
            }
            out.push(END);
        }
        Type::Map { key, value: of, .. } => {
            for pair in Pairs::new(value)? {
                let (k, v) = pair?;
                put_part(key, Some(k), out)?;
                put_part(of, Some(v), out)?;
            }
            out.push(END);
        }
        Type::Tuple(_) | Type::Udt { .. } => put_components(ty, value, out)?,
        Type::Vector { element, dimension } => {
            let mut count = 0;
            for part in vector::elements(element, *dimension, value) {
                match element.fixed_len() {
                    Some(_) => encode(element, part?, out)?,
                    None => put_part(element, Some(part?), out)?,
                }
                count += 1;
            }
            if count != *dimension {
                return Err(unfit());
            }
        }
    }
    Ok(())
}

/// Reads one form and appends the canonical value.
pub fn decode(ty: &Type, reader: &mut Reader<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
    match ty {
        Type::TinyInt => put(out, reader.fixed::<1>()?, 0x80),
        Type::SmallInt => put(out, reader.fixed::<2>()?, 0x80),
        Type::Int => put(out, reader.fixed::<4>()?, 0x80),
        Type::BigInt | Type::Counter | Type::Timestamp => put(out, reader.fixed::<8>()?, 0x80),
        Type::Date => put(out, reader.fixed::<4>()?, 0),
        Type::Time => put(out, reader.fixed::<8>()?, 0),
        Type::Boolean => match reader.u8()? {
            bit @ 0..=1 => out.push(bit),
            _ => return Err(damaged(reader, "boolean key")),
        },
        Type::Float => {
            let key = reader.u32_be()?;
            let number = wire::float_of_key(key);
            let canonical = wire::float_key(number) == key;
            out.extend(number.to_be_bytes());
            if !canonical {
                return Err(damaged(reader, "float key"));
            }
        }
        Type::Double => {
            let key = reader.u64_be()?;
            let number = wire::double_of_key(key);
            let canonical = wire::double_key(number) == key;
            out.extend(number.to_be_bytes());
            if !canonical {
                return Err(damaged(reader, "double key"));
            }
        }
        Type::Uuid => out.extend(uuid::of_order_key(reader.u64_be()?, reader.u64_be()?).as_bytes()),
        Type::TimeUuid => {
            out.extend(uuid::of_time_order_key(reader.u64_be()?, reader.u64_be()?).as_bytes())
        }
        Type::Ascii | Type::Text | Type::Blob | Type::Inet | Type::Duration => {
            take_text(reader, out)?
        }
        Type::VarInt => number::take_varint(reader, out)?,
        Type::Decimal => number::take_decimal(reader, out)?,
        Type::List { element, .. } | Type::Set { element, .. } => {
            take_parts(reader, out, |reader, header, out| {
                take_part(element, reader, header, out)
            })?;
        }
        Type::Map { key, value, .. } => take_parts(reader, out, |reader, header, out| {
            take_part(key, reader, header, out)?;
            let header = reader.u8()?;
            take_part(value, reader, header, out)
        })?,
        Type::Tuple(_) | Type::Udt { .. } => take_components(ty, reader, out)?,
        Type::Vector { element, dimension } => {
            for _ in 0..*dimension {
                take_element(element, reader, out)?;
            }
        }
    }
    Ok(())
}

/// Whether [`roundtrips_exactly`] holds for every value of the type.
pub fn always_roundtrips(ty: &Type) -> bool {
    !ty.any(&forgets)
}

/// Whether decoding the form of a valid value gives back exactly these bytes.
pub fn roundtrips_exactly(ty: &Type, value: &[u8]) -> bool {
    match ty {
        _ if value.is_empty() => true,
        Type::Boolean => value[0] <= 1,
        Type::Float => {
            wire::float32(value).is_none_or(|x| !x.is_nan() || x.to_bits() == 0x7fc0_0000)
        }
        Type::Double => {
            wire::float64(value).is_none_or(|x| !x.is_nan() || x.to_bits() == 0x7ff8_0000_0000_0000)
        }
        Type::VarInt => crate::value::varint::minimal(value).len() == value.len(),
        _ if !ty.any(&forgets) => true,
        _ => {
            let (mut form, mut back) = (Vec::new(), Vec::new());
            let done = encode(ty, value, &mut form)
                .and_then(|()| decode(ty, &mut Reader::new(&form), &mut back));
            done.is_ok() && back == value
        }
    }
}

/// The canonical spelling of a valid value: what all values that compare equal to it have in common. A set's elements
/// and a map's keys are stored under it, since cells are told apart by their bytes.
pub fn canonical<'a>(ty: &Type, value: &'a [u8]) -> Cow<'a, [u8]> {
    if value.is_empty() || !ty.any(&forgets) {
        return Cow::Borrowed(value);
    }
    let (mut form, mut back) = (Vec::new(), Vec::new());
    let done =
        encode(ty, value, &mut form).and_then(|()| decode(ty, &mut Reader::new(&form), &mut back));
    // A decimal at the very edge of its scale has no form, and then only one spelling that matters.
    if done.is_err() || back == value {
        return Cow::Borrowed(value);
    }
    Cow::Owned(back)
}

/// Types with more than one spelling of a value.
fn forgets(ty: &Type) -> bool {
    matches!(
        ty,
        Type::Boolean
            | Type::Float
            | Type::Double
            | Type::VarInt
            | Type::Decimal
            | Type::Tuple(_)
            | Type::Udt { .. }
            | Type::Vector { .. }
    )
}

fn unfit() -> Error {
    Error::value("A value that does not fit its type cannot be a key")
}

fn damaged(reader: &Reader<'_>, what: &'static str) -> Error {
    Error::Damaged(reader.error(what))
}

fn fixed<const N: usize>(value: &[u8]) -> Result<[u8; N], Error> {
    value.try_into().map_err(|_| unfit())
}

/// Fixed bytes; `flip` inverts the sign bit, in either direction.
fn put<const N: usize>(out: &mut Vec<u8>, mut bytes: [u8; N], flip: u8) {
    bytes[0] ^= flip;
    out.extend_from_slice(&bytes);
}

fn put_words(out: &mut Vec<u8>, words: Option<(u64, u64)>) -> Result<(), Error> {
    let (high, low) = words.ok_or_else(unfit)?;
    out.extend_from_slice(&high.to_be_bytes());
    out.extend_from_slice(&low.to_be_bytes());
    Ok(())
}

fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    let mut pieces = text.split(|byte| *byte == 0);
    out.extend(pieces.next().unwrap_or_default());
    for piece in pieces {
        out.extend(ESCAPED_ZERO);
        out.extend(piece);
    }
    out.extend(TEXT_END);
}

fn take_text(reader: &mut Reader<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
    loop {
        let len = reader.peek().iter().position(|byte| *byte == 0);
        let len = len.ok_or_else(|| damaged(reader, "byte string without end"))?;
        out.extend(reader.bytes(len)?);
        match reader.fixed()? {
            TEXT_END => return Ok(()),
            ESCAPED_ZERO => out.push(0),
            _ => return Err(damaged(reader, "escape in a byte string")),
        }
    }
}

fn put_part(ty: &Type, part: Option<&[u8]>, out: &mut Vec<u8>) -> Result<(), Error> {
    match part {
        None => out.push(NULL),
        Some([]) => out.push(EMPTY),
        Some(bytes) => {
            out.push(PRESENT);
            encode(ty, bytes, out)?;
        }
    }
    Ok(())
}

fn put_components(ty: &Type, value: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
    if value.is_empty() {
        return Err(unfit());
    }
    let mut nulls = 0;
    let mut components = tuple::components(value);
    for (part, component) in ty.parts().zip(components.by_ref()) {
        let component = component?;
        if component.is_none() {
            nulls += 1;
            continue;
        }
        // Only nulls that something follows are written.
        out.extend(std::iter::repeat_n(NULL, nulls));
        nulls = 0;
        put_part(part, component, out)?;
    }
    if !components.rest().is_empty() {
        return Err(unfit());
    }
    out.push(END);
    Ok(())
}

/// Appends a length of 4 bytes, what `body` appends, and goes back to fill the length in.
fn with_length(
    out: &mut Vec<u8>,
    body: impl FnOnce(&mut Vec<u8>) -> Result<(), Error>,
) -> Result<(), Error> {
    let start = out.len();
    out.extend([0; 4]);
    body(out)?;
    let len = i32::try_from(out.len() - start - 4).map_err(|_| unfit())?;
    out[start..start + 4].copy_from_slice(&len.to_be_bytes());
    Ok(())
}

fn take_part(
    ty: &Type,
    reader: &mut Reader<'_>,
    header: u8,
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    with_length(out, |out| match header {
        EMPTY => Ok(()),
        PRESENT => decode(ty, reader, out),
        _ => Err(damaged(reader, "header of a part")),
    })
}

/// A count, then what `each` reads behind each header up to the end.
fn take_parts(
    reader: &mut Reader<'_>,
    out: &mut Vec<u8>,
    mut each: impl FnMut(&mut Reader<'_>, u8, &mut Vec<u8>) -> Result<(), Error>,
) -> Result<(), Error> {
    let start = out.len();
    out.extend([0; 4]);
    let mut count = 0i32;
    loop {
        match reader.u8()? {
            END => break,
            header => each(reader, header, out)?,
        }
        count = count.checked_add(1).ok_or_else(unfit)?;
    }
    out[start..start + 4].copy_from_slice(&count.to_be_bytes());
    Ok(())
}

fn take_components(ty: &Type, reader: &mut Reader<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
    let mut parts = ty.parts();
    let mut last = END;
    loop {
        let header = reader.u8()?;
        if header == END {
            break;
        }
        let part = parts
            .next()
            .ok_or_else(|| damaged(reader, "component beyond the last"))?;
        match header {
            NULL => tuple::put(out, None),
            header => take_part(part, reader, header, out)?,
        }
        last = header;
    }
    if last == NULL {
        return Err(damaged(reader, "trailing null component"));
    }
    parts.for_each(|_| tuple::put(out, None));
    Ok(())
}

fn take_element(element: &Type, reader: &mut Reader<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
    if element.fixed_len().is_some() {
        return decode(element, reader, out);
    }
    // The length before the bytes has a length of its own, so the bytes are made first.
    let mut bytes = Vec::new();
    match reader.u8()? {
        EMPTY => {}
        PRESENT => decode(element, reader, &mut bytes)?,
        _ => return Err(damaged(reader, "header of an element")),
    }
    vector::put(out, element, &bytes);
    Ok(())
}
