//! Numbers, durations and uuids: how many bytes of a text they take.

use crate::lexer::Missing;
use crate::token::Kind;

/// Units of a duration; where one begins another, the longer stands first.
const UNITS: &[&[u8]] = &[
    b"mo",
    b"ms",
    b"us",
    "\u{b5}s".as_bytes(),
    b"ns",
    b"y",
    b"w",
    b"d",
    b"h",
    b"m",
    b"s",
];

/// A number, hexadecimal number or duration that begins with a digit.
pub fn number(bytes: &[u8]) -> (usize, Kind) {
    if bytes[0] == b'0' && matches!(bytes.get(1), Some(b'x' | b'X')) {
        return (2 + run(&bytes[2..], u8::is_ascii_hexdigit), Kind::Hex);
    }
    let digits = digits(bytes);
    if let Some(length) = unit_duration(bytes) {
        return (length, Kind::Duration);
    }
    let mut length = digits;
    if bytes.get(length) == Some(&b'.') && !is_range(&bytes[length..]) {
        length += 1;
        length += self::digits(&bytes[length..]);
    }
    length += exponent(&bytes[length..]);
    (
        length,
        if length == digits {
            Kind::Integer
        } else {
            Kind::Float
        },
    )
}

/// Where a number is cut short, as Cassandra's lexer sees it: letters right behind digits can only be the rest of a
/// uuid, of an exponent or of a unit. The length that it takes, and what is missing there.
pub fn cut_short(bytes: &[u8], length: usize, kind: Kind) -> Option<(usize, Missing)> {
    let next = *bytes.get(length)?;
    match (kind, next) {
        (Kind::Duration, b'0'..=b'9') => Some((length + digits(&bytes[length..]), Missing::Token)),
        (Kind::Integer | Kind::Float, b'a'..=b'f' | b'A'..=b'F') => {
            let exponent = matches!(next, b'e' | b'E') && kind == Kind::Integer;
            let behind = bytes.get(length + 1);
            if exponent && !behind.is_some_and(u8::is_ascii_hexdigit) {
                let sign = usize::from(matches!(behind, Some(b'+' | b'-')));
                return Some((length + 1 + sign, Missing::Token));
            }
            let plain = bytes[..length].iter().all(|byte| byte.is_ascii_hexdigit());
            plain.then(|| uuid_mismatch(bytes))
        }
        (Kind::Integer, b'n' | b'N' | b'u' | b'U') => Some((length + 1, Missing::OneOf)),
        _ => None,
    }
}

/// Where a text stops being a uuid.
fn uuid_mismatch(bytes: &[u8]) -> (usize, Missing) {
    let fits = |(byte, shape): &(&u8, &u8)| match shape {
        b'-' => **byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    let length = bytes.iter().zip(UUID_SHAPE).take_while(fits).count();
    match UUID_SHAPE.get(length) {
        Some(b'-') => (length, Missing::Character('-')),
        _ => (length, Missing::OneOf),
    }
}

const UUID_SHAPE: &[u8] = b"xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

/// Two dots are the range of a slice, not the point of a number; in three, the first is a point.
fn is_range(bytes: &[u8]) -> bool {
    bytes.starts_with(b"..") && !bytes.starts_with(b"...")
}

fn exponent(bytes: &[u8]) -> usize {
    if !matches!(bytes.first(), Some(b'e' | b'E')) {
        return 0;
    }
    let sign = usize::from(matches!(bytes.get(1), Some(b'+' | b'-')));
    match digits(&bytes[1 + sign..]) {
        0 => 0,
        digits => 1 + sign + digits,
    }
}

/// `1y2mo3d`: digits and a unit, repeated.
fn unit_duration(bytes: &[u8]) -> Option<usize> {
    let mut length = 0;
    loop {
        let digits = digits(&bytes[length..]);
        let after = &bytes[length + digits..];
        match UNITS
            .iter()
            .find(|unit| digits > 0 && starts_with(after, unit))
        {
            Some(unit) => length += digits + unit.len(),
            None => return (length > 0).then_some(length),
        }
    }
}

/// `P1Y2M3DT4H5M6S`, `P4W` or `P0001-02-03T04:05:06`, up to the end of the word.
pub fn iso_duration(bytes: &[u8]) -> Option<usize> {
    let body = bytes.strip_prefix(b"P")?;
    let length = alternative_duration(body)
        .or_else(|| designators(body, b"W").filter(|length| *length > 0))
        .or_else(|| period_and_time(body))?;
    let word_goes_on = body.get(length).is_some_and(u8::is_ascii_alphanumeric);
    (!word_goes_on).then_some(length + 1)
}

fn period_and_time(body: &[u8]) -> Option<usize> {
    let period = designators(body, b"YMD")?;
    let time = match body[period..].strip_prefix(b"T") {
        Some(time) => match designators(time, b"HMS") {
            Some(length) if length > 0 => 1 + length,
            _ => return None,
        },
        None => 0,
    };
    (period + time > 0).then_some(period + time)
}

/// Digits and a letter, repeated, the letters in the order given and none twice.
fn designators(bytes: &[u8], letters: &[u8]) -> Option<usize> {
    let mut length = 0;
    for letter in letters {
        let digits = digits(&bytes[length..]);
        if digits > 0 && bytes.get(length + digits) == Some(letter) {
            length += digits + 1;
        }
    }
    Some(length)
}

fn alternative_duration(body: &[u8]) -> Option<usize> {
    matches_shape(body, b"0000-00-00T00:00:00").then_some(19)
}

/// Whether a uuid stands at the beginning.
pub fn is_uuid(bytes: &[u8]) -> bool {
    bytes.get(8) == Some(&b'-') && matches_shape(bytes, UUID_SHAPE)
}

/// Whether each byte is as the shape says: `0` a digit, `x` a hexadecimal digit, others themselves.
fn matches_shape(bytes: &[u8], shape: &[u8]) -> bool {
    bytes.len() >= shape.len()
        && bytes.iter().zip(shape).all(|(byte, shape)| match shape {
            b'0' => byte.is_ascii_digit(),
            b'x' => byte.is_ascii_hexdigit(),
            other => byte == other,
        })
}

fn digits(bytes: &[u8]) -> usize {
    run(bytes, u8::is_ascii_digit)
}

fn run(bytes: &[u8], test: impl Fn(&u8) -> bool) -> usize {
    bytes.iter().take_while(|byte| test(byte)).count()
}

fn starts_with(bytes: &[u8], word: &[u8]) -> bool {
    bytes
        .get(..word.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(word))
}
