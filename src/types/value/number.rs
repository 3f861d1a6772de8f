//! Integers and floating point numbers of fixed width, big-endian.

/// Reads a `tinyint`.
pub fn int8(value: &[u8]) -> Option<i8> {
    value.try_into().ok().map(i8::from_be_bytes)
}

/// Reads a `smallint`.
pub fn int16(value: &[u8]) -> Option<i16> {
    value.try_into().ok().map(i16::from_be_bytes)
}

/// Reads an `int`.
pub fn int32(value: &[u8]) -> Option<i32> {
    value.try_into().ok().map(i32::from_be_bytes)
}

/// Reads a `bigint`, `counter`, `timestamp` or `time`.
pub fn int64(value: &[u8]) -> Option<i64> {
    value.try_into().ok().map(i64::from_be_bytes)
}

/// Reads a `float`.
pub fn float32(value: &[u8]) -> Option<f32> {
    value.try_into().ok().map(f32::from_be_bytes)
}

/// Reads a `double`.
pub fn float64(value: &[u8]) -> Option<f64> {
    value.try_into().ok().map(f64::from_be_bytes)
}

/// A number whose unsigned order is Java's `Float.compare`: `-0.0` below `0.0`, all NaN one value on top.
pub fn float_key(value: f32) -> u32 {
    const SIGN: u32 = 1 << 31;
    let bits = if value.is_nan() {
        0x7fc0_0000
    } else {
        value.to_bits()
    };
    if bits & SIGN == 0 { bits ^ SIGN } else { !bits }
}

/// The inverse of [`float_key`].
pub fn float_of_key(key: u32) -> f32 {
    const SIGN: u32 = 1 << 31;
    f32::from_bits(if key & SIGN == 0 { !key } else { key ^ SIGN })
}

/// A number whose unsigned order is Java's `Double.compare`.
pub fn double_key(value: f64) -> u64 {
    const SIGN: u64 = 1 << 63;
    let bits = if value.is_nan() {
        0x7ff8_0000_0000_0000
    } else {
        value.to_bits()
    };
    if bits & SIGN == 0 { bits ^ SIGN } else { !bits }
}

/// The inverse of [`double_key`].
pub fn double_of_key(key: u64) -> f64 {
    const SIGN: u64 = 1 << 63;
    f64::from_bits(if key & SIGN == 0 { !key } else { key ^ SIGN })
}

/// A constant as `float`, in the forms CQL writes: digits, point, exponent, `NaN`, `Infinity`, either sign.
pub fn parse_float(text: &str) -> Option<f32> {
    parse(text)
}

/// A constant as `double`.
pub fn parse_double(text: &str) -> Option<f64> {
    parse(text)
}

fn parse<T: std::str::FromStr>(text: &str) -> Option<T> {
    // Rust also reads `inf` and any case of `nan`, which Java and so Cassandra refuse.
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let plain = unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.');
    if plain || unsigned == "NaN" || unsigned == "Infinity" {
        text.parse().ok()
    } else {
        None
    }
}

/// The text of a `float` as Java prints it.
pub fn float_text(value: f32) -> String {
    java_text(
        f64::from(value),
        value.is_sign_negative(),
        &scientific(value.abs()),
    )
}

/// The text of a `double` as Java prints it.
pub fn double_text(value: f64) -> String {
    java_text(value, value.is_sign_negative(), &scientific(value.abs()))
}

/// The shortest digits that read back as the number, `d.ddde±x`. Where that is one digit, Java takes the nearest of two:
/// it differs only for the smallest numbers there are.
fn scientific<T: std::fmt::LowerExp + std::str::FromStr + PartialEq>(value: T) -> String {
    let shortest = format!("{value:e}");
    let is_single = shortest.as_bytes().get(1) == Some(&b'e');
    let two = format!("{value:.1e}");
    if is_single && !two.contains(".0e") && two.parse().is_ok_and(|read: T| read == value) {
        return two;
    }
    shortest
}

/// Java's layout of the shortest digits: plain from 10^-3 up to below 10^7, otherwise `d.dE±x`; always a digit after
/// the point. `scientific` is Rust's `d.ddde±x` of the absolute value.
fn java_text(value: f64, negative: bool, scientific: &str) -> String {
    if value.is_nan() {
        return "NaN".into();
    }
    let sign = if negative { "-" } else { "" };
    if value.is_infinite() {
        return format!("{sign}Infinity");
    }
    let (mantissa, exponent) = scientific
        .split_once('e')
        .expect("{:e} of a finite number has an exponent");
    let exponent: i32 = exponent.parse().expect("{:e} prints a decimal exponent");
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let tail = |from: usize| match digits.get(from..) {
        None | Some("") => "0",
        Some(rest) => rest,
    };
    match exponent {
        -3..=-1 => format!("{sign}0.{}{digits}", "0".repeat((-exponent - 1) as usize)),
        0..=6 => {
            let whole = exponent as usize + 1;
            let padding = "0".repeat(whole.saturating_sub(digits.len()));
            format!(
                "{sign}{}{padding}.{}",
                &digits[..whole.min(digits.len())],
                tail(whole)
            )
        }
        _ => format!("{sign}{}.{}E{exponent}", &digits[..1], tail(1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn java_text_of_doubles() {
        for (value, expected) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (-1.5, "-1.5"),
            (100.0, "100.0"),
            (1234567.0, "1234567.0"),
            (12345678.0, "1.2345678E7"),
            (0.001, "0.001"),
            (0.0123, "0.0123"),
            (0.0001, "1.0E-4"),
            (1e300, "1.0E300"),
            (5e-324, "4.9E-324"),
            (1e-323, "9.9E-324"),
            (2e-323, "2.0E-323"),
            (0.002, "0.002"),
            (2e22, "2.0E22"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            assert_eq!(double_text(value), expected);
        }
        assert_eq!(float_text(f32::from_bits(1)), "1.4E-45");
        assert_eq!(float_text(0.1), "0.1");
        assert_eq!(float_text(16777216.0), "1.6777216E7");
    }

    #[test]
    fn keys_order_as_java() {
        let sorted = [
            f64::NEG_INFINITY,
            -1.0,
            -1e-300,
            -0.0,
            0.0,
            1e-300,
            1.0,
            f64::INFINITY,
            f64::NAN,
        ];
        assert!(sorted.is_sorted_by_key(|value| double_key(*value)));
        assert_eq!(
            double_key(f64::from_bits(0xfff8_0000_0000_0001)),
            double_key(f64::NAN)
        );
        for value in sorted {
            assert_eq!(double_of_key(double_key(value)).to_bits(), value.to_bits());
            assert_eq!(
                float_of_key(float_key(value as f32)).to_bits(),
                (value as f32).to_bits()
            );
        }
    }

    #[test]
    fn parses_javas_words_only() {
        for text in [
            "1",
            "-1.5",
            "1e10",
            "1.5E-3",
            "NaN",
            "-NaN",
            "Infinity",
            "-Infinity",
            ".5",
            "1.",
        ] {
            assert!(parse_double(text).is_some(), "{text}");
        }
        for text in ["", "-", "inf", "nan", "infinity", "1f", "0x1p3", " 1", "e5"] {
            assert!(parse_double(text).is_none(), "{text}");
        }
    }
}
