//! `CAST(.. AS ..)` and the conversions between dates, times and version 1 UUIDs.
//!
//! Numbers convert as Java's do: integers are cut to the lower bits, floating point is cut towards zero and held
//! within `int` or `bigint` first. Most types convert to text. Zero bytes count as null, which stays null.

use num_bigint::BigInt;

use crate::value::decimal::{self, Decimal};
use crate::value::{date, number, uuid, varint};
use crate::{Error, Type, print};

/// Whether the cast exists.
pub fn exists(from: &Type, to: &Type) -> bool {
    let text = matches!(to, Type::Text | Type::Ascii);
    from == to
        || match from {
            from if from.is_number() => text || to.is_number() && *to != Type::Counter,
            Type::Ascii => *to == Type::Text,
            Type::Inet | Type::Boolean | Type::Uuid | Type::Time => text,
            Type::TimeUuid => text || matches!(to, Type::Date | Type::Timestamp),
            Type::Timestamp => text || *to == Type::Date,
            Type::Date => text || *to == Type::Timestamp,
            _ => false,
        }
}

/// Converts a present value; `None` is null.
pub fn cast(from: &Type, to: &Type, value: &[u8]) -> Result<Option<Vec<u8>>, Error> {
    if !exists(from, to) {
        return Err(Error::Cast(from.to_string(), to.to_string()));
    }
    if from == to {
        return Ok(Some(value.to_vec()));
    }
    if value.is_empty() && !from.empty_is_meaningful() {
        return Ok(None);
    }
    let bytes = match to {
        Type::Text | Type::Ascii => {
            let too_long = || {
                Error::value(format!(
                    "A {from} of {} bytes is too long to be printed",
                    value.len()
                ))
            };
            print::plain(from, value).ok_or_else(too_long)?.into_bytes()
        }
        Type::Date => to_date(from, value)?,
        Type::Timestamp => to_timestamp(from, value)?,
        _ => Number::read(from, value)
            .ok_or_else(|| unfit(from))?
            .write(to)?,
    };
    Ok(Some(bytes))
}

/// `to_date`: of a `timestamp`, `timeuuid` or `date`. Times before 1970 belong to the day they are in (Cassandra
/// gives them the following one).
pub fn to_date(from: &Type, value: &[u8]) -> Result<Vec<u8>, Error> {
    let day = date::of_millis(unix_millis(from, value)?);
    Ok(day
        .ok_or_else(|| Error::value("The timestamp is beyond the range of date"))?
        .to_be_bytes()
        .into())
}

/// `to_timestamp`: of a `date`, `timeuuid` or `timestamp`.
pub fn to_timestamp(from: &Type, value: &[u8]) -> Result<Vec<u8>, Error> {
    Ok(unix_millis(from, value)?.to_be_bytes().into())
}

/// `to_unix_timestamp`: of a `date`, `timeuuid` or `timestamp`, as `bigint`.
pub fn to_unix_timestamp(from: &Type, value: &[u8]) -> Result<Vec<u8>, Error> {
    to_timestamp(from, value)
}

fn unfit(from: &Type) -> Error {
    Error::value(format!("The bytes are not a value of type {from}"))
}

fn unix_millis(from: &Type, value: &[u8]) -> Result<i64, Error> {
    let millis = match from {
        Type::Timestamp => number::int64(value),
        Type::TimeUuid => uuid::unix_millis(value),
        Type::Date => date::read(value).map(date::to_millis),
        _ => None,
    };
    millis.ok_or_else(|| unfit(from))
}

/// A number of any type.
enum Number {
    Int(i64),
    Float(f32),
    Double(f64),
    Big(BigInt),
    Decimal(Decimal),
}

impl Number {
    fn read(ty: &Type, value: &[u8]) -> Option<Number> {
        Some(match ty {
            Type::TinyInt => Number::Int(number::int8(value)?.into()),
            Type::SmallInt => Number::Int(number::int16(value)?.into()),
            Type::Int => Number::Int(number::int32(value)?.into()),
            Type::BigInt | Type::Counter => Number::Int(number::int64(value)?),
            Type::Float => Number::Float(number::float32(value)?),
            Type::Double => Number::Double(number::float64(value)?),
            Type::VarInt => Number::Big(varint::read(value)),
            Type::Decimal => Number::Decimal(decimal::read(value)?),
            _ => return None,
        })
    }

    fn write(self, to: &Type) -> Result<Vec<u8>, Error> {
        Ok(match to {
            Type::TinyInt => (self.int32() as i8).to_be_bytes().into(),
            Type::SmallInt => (self.int32() as i16).to_be_bytes().into(),
            Type::Int => self.int32().to_be_bytes().into(),
            Type::BigInt => self.int64().to_be_bytes().into(),
            Type::VarInt => match self {
                Number::Big(number) => varint::write(&number),
                other => varint::write(&other.int64().into()),
            },
            Type::Float => self.float32().to_be_bytes().into(),
            Type::Double => self.float64().to_be_bytes().into(),
            Type::Decimal => self.decimal()?.write(),
            _ => return Err(Error::value(format!("{to} is not a number"))),
        })
    }

    fn int32(&self) -> i32 {
        match self {
            Number::Float(number) => *number as i32,
            Number::Double(number) => *number as i32,
            other => other.int64() as i32,
        }
    }

    fn int64(&self) -> i64 {
        match self {
            Number::Int(number) => *number,
            Number::Float(number) => *number as i64,
            Number::Double(number) => *number as i64,
            Number::Big(number) => varint::low_bits(number),
            // More zeros than are worth writing out are a multiple of 2^64: nothing is left of the number.
            Number::Decimal(number) => number
                .to_integer()
                .map_or(0, |whole| varint::low_bits(&whole)),
        }
    }

    fn float32(&self) -> f32 {
        match self {
            Number::Int(number) => *number as f32,
            Number::Float(number) => *number,
            Number::Double(number) => *number as f32,
            // Rounding twice would differ in rare cases, so these are read from their digits.
            Number::Big(number) => varint::to_float(number),
            Number::Decimal(number) => number.to_float(),
        }
    }

    fn float64(&self) -> f64 {
        match self {
            Number::Int(number) => *number as f64,
            Number::Float(number) => f64::from(*number),
            Number::Double(number) => *number,
            Number::Big(number) => varint::to_float(number),
            Number::Decimal(number) => number.to_float(),
        }
    }

    fn decimal(self) -> Result<Decimal, Error> {
        let double = match self {
            Number::Int(number) => return Ok(Decimal::integer(number)),
            Number::Big(number) => return Ok(Decimal::integer(number)),
            Number::Decimal(number) => return Ok(number),
            Number::Float(number) => f64::from(number),
            Number::Double(number) => number,
        };
        Decimal::from_double(double).ok_or_else(|| Error::value("Infinite or NaN"))
    }
}
