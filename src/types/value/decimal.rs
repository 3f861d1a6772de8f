//! `decimal`: a scale of 4 bytes, then the unscaled number as a `varint`. The number is unscaled * 10^-scale.
//!
//! 1.0 and 1.00 are different bytes and equal values. Scales reach ±2^31, so nothing here ever multiplies a number
//! out to a common scale: two numbers compare by the position of their first digit, then by their digits.

use std::cmp::Ordering;

use num_bigint::{BigInt, Sign};

use super::varint;

/// The longest plain text: beyond it, and wherever Java does, a decimal prints with an exponent.
const PLAIN_DIGITS_MAX: i64 = 1000;

/// The most digits arithmetic produces or aligns to: enough for any sum of doubles written out, small enough that an
/// aggregate over hostile scales stays cheap.
pub const DIGITS_MAX: i64 = 10_000;

/// The longest `decimal` in bytes: ordering needs its digits, whose making takes time by the square of the length. These
/// are 2,400 digits, made in some 20 microseconds.
pub const BYTES_MAX: usize = 1024;

/// A number of `decimal`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decimal {
    /// The digits, as an integer.
    pub unscaled: BigInt,
    /// How many of them stand after the point; negative: zeros that follow.
    pub scale: i32,
}

/// Reads a `decimal`.
pub fn read(value: &[u8]) -> Option<Decimal> {
    let (scale, unscaled) = value.split_first_chunk()?;
    Some(Decimal {
        unscaled: varint::read(unscaled),
        scale: i32::from_be_bytes(*scale),
    })
}

/// Reads a `decimal` whose digits somebody wants, as [`varint::read_short`].
pub fn read_short(value: &[u8]) -> Option<Decimal> {
    if value.len() <= varint::PRINTED_BYTES_MAX {
        read(value)
    } else {
        None
    }
}

impl Decimal {
    /// An integer.
    pub fn integer(number: impl Into<BigInt>) -> Decimal {
        Decimal {
            unscaled: number.into(),
            scale: 0,
        }
    }

    /// The bytes.
    pub fn write(&self) -> Vec<u8> {
        let mut out = self.scale.to_be_bytes().to_vec();
        out.extend(varint::write(&self.unscaled));
        out
    }

    /// Digits, point and exponent with an optional sign, as Java's `BigDecimal` reads them.
    pub fn parse(text: &str) -> Option<Decimal> {
        let (mantissa, exponent) = match text.find(['e', 'E']) {
            Some(at) => (&text[..at], parse_exponent(&text[at + 1..])?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let unsigned_whole = whole.strip_prefix(['-', '+']).unwrap_or(whole);
        if unsigned_whole.is_empty() && fraction.is_empty() {
            return None;
        }
        if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let unscaled = varint::parse(&format!("{whole}{fraction}"))?;
        let scale = i32::try_from(i64::try_from(fraction.len()).ok()? - exponent).ok()?;
        Some(Decimal { unscaled, scale })
    }

    /// The shortest decimal that reads back as this double, as Java's `BigDecimal.valueOf`; `None` for NaN and
    /// infinities.
    pub fn from_double(value: f64) -> Option<Decimal> {
        if value.is_finite() {
            Decimal::parse(&super::number::double_text(value))
        } else {
            None
        }
    }

    /// The nearest `f32` or `f64`.
    pub fn to_float<F: std::str::FromStr>(&self) -> F {
        let text = format!("{}e{}", self.unscaled, -i64::from(self.scale));
        text.parse()
            .ok()
            .expect("digits and an exponent form a number")
    }

    /// The number divided, at the same scale, rounded to the nearest and half to even.
    pub fn divide_half_even(&self, divisor: u64) -> Decimal {
        let divisor = BigInt::from(divisor);
        let mut quotient = &self.unscaled / &divisor;
        let rest = &self.unscaled - &quotient * &divisor;
        let twice = BigInt::from(rest.magnitude() * 2u32);
        let odd = quotient.bit(0);
        if twice > divisor || twice == divisor && odd {
            quotient += if self.unscaled.sign() == Sign::Minus {
                -1
            } else {
                1
            };
        }
        Decimal {
            unscaled: quotient,
            scale: self.scale,
        }
    }

    /// The integer part, cut towards zero; `None` when it would have more than [`DIGITS_MAX`] zeros to write out.
    pub fn to_integer(&self) -> Option<BigInt> {
        let digits = digits(&self.unscaled);
        let point = digits.len() as i64 - i64::from(self.scale);
        if self.unscaled.sign() == Sign::NoSign || point <= 0 {
            return Some(BigInt::ZERO);
        }
        if self.scale >= 0 {
            let whole = BigInt::parse_bytes(&digits.as_bytes()[..point as usize], 10)?;
            return Some(if self.unscaled.sign() == Sign::Minus {
                -whole
            } else {
                whole
            });
        }
        let zeros = -i64::from(self.scale);
        (zeros <= DIGITS_MAX).then(|| &self.unscaled * BigInt::from(10).pow(zeros as u32))
    }

    /// The same number at a larger scale; `None` when that takes more than [`DIGITS_MAX`] zeros.
    pub fn rescale(&self, scale: i32) -> Option<BigInt> {
        let zeros = i64::from(scale) - i64::from(self.scale);
        (0..=DIGITS_MAX)
            .contains(&zeros)
            .then(|| &self.unscaled * BigInt::from(10).pow(zeros as u32))
    }

    /// The exact sum; `None` when the scales are further apart than [`DIGITS_MAX`], or it is longer than
    /// [`BYTES_MAX`].
    pub fn add(&self, other: &Decimal) -> Option<Decimal> {
        let scale = self.scale.max(other.scale);
        let unscaled = self.rescale(scale)? + other.rescale(scale)?;
        let fits = unscaled.bits() / 8 < BYTES_MAX as u64 - 5;
        fits.then_some(Decimal { unscaled, scale })
    }

    /// The text as Java's `BigDecimal.toString`: an exponent when the scale is negative or the number very small.
    pub fn text(&self) -> String {
        let digits = digits(&self.unscaled);
        let sign = if self.unscaled.sign() == Sign::Minus {
            "-"
        } else {
            ""
        };
        let scale = i64::from(self.scale);
        let point = digits.len() as i64 - scale;
        let adjusted = point - 1;
        if scale == 0 {
            return format!("{sign}{digits}");
        }
        if scale > 0 && adjusted >= -6 {
            return match usize::try_from(point) {
                Ok(point) if point > 0 => {
                    format!("{sign}{}.{}", &digits[..point], &digits[point..])
                }
                _ => format!("{sign}0.{}{digits}", "0".repeat(-point as usize)),
            };
        }
        let fraction = if digits.len() > 1 {
            format!(".{}", &digits[1..])
        } else {
            String::new()
        };
        format!("{sign}{}{fraction}E{adjusted:+}", &digits[..1])
    }

    /// The text that reads back as exactly this number and scale: plain where a plain text can say it.
    pub fn exact_text(&self) -> String {
        if self.scale < 0 {
            self.text()
        } else {
            self.plain_text()
        }
    }

    /// The text without an exponent, as `cast(.. as text)` prints it; falls back to [`Decimal::text`] when that
    /// would take more than a thousand zeros.
    pub fn plain_text(&self) -> String {
        let scale = i64::from(self.scale);
        if scale.abs() > PLAIN_DIGITS_MAX {
            return self.text();
        }
        let digits = digits(&self.unscaled);
        let sign = if self.unscaled.sign() == Sign::Minus {
            "-"
        } else {
            ""
        };
        if self.unscaled.sign() == Sign::NoSign && scale <= 0 {
            return "0".into();
        }
        match digits.len() as i64 - scale {
            _ if scale <= 0 => format!("{sign}{digits}{}", "0".repeat(-scale as usize)),
            point if point > 0 => format!(
                "{sign}{}.{}",
                &digits[..point as usize],
                &digits[point as usize..]
            ),
            point => format!("{sign}0.{}{digits}", "0".repeat(-point as usize)),
        }
    }
}

fn parse_exponent(text: &str) -> Option<i64> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let digits = unsigned.trim_start_matches('0');
    if unsigned.is_empty()
        || digits.len() > 10
        || !unsigned.bytes().all(|byte| byte.is_ascii_digit())
    {
        return None;
    }
    // Java refuses more, also where the digits would bring the scale back into range.
    text.parse::<i32>().ok().map(i64::from)
}

/// The decimal digits of the magnitude, without sign.
fn digits(number: &BigInt) -> String {
    number.magnitude().to_string()
}

/// A number taken apart for ordering: `sign * 0.digits * 10^exponent`, digits without zeros at either end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Normal {
    /// -1, 0 or 1.
    pub sign: i8,
    /// The power of ten just above the number; 0 for zero.
    pub exponent: i64,
    /// ASCII digits; empty for zero.
    pub digits: String,
}

/// Takes a `decimal`'s bytes apart.
pub fn normal(value: &[u8]) -> Option<Normal> {
    let number = read(value)?;
    let mut digits = digits(&number.unscaled);
    let exponent = digits.len() as i64 - i64::from(number.scale);
    digits.truncate(digits.trim_end_matches('0').len());
    Some(match number.unscaled.sign() {
        Sign::NoSign => Normal {
            sign: 0,
            exponent: 0,
            digits,
        },
        Sign::Plus => Normal {
            sign: 1,
            exponent,
            digits,
        },
        Sign::Minus => Normal {
            sign: -1,
            exponent,
            digits,
        },
    })
}

/// Numeric order.
pub fn compare(a: &[u8], b: &[u8]) -> Option<Ordering> {
    if let (Some((x, a)), Some((y, b))) = (a.split_first_chunk::<4>(), b.split_first_chunk::<4>())
        && x == y
    {
        return Some(varint::compare(zero_filled(a), zero_filled(b)));
    }
    let (a, b) = (normal(a)?, normal(b)?);
    let magnitude = |x: &Normal, y: &Normal| {
        x.exponent
            .cmp(&y.exponent)
            .then_with(|| x.digits.cmp(&y.digits))
    };
    Some(a.sign.cmp(&b.sign).then_with(|| match a.sign {
        1 => magnitude(&a, &b),
        -1 => magnitude(&b, &a),
        _ => Ordering::Equal,
    }))
}

/// An unscaled number of no bytes means zero.
fn zero_filled(unscaled: &[u8]) -> &[u8] {
    if unscaled.is_empty() { &[0] } else { unscaled }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Vec<u8> {
        Decimal::parse(text).expect(text).write()
    }

    #[test]
    fn compares_across_scales() {
        let sorted = [
            "-1e2147483647",
            "-100",
            "-1.5",
            "-1e-2147483647",
            "0",
            "1e-2147483647",
            "0.001",
            "0.9",
            "1",
            "1.01",
            "10",
            "1e2147483647",
        ];
        for (i, a) in sorted.iter().enumerate() {
            for (j, b) in sorted.iter().enumerate() {
                assert_eq!(compare(&bytes(a), &bytes(b)), Some(i.cmp(&j)), "{a} {b}");
            }
        }
        for (a, b) in [
            ("1.0", "1.00"),
            ("0", "0e5"),
            ("100", "1e2"),
            ("-2.50", "-2.5"),
        ] {
            assert_eq!(
                compare(&bytes(a), &bytes(b)),
                Some(Ordering::Equal),
                "{a} {b}"
            );
        }
    }

    #[test]
    fn text_is_javas() {
        for (text, expected, plain) in [
            ("0", "0", "0"),
            ("-0.00", "0.00", "0.00"),
            ("1.50", "1.50", "1.50"),
            ("0.000001", "0.000001", "0.000001"),
            ("0.0000001", "1E-7", "0.0000001"),
            ("123e3", "1.23E+5", "123000"),
            ("-1e2", "-1E+2", "-100"),
            ("12.34e-10", "1.234E-9", "0.000000001234"),
            ("1e2147483647", "1E+2147483647", "1E+2147483647"),
            ("0e5", "0E+5", "0"),
            (".5", "0.5", "0.5"),
            ("5.", "5", "5"),
        ] {
            let number = Decimal::parse(text).expect(text);
            assert_eq!(number.text(), expected, "{text}");
            assert_eq!(number.plain_text(), plain, "{text}");
        }
        for bad in [
            "",
            "-",
            ".",
            "1e",
            "1e2147483648",
            "10e2147483648",
            "0.1e2147483648",
            "NaN",
            "1.2.3",
            "--1",
            "1_0",
            "1e99999999999",
            "1.-5",
        ] {
            assert!(Decimal::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn converts() {
        for (text, integer, double) in [
            ("1.99", 1, 1.99),
            ("-1.99", -1, -1.99),
            ("0.5", 0, 0.5),
            ("12e2", 1200, 1200.0),
            ("1e-400", 0, 0.0),
        ] {
            let number = Decimal::parse(text).expect(text);
            assert_eq!(number.to_integer(), Some(integer.into()), "{text}");
            assert_eq!(number.to_float::<f64>(), double, "{text}");
        }
        assert_eq!(
            Decimal::parse("1e99999").expect("number").to_integer(),
            None
        );
        assert_eq!(Decimal::from_double(0.1).expect("finite").text(), "0.1");
        assert_eq!(Decimal::from_double(f64::NAN), None);
    }
}
