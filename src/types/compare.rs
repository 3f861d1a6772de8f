//! The order of a type's values, as Cassandra's comparators have it.
//!
//! - Zero bytes come before every other value. Null is the caller's.
//! - Floating point as Java's `compare`: `-0.0` before `0.0`, every NaN equal and above infinity.
//! - `uuid`: by version, version 1 by time, then bytes unsigned. `timeuuid`: by time, then each byte signed.
//! - Tuples and user-defined types: null before present, missing trailing components equal to null. (Cassandra also
//!   takes a trailing zero-length component for a missing one, which makes its order inconsistent; here it is present.)
//! - `duration` has no order in CQL: its bytes compare, and the schema refuses it in keys.
//!
//! Only valid values have this order; where one cannot be read as its type, the bytes compare.

use std::cmp::Ordering;

use crate::collection::{Items, Pairs};
use crate::value::{decimal, number, uuid, varint};
use crate::{Error, Type, tuple, vector};

impl Type {
    /// The order of two present values.
    pub fn compare(&self, a: &[u8], b: &[u8]) -> Ordering {
        if a.is_empty() || b.is_empty() {
            return b.is_empty().cmp(&a.is_empty());
        }
        self.order(a, b).unwrap_or_else(|| a.cmp(b))
    }

    /// `None` when one of the values does not form a value of the type.
    fn order(&self, a: &[u8], b: &[u8]) -> Option<Ordering> {
        Some(match self {
            Type::Ascii
            | Type::Blob
            | Type::Text
            | Type::Date
            | Type::Time
            | Type::Inet
            | Type::Duration => a.cmp(b),
            Type::TinyInt => number::int8(a)?.cmp(&number::int8(b)?),
            Type::SmallInt => number::int16(a)?.cmp(&number::int16(b)?),
            Type::Int => number::int32(a)?.cmp(&number::int32(b)?),
            Type::BigInt | Type::Counter | Type::Timestamp => {
                number::int64(a)?.cmp(&number::int64(b)?)
            }
            Type::Boolean => (a[0] != 0).cmp(&(b[0] != 0)),
            Type::Float => {
                number::float_key(number::float32(a)?).cmp(&number::float_key(number::float32(b)?))
            }
            Type::Double => number::double_key(number::float64(a)?)
                .cmp(&number::double_key(number::float64(b)?)),
            Type::VarInt => varint::compare(a, b),
            Type::Decimal => decimal::compare(a, b)?,
            Type::Uuid => uuid::order_key(a)?.cmp(&uuid::order_key(b)?),
            Type::TimeUuid => uuid::time_order_key(a)?.cmp(&uuid::time_order_key(b)?),
            Type::List { element, .. } | Type::Set { element, .. } => {
                let order = |x: &[u8], y: &[u8]| element.compare(x, y);
                lexicographic(Items::new(a).ok()?, Items::new(b).ok()?, order)?
            }
            Type::Map { key, value, .. } => {
                let order = |x: (&[u8], &[u8]), y: (&[u8], &[u8])| {
                    key.compare(x.0, y.0).then_with(|| value.compare(x.1, y.1))
                };
                lexicographic(Pairs::new(a).ok()?, Pairs::new(b).ok()?, order)?
            }
            Type::Tuple(_) | Type::Udt { .. } => components(self, a, b)?,
            Type::Vector { element, dimension } => {
                let order = |x: &[u8], y: &[u8]| element.compare(x, y);
                let parts = |value| vector::elements(element, *dimension, value);
                lexicographic(parts(a), parts(b), order)?
            }
        })
    }
}

fn lexicographic<T>(
    mut a: impl Iterator<Item = Result<T, Error>>,
    mut b: impl Iterator<Item = Result<T, Error>>,
    order: impl Fn(T, T) -> Ordering,
) -> Option<Ordering> {
    loop {
        match (a.next().transpose().ok()?, b.next().transpose().ok()?) {
            (None, None) => return Some(Ordering::Equal),
            (None, Some(_)) => return Some(Ordering::Less),
            (Some(_), None) => return Some(Ordering::Greater),
            (Some(x), Some(y)) => match order(x, y) {
                Ordering::Equal => {}
                unequal => return Some(unequal),
            },
        }
    }
}

fn components(ty: &Type, a: &[u8], b: &[u8]) -> Option<Ordering> {
    let (mut a, mut b) = (tuple::components(a), tuple::components(b));
    for part in ty.parts() {
        let x = a.next().transpose().ok()?.flatten();
        let y = b.next().transpose().ok()?.flatten();
        let order = match (x, y) {
            (Some(x), Some(y)) => part.compare(x, y),
            (x, y) => x.is_some().cmp(&y.is_some()),
        };
        if order.is_ne() {
            return Some(order);
        }
    }
    Some(Ordering::Equal)
}
