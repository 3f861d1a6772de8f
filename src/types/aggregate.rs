//! `sum` and `avg` over values of one number type.
//!
//! The result has the type of the input (`bigint` for counters): a sum wraps around, an average of integers is cut
//! towards zero, one of decimals keeps the sum's scale and rounds half to even. Both are 0 over no values. Floating
//! point is summed with compensation, and an average survives a sum beyond the largest double.

use num_bigint::BigInt;

use crate::value::decimal::{self, Decimal};
use crate::value::{number, varint};
use crate::{Error, Type};

/// The type of `sum` and `avg` over this type; `None` when it is not a number.
pub fn result_type(ty: &Type) -> Option<Type> {
    match ty {
        Type::Counter => Some(Type::BigInt),
        number if number.is_number() => Some(number.clone()),
        _ => None,
    }
}

/// Adds up values.
#[derive(Debug, Clone)]
pub struct Accumulator {
    ty: Type,
    count: u64,
    sum: Sum,
}

#[derive(Debug, Clone)]
enum Sum {
    /// 2^64 values of 64 bits do not overflow it.
    Int(i128),
    Float(Compensated),
    Big(BigInt),
    Decimal(Decimal),
}

/// Kahan's sum: the low-order part that an addition loses is kept and taken off the next value.
#[derive(Debug, Clone, Default)]
struct Compensated {
    sum: f64,
    lost: f64,
    /// The plain sum, for what compensation turns infinities into (NaN).
    simple: f64,
    /// The sum of the values times [`SCALE`], which no count of finite values overflows.
    scaled: f64,
}

const SCALE: f64 = 1.0 / (1u64 << 60) as f64;

impl Compensated {
    fn add(&mut self, value: f64) {
        self.simple += value;
        self.scaled += value * SCALE;
        let corrected = value - self.lost;
        let next = self.sum + corrected;
        self.lost = (next - self.sum) - corrected;
        self.sum = next;
    }

    fn total(&self) -> f64 {
        let total = self.sum;
        if total.is_nan() && !self.simple.is_nan() {
            self.simple
        } else {
            total
        }
    }

    fn average(&self, count: u64) -> f64 {
        let total = self.total();
        // Each of the two divisions may underflow only where the sum was far from overflowing.
        if total.is_infinite() {
            self.scaled / count as f64 / SCALE
        } else {
            total / count as f64
        }
    }
}

impl Accumulator {
    /// Starts at nothing; `None` when the type is not a number.
    pub fn new(ty: &Type) -> Option<Accumulator> {
        let sum = match result_type(ty)? {
            Type::Float | Type::Double => Sum::Float(Compensated::default()),
            Type::VarInt => Sum::Big(BigInt::ZERO),
            Type::Decimal => Sum::Decimal(Decimal::integer(0)),
            _ => Sum::Int(0),
        };
        Some(Accumulator {
            ty: ty.clone(),
            count: 0,
            sum,
        })
    }

    /// Adds a present value; zero bytes count as null and are skipped.
    pub fn add(&mut self, value: &[u8]) -> Result<(), Error> {
        if value.is_empty() {
            return Ok(());
        }
        let unfit = || Error::value("The bytes are not a number");
        match &mut self.sum {
            Sum::Int(sum) => {
                let number = match self.ty {
                    Type::TinyInt => number::int8(value).map(i64::from),
                    Type::SmallInt => number::int16(value).map(i64::from),
                    Type::Int => number::int32(value).map(i64::from),
                    _ => number::int64(value),
                };
                *sum += i128::from(number.ok_or_else(unfit)?);
            }
            Sum::Float(sum) => sum.add(match self.ty {
                Type::Float => number::float32(value).map(f64::from).ok_or_else(unfit)?,
                _ => number::float64(value).ok_or_else(unfit)?,
            }),
            Sum::Big(sum) => *sum += varint::read(value),
            Sum::Decimal(sum) => {
                let more = decimal::read(value).ok_or_else(unfit)?;
                let apart =
                    || Error::value("The scales of the decimals are too far apart to be summed");
                *sum = sum.add(&more).ok_or_else(apart)?;
            }
        }
        self.count += 1;
        Ok(())
    }

    /// How many values were added.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The sum as a value of [`result_type`].
    pub fn sum(&self) -> Vec<u8> {
        match &self.sum {
            Sum::Int(sum) => self.int(*sum),
            Sum::Float(sum) => self.float(sum.total()),
            Sum::Big(sum) => varint::write(sum),
            Sum::Decimal(sum) => sum.write(),
        }
    }

    /// The average as a value of [`result_type`].
    pub fn average(&self) -> Vec<u8> {
        let count = self.count.max(1);
        match &self.sum {
            Sum::Int(sum) => self.int(sum / i128::from(count)),
            Sum::Float(sum) => self.float(sum.average(count)),
            Sum::Big(sum) => varint::write(&(sum / BigInt::from(count))),
            Sum::Decimal(sum) => sum.divide_half_even(count).write(),
        }
    }

    fn int(&self, number: i128) -> Vec<u8> {
        let number = number as i64;
        match self.ty {
            Type::TinyInt => (number as i8).to_be_bytes().into(),
            Type::SmallInt => (number as i16).to_be_bytes().into(),
            Type::Int => (number as i32).to_be_bytes().into(),
            _ => number.to_be_bytes().into(),
        }
    }

    fn float(&self, number: f64) -> Vec<u8> {
        match self.ty {
            Type::Float => (number as f32).to_be_bytes().into(),
            _ => number.to_be_bytes().into(),
        }
    }
}
