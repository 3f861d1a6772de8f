//! `date`: days, unsigned, with 1970-01-01 at 2^31. The calendar is the Gregorian one, carried back without end.

use super::timestamp::MILLIS_PER_DAY;

/// 1970-01-01.
pub const EPOCH: u32 = 1 << 31;

/// Reads a `date`.
pub fn read(value: &[u8]) -> Option<u32> {
    value.try_into().ok().map(u32::from_be_bytes)
}

/// The day as year, month and day of the month.
pub fn civil(date: u32) -> (i64, u32, u32) {
    civil_of_days(i64::from(date) - i64::from(EPOCH))
}

/// The day of a time in milliseconds; `None` when it is beyond the range of `date`.
pub fn of_millis(millis: i64) -> Option<u32> {
    u32::try_from(millis.div_euclid(MILLIS_PER_DAY) + i64::from(EPOCH)).ok()
}

/// The start of the day in milliseconds.
pub fn to_millis(date: u32) -> i64 {
    (i64::from(date) - i64::from(EPOCH)) * MILLIS_PER_DAY
}

/// `2024-02-29`; years beyond 9999 have a plus sign.
pub fn text(date: u32) -> String {
    let (year, month, day) = civil(date);
    format!("{}-{month:02}-{day:02}", year_text(year))
}

/// The year as ISO 8601 writes it: four digits, a sign when there are more or it is before year 0.
pub fn year_text(year: i64) -> String {
    match year {
        0..=9999 => format!("{year:04}"),
        10_000.. => format!("+{year}"),
        _ => format!("-{:04}", -year),
    }
}

/// An ISO date or a day number. The error is Cassandra's text.
pub fn parse(text: &str) -> Result<u32, String> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.bytes().all(|byte| byte == b'0') && !digits.is_empty() {
        return Ok(0);
    }
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return text
            .parse()
            .map_err(|_| format!("Unable to make unsigned int (for date) from: '{text}'"));
    }
    let days = parse_iso(text)
        .ok_or_else(|| format!("Unable to coerce '{text}' to a formatted date (long)"))?;
    u32::try_from(days + i64::from(EPOCH)).map_err(|_| {
        let (side, limit) = if days < 0 {
            ("less than min", 0)
        } else {
            ("greater than max", u32::MAX)
        };
        format!(
            "Input date {text} is {side} supported date {}T00:00Z",
            self::text(limit)
        )
    })
}

/// Days since the epoch of `yyyy-MM-dd`: four year digits, or up to nine behind a sign.
fn parse_iso(text: &str) -> Option<i64> {
    let hyphen = text.get(1..)?.find('-')? + 1;
    let (year, rest) = text.split_at_checked(hyphen)?;
    let (month, day) = rest.get(1..)?.split_once('-')?;
    if month.len() != 2 || day.len() != 2 {
        return None;
    }
    days_of_civil(iso_year(year)?, digits(month)?, digits(day)?)
}

/// The inverse of [`year_text`]: four digits, or up to nine behind a sign.
pub(super) fn iso_year(text: &str) -> Option<i64> {
    let (sign, unsigned) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (0, text),
    };
    let fits = match sign {
        0 => unsigned.len() == 4,
        1 => (5..=9).contains(&unsigned.len()),
        _ => (4..=9).contains(&unsigned.len()),
    };
    let year = digits(unsigned).filter(|year| fits && (*year > 0 || sign >= 0))?;
    Some(i64::from(year) * if sign < 0 { -1 } else { 1 })
}

/// Plain digits as a number.
pub(super) fn digits(text: &str) -> Option<u32> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().ok()
    } else {
        None
    }
}

/// Days since 1970-01-01 of a date of the calendar; `None` when there is no such day.
///
/// Years start in March here, so that the leap day is the last of its year: then the days before month `m` follow
/// from `(153 * m + 2) / 5`, and 400 years are always 146,097 days.
pub fn days_of_civil(year: i64, month: u32, day: u32) -> Option<i64> {
    if !(1..=12).contains(&month) || day == 0 || day > month_days(year, month) {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let month_from_march = i64::from((month + 9) % 12);
    let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

/// The inverse of [`days_of_civil`].
pub fn civil_of_days(days: i64) -> (i64, u32, u32) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month as u32, day as u32)
}

/// How many days a month has.
pub(super) fn month_days(year: i64, month: u32) -> u32 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_calendar_is_continuous() {
        let mut expected = civil_of_days(-1_000_000);
        for days in -1_000_000i64..1_000_000 {
            let (year, month, day) = civil_of_days(days);
            assert_eq!((year, month, day), expected, "{days}");
            assert_eq!(days_of_civil(year, month, day), Some(days));
            expected = if day < month_days(year, month) {
                (year, month, day + 1)
            } else if month < 12 {
                (year, month + 1, 1)
            } else {
                (year + 1, 1, 1)
            };
        }
    }

    #[test]
    fn reads_and_prints() {
        for (input, expected) in [
            ("1970-01-01", "1970-01-01"),
            ("2024-02-29", "2024-02-29"),
            ("0000-01-01", "0000-01-01"),
            ("-0044-03-15", "-0044-03-15"),
            ("+12345-01-01", "+12345-01-01"),
            ("0", "-5877641-06-23"),
            ("4294967295", "+5881580-07-11"),
            ("2147483648", "1970-01-01"),
            ("2147483647", "1969-12-31"),
            ("+5881580-07-11", "+5881580-07-11"),
        ] {
            assert_eq!(parse(input).map(text), Ok(expected.into()), "{input}");
        }
    }

    #[test]
    fn refuses_in_cassandras_words() {
        for (input, message) in [
            ("", "Unable to coerce '' to a formatted date (long)"),
            (
                "2023-02-29",
                "Unable to coerce '2023-02-29' to a formatted date (long)",
            ),
            (
                "2023-2-2",
                "Unable to coerce '2023-2-2' to a formatted date (long)",
            ),
            (
                "12345-01-01",
                "Unable to coerce '12345-01-01' to a formatted date (long)",
            ),
            (
                "2023-13-01",
                "Unable to coerce '2023-13-01' to a formatted date (long)",
            ),
            (
                "2023-01-01-01",
                "Unable to coerce '2023-01-01-01' to a formatted date (long)",
            ),
            ("-1", "Unable to make unsigned int (for date) from: '-1'"),
            (
                "4294967296",
                "Unable to make unsigned int (for date) from: '4294967296'",
            ),
            (
                "+5881580-07-12",
                "Input date +5881580-07-12 is greater than max supported date +5881580-07-11T00:00Z",
            ),
            (
                "-5877641-06-22",
                "Input date -5877641-06-22 is less than min supported date -5877641-06-23T00:00Z",
            ),
        ] {
            assert_eq!(parse(input), Err(message.into()), "{input}");
        }
    }
}
