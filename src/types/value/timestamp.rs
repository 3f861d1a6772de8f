//! `timestamp`: milliseconds since 1970-01-01T00:00:00Z.
//!
//! Text forms are Cassandra's: a date, optionally a time of hours and minutes, seconds, milliseconds, behind a blank
//! or a `T`, optionally a zone (`Z`, `+01`, `+0100`, `+01:00`, or behind a blank a name such as `UTC`, `CET`,
//! `GMT+1:00`, `Europe/Paris`). Numbers may have fewer or more digits than usual; the part after the point counts
//! milliseconds (`.5` is 5 ms) as Java reads it. Without a zone the time is UTC: a database whose answer depends on
//! the server's own zone would give each node its own.

use jiff::Timestamp;
use jiff::tz::TimeZoneDatabase;

use super::date::{civil_of_days, days_of_civil, year_text};

/// Milliseconds in a day.
pub const MILLIS_PER_DAY: i64 = 86_400_000;

/// `2011-02-03T04:05:06.007Z`.
pub fn text(millis: i64) -> String {
    let (year, month, day) = civil_of_days(millis.div_euclid(MILLIS_PER_DAY));
    let of_day = millis.rem_euclid(MILLIS_PER_DAY);
    let (hour, minute, second) = (of_day / 3_600_000, of_day / 60_000 % 60, of_day / 1000 % 60);
    let date = format!("{}-{month:02}-{day:02}", year_text(year));
    format!(
        "{date}T{hour:02}:{minute:02}:{second:02}.{:03}Z",
        of_day % 1000
    )
}

/// A date and time, or a count of milliseconds. The error is Cassandra's text.
pub fn parse(text: &str) -> Result<i64, String> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    if !unsigned.is_empty() && unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        return text
            .parse()
            .map_err(|_| format!("Unable to make long (for date) from: '{text}'"));
    }
    Scanner { rest: text }
        .timestamp()
        .ok_or_else(|| format!("Unable to coerce '{text}' to a formatted date (long)"))
}

/// Where a time's zone puts it.
enum Zone {
    Fixed { seconds: i64 },
    Named(jiff::tz::TimeZone),
}

struct Scanner<'a> {
    rest: &'a str,
}

impl Scanner<'_> {
    fn timestamp(mut self) -> Option<i64> {
        let date = self.date()?;
        let (time, zone) = match self.rest.as_bytes().first() {
            None => return millis(date, 0, &Zone::Fixed { seconds: 0 }),
            Some(b'T') => {
                self.eat('T');
                (self.time()?, self.zone()?)
            }
            Some(b' ') if self.rest[1..].starts_with(|next: char| next.is_ascii_digit()) => {
                self.eat(' ');
                (self.time()?, self.zone()?)
            }
            _ => (0, self.zone()?),
        };
        millis(date, time, &zone)
    }

    fn eat(&mut self, expected: char) -> bool {
        match self.rest.strip_prefix(expected) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// A run of digits as a number; nine of them are more than any field needs.
    fn number(&mut self) -> Option<u32> {
        let len = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.rest.split_at(len);
        self.rest = rest;
        if len <= 9 { digits.parse().ok() } else { None }
    }

    fn field(&mut self, separator: char, limit: u32) -> Option<i64> {
        if !self.eat(separator) {
            return None;
        }
        self.number()
            .filter(|number| *number < limit)
            .map(i64::from)
    }

    /// Days since the epoch.
    fn date(&mut self) -> Option<i64> {
        // What `text` writes for years beyond four digits reads back.
        let negative = self.eat('-');
        let _ = negative || self.eat('+');
        let year = i64::from(self.number()?);
        let month = self.field('-', 13)?;
        let day = self.field('-', 32)?;
        days_of_civil(
            if negative { -year } else { year },
            month as u32,
            day as u32,
        )
    }

    /// Milliseconds of the day.
    fn time(&mut self) -> Option<i64> {
        let hour = self.number().filter(|hour| *hour < 24)?;
        let minute = self.field(':', 60)?;
        let mut millis = (i64::from(hour) * 60 + minute) * 60_000;
        if self.rest.starts_with(':') {
            millis += self.field(':', 60)? * 1000;
            if self.rest.starts_with('.') {
                millis += self.field('.', 1000)?;
            }
        }
        Some(millis)
    }

    fn zone(&mut self) -> Option<Zone> {
        if self.rest.is_empty() || self.rest == "Z" {
            return Some(Zone::Fixed { seconds: 0 });
        }
        match self.rest.strip_prefix(' ') {
            Some(name) => named_zone(name),
            None => offset(self.rest, false).map(|seconds| Zone::Fixed { seconds }),
        }
    }
}

/// `+hh`, `+hhmm` or `+hh:mm` in seconds; after `GMT` the hour may have one digit but minutes must follow.
fn offset(text: &str, after_gmt: bool) -> Option<i64> {
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits = &text[1..];
    let (hour, minute) = match digits.split_once(':') {
        Some((hour, minute))
            if minute.len() == 2 && (hour.len() == 2 || after_gmt && hour.len() == 1) =>
        {
            (hour, minute)
        }
        None if digits.len() == 4 && digits.is_ascii() => digits.split_at(2),
        None if digits.len() == 2 && !after_gmt => (digits, "00"),
        _ => return None,
    };
    let hour = super::date::digits(hour).filter(|hour| *hour < 24)?;
    let minute = super::date::digits(minute).filter(|minute| *minute < 60)?;
    Some(sign * i64::from(hour * 3600 + minute * 60))
}

/// The short names people write, in hours from UTC; the rest is in the zone database.
const ABBREVIATIONS: &[(&str, i64)] = &[
    ("UTC", 0),
    ("GMT", 0),
    ("UT", 0),
    ("Z", 0),
    ("WET", 0),
    ("WEST", 1),
    ("BST", 1),
    ("CET", 1),
    ("CEST", 2),
    ("MEZ", 1),
    ("MESZ", 2),
    ("EET", 2),
    ("EEST", 3),
    ("MSK", 3),
    ("JST", 9),
    ("KST", 9),
    ("EST", -5),
    ("EDT", -4),
    ("CST", -6),
    ("CDT", -5),
    ("MST", -7),
    ("MDT", -6),
    ("PST", -8),
    ("PDT", -7),
    ("AKST", -9),
    ("AKDT", -8),
    ("HST", -10),
];

fn named_zone(name: &str) -> Option<Zone> {
    if let Some((_, hours)) = ABBREVIATIONS
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
    {
        return Some(Zone::Fixed {
            seconds: hours * 3600,
        });
    }
    if name.starts_with(['+', '-']) {
        return offset(name, false)
            .filter(|_| name.len() == 5)
            .map(|seconds| Zone::Fixed { seconds });
    }
    if let Some(rest) = name.strip_prefix("GMT") {
        return offset(rest, true).map(|seconds| Zone::Fixed { seconds });
    }
    // The bundled database: what a literal means must not depend on the files of one machine.
    let plausible = name.len() <= 64 && name.contains('/');
    if plausible {
        TimeZoneDatabase::bundled().get(name).ok().map(Zone::Named)
    } else {
        None
    }
}

fn millis(date: i64, time: i64, zone: &Zone) -> Option<i64> {
    // The first and last days of the range are cut by it, so the sum needs room before the check.
    let local = i128::from(date) * i128::from(MILLIS_PER_DAY) + i128::from(time);
    match zone {
        Zone::Fixed { seconds } => i64::try_from(local - i128::from(seconds * 1000)).ok(),
        Zone::Named(zone) => {
            let local = Timestamp::from_millisecond(i64::try_from(local).ok()?).ok()?;
            let civil = local.to_zoned(jiff::tz::TimeZone::UTC).datetime();
            // In a gap or overlap of the clock jiff takes the offset before the change, as Java does in a gap.
            Some(zone.to_timestamp(civil).ok()?.as_millisecond())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_cassandras_forms() {
        const MINUTE: i64 = 1_296_705_900_000; // 2011-02-03T04:05:00Z
        for (input, expected) in [
            ("1296705900000", MINUTE),
            ("-1", -1),
            ("2011-02-03 04:05", MINUTE),
            ("2011-02-03T04:05", MINUTE),
            ("2011-2-3 4:5", MINUTE),
            ("2011-02-03 04:05+0000", MINUTE),
            ("2011-02-03 04:05:00", MINUTE),
            ("2011-02-03 04:05:06.007", MINUTE + 6007),
            ("2011-02-03T04:05:06.007Z", MINUTE + 6007),
            ("2011-02-03 04:05:06.5", MINUTE + 6005),
            ("2011-02-03T04:05:00.000+01:00", MINUTE - 3_600_000),
            ("2011-02-03 04:05-0130", MINUTE + 5_400_000),
            ("2011-02-03 04:05+01", MINUTE - 3_600_000),
            ("2011-02-03 04:05 UTC", MINUTE),
            ("2011-02-03 04:05:00 PST", MINUTE + 8 * 3_600_000),
            ("2011-02-03 04:05 +0200", MINUTE - 2 * 3_600_000),
            ("2011-02-03 04:05 GMT+1:00", MINUTE - 3_600_000),
            ("2011-02-03 04:05 Europe/Paris", MINUTE - 3_600_000),
            ("2011-07-03 04:05 Europe/Paris", 1_309_658_700_000),
            ("2011-02-03", 1_296_691_200_000),
            ("2011-02-03+0100", 1_296_687_600_000),
            ("2011-02-03 GMT", 1_296_691_200_000),
            ("1969-12-31T23:59:59.999Z", -1),
            ("-0001-01-01T00:00:00.000Z", -62_198_755_200_000),
        ] {
            assert_eq!(parse(input), Ok(expected), "{input}");
        }
    }

    #[test]
    fn refuses_the_rest() {
        for input in [
            "",
            "x",
            "2011-02",
            "2011-02-30",
            "2011-13-01",
            "2011-02-03 24:00",
            "2011-02-03 04:60",
            "2011-02-03 04",
            "2011-02-03 04:05:06.1234",
            "2011-02-03 04:05 Nowhere",
            "2011-02-03 04:05 A/B",
            "2011-02-03 04:05+1",
            "2011-02-03 04:05+24:00",
            "2011-02-03T",
            "2011-02-03 04:05 ",
            "2011-02-03  04:05",
            "9999999999-01-01",
            "292278995-01-01",
            "2011-02-03 04:05 \u{e9}",
            "2011-02-03\u{e9}",
        ] {
            let message = format!("Unable to coerce '{input}' to a formatted date (long)");
            assert_eq!(parse(input), Err(message), "{input}");
        }
        let huge = "99999999999999999999";
        assert_eq!(
            parse(huge),
            Err(format!("Unable to make long (for date) from: '{huge}'"))
        );
    }

    #[test]
    fn prints_what_it_reads() {
        for millis in [
            0,
            -1,
            1,
            1_296_705_906_007,
            -62_198_755_200_000,
            i64::MAX,
            i64::MIN,
        ] {
            assert_eq!(parse(&text(millis)), Ok(millis), "{}", text(millis));
        }
        assert_eq!(text(1_296_705_906_007), "2011-02-03T04:05:06.007Z");
    }
}
