//! `time`: nanoseconds since midnight.

use super::date::digits;

/// Nanoseconds in a day: every `time` is below.
pub const NANOS_PER_DAY: i64 = 86_400 * NANOS_PER_SECOND;
const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// `04:05:06.000000007`. Values outside a day, which validation lets pass as Cassandra does, wrap.
pub fn text(nanos: i64) -> String {
    let nanos = nanos.rem_euclid(NANOS_PER_DAY);
    let seconds = nanos / NANOS_PER_SECOND;
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!(
        "{hour:02}:{minute:02}:{second:02}.{:09}",
        nanos % NANOS_PER_SECOND
    )
}

/// `hh:mm:ss[.fffffffff]` or a count of nanoseconds. The error is Cassandra's text.
pub fn parse(text: &str) -> Result<i64, String> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    if !unsigned.is_empty() && unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        let nanos = text
            .parse()
            .ok()
            .filter(|nanos| (0..NANOS_PER_DAY).contains(nanos));
        return nanos.ok_or_else(|| format!("Unable to make long (for time) from: '{text}'"));
    }
    parse_clock(text.trim())
        .ok_or_else(|| format!("(TimeType) Unable to coerce '{text}' to a formatted time (long)"))
}

fn parse_clock(text: &str) -> Option<i64> {
    let mut parts = text.splitn(3, ':');
    let (hour, minute, rest) = (parts.next()?, parts.next()?, parts.next()?);
    let (second, fraction) = match rest.split_once('.') {
        Some((second, fraction)) if (1..=9).contains(&fraction.len()) => (second, fraction),
        Some(_) => return None,
        None => (rest, "0"),
    };
    let below = |text: &str, limit: u32| {
        if text.is_empty() {
            None
        } else {
            digits(text).filter(|number| *number < limit).map(i64::from)
        }
    };
    let seconds = below(hour, 24)? * 3600 + below(minute, 60)? * 60 + below(second, 60)?;
    let nanos = i64::from(digits(fraction)?) * 10i64.pow(9 - fraction.len() as u32);
    Some(seconds * NANOS_PER_SECOND + nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_prints() {
        for (input, expected) in [
            ("00:00:00", "00:00:00.000000000"),
            ("4:5:6", "04:05:06.000000000"),
            ("08:12:54.123", "08:12:54.123000000"),
            ("23:59:59.999999999", "23:59:59.999999999"),
            (" 01:02:03 ", "01:02:03.000000000"),
            ("1", "00:00:00.000000001"),
            ("86399999999999", "23:59:59.999999999"),
        ] {
            assert_eq!(parse(input).map(text), Ok(expected.into()), "{input}");
        }
        for input in [
            "",
            "24:00:00",
            "1:60:00",
            "1:1:60",
            "1:1",
            "1:1:1.",
            "1:1:1.1234567890",
            "1:1:1.x",
            "a:b:c",
            ":1:1",
        ] {
            let message =
                format!("(TimeType) Unable to coerce '{input}' to a formatted time (long)");
            assert_eq!(parse(input), Err(message));
        }
        for input in ["-1", "86400000000000", "99999999999999999999"] {
            assert_eq!(
                parse(input),
                Err(format!("Unable to make long (for time) from: '{input}'"))
            );
        }
    }
}
