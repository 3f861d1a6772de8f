//! `varint`: two's complement of any length, big-endian. Clients may pad it; order and equality look through that.

use std::cmp::Ordering;

use num_bigint::BigInt;

/// Reads a `varint`. Zero bytes read as 0.
pub fn read(value: &[u8]) -> BigInt {
    BigInt::from_signed_bytes_be(value)
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
    if unsigned.is_empty() || !unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
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
