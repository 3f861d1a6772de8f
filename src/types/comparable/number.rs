//! The byte-comparable form of numbers without a fixed width.

use base::bytes::Reader;
use num_bigint::{BigInt, BigUint, Sign};

use super::format::{
    DECIMAL_BIAS, DECIMAL_HUGE, DECIMAL_ONE, DECIMAL_SHORT_MAX, DECIMAL_TINY, DECIMAL_ZERO,
    VARINT_SHORT_MAX, VARINT_ZERO,
};
use super::{damaged, unfit};
use crate::Error;
use crate::value::decimal::{self, Decimal};
use crate::value::varint;

/// The canonical spelling of an integral decimal writes up to this many zeros out instead of a negative scale: 100
/// is far more often meant as `100` than as `1E+2`.
const WRITTEN_ZEROS_MAX: i64 = 32;

pub(super) fn put_varint(out: &mut Vec<u8>, value: &[u8]) -> Result<(), Error> {
    let minimal = varint::minimal(value);
    let first = *minimal.first().ok_or_else(unfit)?;
    let mask = if first >= 0x80 { 0xff } else { 0 };
    let zeros = minimal.iter().take_while(|byte| **byte ^ mask == 0).count();
    let magnitude = &minimal[zeros..];
    let len = u32::try_from(magnitude.len()).map_err(|_| unfit())?;
    if len <= u32::from(VARINT_SHORT_MAX) {
        out.push((VARINT_ZERO + len as u8) ^ mask);
    } else {
        let bytes = len.to_be_bytes();
        let used = 4 - len.leading_zeros() as usize / 8;
        out.push((VARINT_ZERO + VARINT_SHORT_MAX + used as u8) ^ mask);
        out.extend(bytes[4 - used..].iter().map(|byte| byte ^ mask));
    }
    // The bytes of a negative number are those of -1 - number, inverted already.
    out.extend(magnitude);
    Ok(())
}

pub(super) fn take_varint(reader: &mut Reader<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
    let first = reader.u8()?;
    let mask = if first < VARINT_ZERO { 0xff } else { 0 };
    let short = (first ^ mask) - VARINT_ZERO;
    let len = match short.checked_sub(VARINT_SHORT_MAX) {
        None | Some(0) => usize::from(short),
        Some(used @ 1..=4) => {
            let bytes = reader.bytes(usize::from(used))?;
            let len = bytes
                .iter()
                .fold(0u32, |len, byte| len << 8 | u32::from(byte ^ mask));
            let minimal = bytes[0] ^ mask != 0 && len > u32::from(VARINT_SHORT_MAX);
            len.try_into()
                .ok()
                .filter(|_| minimal)
                .ok_or_else(|| damaged(reader, "length of a varint key"))?
        }
        Some(_) => return Err(damaged(reader, "length of a varint key")),
    };
    let magnitude = reader.bytes(len)?;
    match magnitude.first() {
        Some(first) if first ^ mask == 0 => {
            return Err(damaged(reader, "leading zero of a varint key"));
        }
        Some(first) if first ^ mask < 0x80 => {}
        // The sign needs a bit of its own; zero and -1 are nothing but sign.
        _ => out.push(mask),
    }
    out.extend(magnitude);
    Ok(())
}

pub(super) fn put_decimal(out: &mut Vec<u8>, value: &[u8]) -> Result<(), Error> {
    let number = decimal::normal(value).ok_or_else(unfit)?;
    if number.sign == 0 {
        out.push(DECIMAL_ZERO);
        return Ok(());
    }
    // Without its zeros a number at the very edge has a scale that no decimal can carry: it cannot be a key.
    i32::try_from(number.digits.len() as i64 - number.exponent).map_err(|_| unfit())?;
    let start = out.len();
    let short = i64::from(DECIMAL_SHORT_MAX);
    match number.exponent {
        exponent if (-short..=short).contains(&exponent) => {
            out.push((i64::from(DECIMAL_ONE) + exponent) as u8);
        }
        exponent => {
            out.push(if exponent < 0 {
                DECIMAL_TINY
            } else {
                DECIMAL_HUGE
            });
            let biased = u64::try_from(exponent + DECIMAL_BIAS).map_err(|_| unfit())?;
            out.extend(&biased.to_be_bytes()[3..]);
        }
    }
    for pair in number.digits.as_bytes().chunks(2) {
        let low = pair.get(1).map_or(0, |digit| digit - b'0');
        out.push((pair[0] - b'0') * 10 + low + 1);
    }
    out.push(0);
    if number.sign < 0 {
        out[start..].iter_mut().for_each(|byte| *byte = !*byte);
    }
    Ok(())
}

pub(super) fn take_decimal(reader: &mut Reader<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
    let first = reader.u8()?;
    if first == DECIMAL_ZERO {
        out.extend([0; 5]);
        return Ok(());
    }
    let mask = if first < DECIMAL_ZERO { 0xff } else { 0 };
    let exponent = take_exponent(reader, first ^ mask, mask)?;
    let digits = take_digits(reader, mask)?;
    let number =
        canonical(digits, exponent, mask != 0).ok_or_else(|| damaged(reader, "decimal key"))?;
    out.extend(number.write());
    Ok(())
}

fn take_exponent(reader: &mut Reader<'_>, first: u8, mask: u8) -> Result<i64, Error> {
    let short = i64::from(DECIMAL_SHORT_MAX);
    if first != DECIMAL_TINY && first != DECIMAL_HUGE {
        let exponent = i64::from(first) - i64::from(DECIMAL_ONE);
        return if exponent.abs() <= short {
            Ok(exponent)
        } else {
            Err(damaged(reader, "decimal key"))
        };
    }
    let bytes = reader.fixed::<5>()?;
    let biased = bytes
        .iter()
        .fold(0i64, |number, byte| number << 8 | i64::from(byte ^ mask));
    let exponent = biased - DECIMAL_BIAS;
    let fits = if first == DECIMAL_TINY {
        exponent < -short
    } else {
        exponent > short
    };
    if fits {
        Ok(exponent)
    } else {
        Err(damaged(reader, "exponent of a decimal key"))
    }
}

/// Digits as numbers, without zeros at either end.
fn take_digits(reader: &mut Reader<'_>, mask: u8) -> Result<Vec<u8>, Error> {
    let len = reader.peek().iter().position(|byte| byte ^ mask == 0);
    let len = len.ok_or_else(|| damaged(reader, "decimal key without end"))?;
    let mut digits = Vec::with_capacity(len * 2);
    for byte in reader.bytes(len)? {
        let pair = (byte ^ mask) - 1;
        if pair > 99 {
            return Err(damaged(reader, "digits of a decimal key"));
        }
        digits.extend([pair / 10, pair % 10]);
    }
    reader.skip(1)?;
    if digits.last() == Some(&0) {
        digits.pop();
    }
    let trimmed = digits.first().is_some_and(|digit| *digit != 0) && digits.last() != Some(&0);
    if trimmed {
        Ok(digits)
    } else {
        Err(damaged(reader, "digits of a decimal key"))
    }
}

/// The spelling that stands for all equal ones: no zeros after the point, integers written out.
fn canonical(mut digits: Vec<u8>, exponent: i64, negative: bool) -> Option<Decimal> {
    let mut scale = digits.len() as i64 - exponent;
    if (-WRITTEN_ZEROS_MAX..0).contains(&scale) {
        digits.resize(digits.len() + (-scale) as usize, 0);
        scale = 0;
    }
    let sign = if negative { Sign::Minus } else { Sign::Plus };
    let magnitude = BigUint::from_radix_be(&digits, 10)?;
    Some(Decimal {
        unscaled: BigInt::from_biguint(sign, magnitude),
        scale: i32::try_from(scale).ok()?,
    })
}
