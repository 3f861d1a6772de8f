//! The values of one execution, by marker.
//!
//! Values stay in the request's body; nothing is copied. A value is checked against its marker's
//! type once, here, so the plan may trust it.

use protocol::wire::Value;
use smallvec::SmallVec;
use types::Type;

use crate::error::Error;
use crate::marker::Receiver;

/// What a term evaluates to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bound<'a> {
    /// No value: deletes what was there.
    Null,
    /// Nothing was said: leaves alone what was there.
    Unset,
    /// Bytes that came from the request or the plan.
    Borrowed(&'a [u8]),
    /// Bytes that were computed.
    Owned(Vec<u8>),
}

impl Bound<'_> {
    /// The bytes, if there is a value.
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Bound::Null | Bound::Unset => None,
            Bound::Borrowed(bytes) => Some(bytes),
            Bound::Owned(bytes) => Some(bytes),
        }
    }

    /// Whether nothing was said.
    pub fn is_unset(&self) -> bool {
        matches!(self, Bound::Unset)
    }
}

/// The moment of an execution, as functions see it.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// Wall clock of the coordinator in microseconds.
    pub wall_micros: i64,
    /// The request's "now" in seconds, by which cells expire.
    pub now_seconds: i64,
}

/// Where functions such as `uuid()` and `now()` take their chance from.
pub trait Chance: Send + Sync {
    /// Sixteen random bytes.
    fn sixteen(&self) -> [u8; 16];
    /// A version 1 UUID that no other call has given, for this wall time or just after.
    fn time_uuid(&self, wall_micros: i64) -> [u8; 16];
}

/// The values of one execution.
pub struct Bindings<'a> {
    values: SmallVec<[Value<'a>; 16]>,
    /// When the execution takes place.
    pub moment: Moment,
    /// The source of chance.
    pub chance: &'a dyn Chance,
}

impl<'a> Bindings<'a> {
    /// Takes values by position and checks each against its marker.
    pub fn new(
        values: impl Iterator<Item = Value<'a>>,
        receivers: &[Receiver],
        moment: Moment,
        chance: &'a dyn Chance,
    ) -> Result<Self, Error> {
        let values: SmallVec<[Value<'a>; 16]> = values.collect();
        if values.len() != receivers.len() {
            return Err(wrong_amount(receivers.len(), values.len()));
        }
        for (value, receiver) in values.iter().zip(receivers) {
            check(value, receiver)?;
        }
        Ok(Bindings {
            values,
            moment,
            chance,
        })
    }

    /// The bindings of a statement without markers.
    pub fn none(moment: Moment, chance: &'a dyn Chance) -> Self {
        Bindings {
            values: SmallVec::new(),
            moment,
            chance,
        }
    }

    /// The value of a marker.
    pub fn get(&self, index: u32) -> Bound<'_> {
        match self.values.get(index as usize) {
            Some(Value::Set(bytes)) => Bound::Borrowed(bytes),
            Some(Value::Unset) => Bound::Unset,
            Some(Value::Null) | None => Bound::Null,
        }
    }
}

fn wrong_amount(markers: usize, values: usize) -> Error {
    Error::invalid(format!(
        "Invalid amount of bind variables: there were {markers} markers(?) in CQL but {values} bound variables"
    ))
}

fn check(value: &Value<'_>, receiver: &Receiver) -> Result<(), Error> {
    let Value::Set(bytes) = value else {
        return Ok(());
    };
    match (&receiver.ty, bytes.len()) {
        (Type::Blob, _) | (Type::Int, 4) | (Type::BigInt, 8) => Ok(()),
        (ty, _) => ty.validate(bytes).map_err(|error| {
            Error::invalid(format!("{error}\nin the value bound for {}", receiver.name))
        }),
    }
}
