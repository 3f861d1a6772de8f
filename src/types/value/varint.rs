//! `varint`: two's complement of any length, big-endian. Clients may pad it; order and equality look through that.

use std::cmp::Ordering;

use num_bigint::{BigInt, Sign};

/// The longest value that is printed: making digits takes time by the square of the length, about a millisecond here.
pub const PRINTED_BYTES_MAX: usize = 8 * 1024;

/// The most digits that are read from text, for the same reason.
pub const DIGITS_MAX: usize = 20_000;

/// Reads a `varint`. Zero bytes read as 0.
pub fn read(value: &[u8]) -> BigInt {
    BigInt::from_signed_bytes_be(value)
}

/// Reads a `varint` whose digits somebody wants: `None` beyond [`PRINTED_BYTES_MAX`].
pub fn read_short(value: &[u8]) -> Option<BigInt> {
    (value.len() <= PRINTED_BYTES_MAX).then(|| read(value))
}

/// The lower 64 bits.
pub fn low_bits(number: &BigInt) -> i64 {
    let bytes = number.to_signed_bytes_be();
    let fill = if bytes.first().is_some_and(|first| *first >= 0x80) {
        -1
    } else {
        0
    };
    bytes
        .iter()
        .fold(fill, |bits, byte| bits << 8 | i64::from(*byte))
}

/// The nearest `f32` or `f64`.
pub fn to_float<F: std::str::FromStr>(number: &BigInt) -> F {
    // 2^2048 is beyond every double, so longer numbers need no digits.
    let huge = number.bits() > 2048;
    let text = match (huge, number.sign()) {
        (false, _) => number.to_string(),
        (true, Sign::Minus) => "-inf".to_owned(),
        (true, _) => "inf".to_owned(),
    };
    text.parse()
        .ok()
        .expect("digits and infinities are floating point numbers")
}

/// The shortest bytes of a number.
pub fn write(number: &BigInt) -> Vec<u8> {
    number.to_signed_bytes_be()
}

/// The value without its padding: the shortest bytes that mean the same number.
pub fn minimal(value: &[u8]) -> &[u8] {
    let mut rest = value;
    while let [first, second, ..] = rest {
        let pads = (*first == 0 && *second < 0x80) || (*first == 0xff && *second >= 0x80);
        if !pads {
            break;
        }
        rest = &rest[1..];
    }
    rest
}

/// Numeric order, without building numbers.
pub fn compare(a: &[u8], b: &[u8]) -> Ordering {
    let (a, b) = (minimal(a), minimal(b));
    let negative = |value: &[u8]| value.first().is_some_and(|first| *first >= 0x80);
    match (negative(a), negative(b)) {
        (false, true) => Ordering::Greater,
        (true, false) => Ordering::Less,
        (false, false) => a.len().cmp(&b.len()).then_with(|| a.cmp(b)),
        (true, true) => b.len().cmp(&a.len()).then_with(|| a.cmp(b)),
    }
}

/// Decimal digits with an optional sign.
pub fn parse(text: &str) -> Option<BigInt> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let fits = (1..=DIGITS_MAX).contains(&unsigned.len());
    if !fits || !unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_does_not_count() {
        for (a, b, expected) in [
            (&[0u8][..], &[0u8, 0][..], Ordering::Equal),
            (&[0xff], &[0xff, 0xff], Ordering::Equal),
            (&[0x7f], &[0, 0x80], Ordering::Less),
            (&[0x80], &[0xff, 0x7f], Ordering::Greater),
            (&[0xff], &[0], Ordering::Less),
            (&[0x80, 0], &[0x80], Ordering::Less),
        ] {
            assert_eq!(compare(a, b), expected, "{a:?} {b:?}");
            assert_eq!(read(a).cmp(&read(b)), expected);
        }
    }
}
