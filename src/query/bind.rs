//! The values of one execution, by marker.
//!
//! Values stay in the request's body; nothing is copied. A value is checked against its marker's
//! type once, here, so the plan may trust it.

use protocol::request::Request;
use protocol::wire::Value;
use smallvec::SmallVec;
use types::Type;

use crate::error::Error;
use crate::marker::Variable;

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

/// What brings the values. Each has its own words for too few of them, or too many.
#[derive(Clone, Copy, Debug)]
pub enum Carrier {
    /// QUERY
    Query,
    /// EXECUTE
    Execute,
    /// BATCH
    Batch,
}

impl Carrier {
    /// The request that this is.
    pub fn of(request: &Request<'_>) -> Self {
        match request {
            Request::Execute(_) => Carrier::Execute,
            Request::Batch(_) => Carrier::Batch,
            _ => Carrier::Query,
        }
    }

    fn wrong_amount(self, markers: usize, values: usize) -> Error {
        let counts = format!("here were {markers} markers(?) in CQL but {values} bound variables");
        Error::invalid(match self {
            Carrier::Query => format!("Invalid amount of bind variables\nT{counts}"),
            Carrier::Execute => format!("t{counts}"),
            Carrier::Batch => format!("T{counts}"),
        })
    }
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
        carrier: Carrier,
        values: impl Iterator<Item = Value<'a>>,
        variables: &[Variable],
        moment: Moment,
        chance: &'a dyn Chance,
    ) -> Result<Self, Error> {
        let values: SmallVec<[Value<'a>; 16]> = values.collect();
        if values.len() != variables.len() {
            return Err(carrier.wrong_amount(variables.len(), values.len()));
        }
        for (value, variable) in values.iter().zip(variables) {
            check(value, variable)?;
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

fn check(value: &Value<'_>, variable: &Variable) -> Result<(), Error> {
    let Value::Set(bytes) = value else {
        return Ok(());
    };
    let receiver = &variable.receiver;
    match (&receiver.ty, bytes.len()) {
        (Type::Blob, _) | (Type::Int, 4) | (Type::BigInt, 8) => Ok(()),
        (ty, _) => ty.validate(bytes).map_err(|error| {
            Error::invalid(format!("{error}\nin the value bound for {}", receiver.name))
        }),
    }
}
