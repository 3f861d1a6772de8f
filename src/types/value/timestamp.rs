//! `timestamp`: milliseconds since 1970-01-01T00:00:00Z.
//!
//! Text forms are Cassandra's: a date, optionally a time of hours and minutes, seconds, a fraction of up to nine
//! digits, behind a blank or a `T`, optionally a zone (`Z`, `+01`, `+0100`, `+01:00`, or behind a blank a name such as
//! `UTC`, `CET`, `GMT+01:00`, `Europe/Paris`). A day beyond the end of its month is the last one of it, and `24:00` is
//! the end of the day, as Java resolves them. Without a zone the time is UTC: a database whose answer depends on the
//! server's own zone would give each node its own.
//!
//! Cassandra reads a year beyond four digits only where no time follows; here what [`text`] writes reads back.

use jiff::Timestamp;
use jiff::tz::TimeZoneDatabase;

use super::date::{civil_of_days, days_of_civil, iso_year, month_days, year_text};

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
        .ok_or_else(|| format!("Unable to parse a date/time from '{text}'"))
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

    /// A number behind a separator, at most so large.
    fn field(&mut self, separator: char, max: u32) -> Option<i64> {
        if !self.eat(separator) {
            return None;
        }
        self.number().filter(|number| *number <= max).map(i64::from)
    }

    /// Two digits behind a hyphen, at most so large.
    fn date_field(&mut self, max: u32) -> Option<u32> {
        let before = self.rest.len();
        let number = self.field('-', max)?;
        (before - self.rest.len() == 3 && number > 0).then_some(number as u32)
    }

    /// Days since the epoch.
    fn date(&mut self) -> Option<i64> {
        let hyphen = self.rest.get(1..)?.find('-')? + 1;
        let (year, rest) = self.rest.split_at_checked(hyphen)?;
        let year = iso_year(year)?;
        self.rest = rest;
        let month = self.date_field(12)?;
        let day = self.date_field(31)?;
        days_of_civil(year, month, day.min(month_days(year, month)))
    }

    /// Milliseconds since the day began; `24:00` is the day's end.
    fn time(&mut self) -> Option<i64> {
        let hour = self.number().filter(|hour| *hour <= 24)?;
        let minute = self.field(':', 59)?;
        let mut millis = (i64::from(hour) * 60 + minute) * 60_000;
        if self.rest.starts_with(':') {
            millis += self.field(':', 59)? * 1000;
            if self.eat('.') {
                millis += self.fraction()?;
            }
        }
        (millis <= MILLIS_PER_DAY).then_some(millis)
    }

    /// Milliseconds of a fraction of a second; what is finer is cut off.
    fn fraction(&mut self) -> Option<i64> {
        let len = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.rest.split_at(len);
        self.rest = rest;
        let millis = format!("{digits:0<3}")[..3].parse().ok()?;
        (len <= FRACTION_DIGITS_MAX).then_some(millis)
    }

    fn zone(&mut self) -> Option<Zone> {
        if self.rest.is_empty() || self.rest == "Z" {
            return Some(Zone::Fixed { seconds: 0 });
        }
        match self.rest.strip_prefix(' ') {
            Some(name) => named_zone(name),
            None => offset(self.rest).map(|seconds| Zone::Fixed { seconds }),
        }
    }
}

/// A fraction of a second goes to nanoseconds.
const FRACTION_DIGITS_MAX: usize = 9;

/// The offset farthest from UTC that Java knows.
const OFFSET_SECONDS_MAX: i64 = 18 * 3600;

/// `+hh`, `+hhmm` or `+hh:mm` in seconds.
fn offset(text: &str) -> Option<i64> {
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits = &text[1..];
    let (hour, minute) = match digits.split_once(':') {
        Some((hour, minute)) if minute.len() == 2 && hour.len() == 2 => (hour, minute),
        None if digits.len() == 4 && digits.is_ascii() => digits.split_at(2),
        None if digits.len() == 2 => (digits, "00"),
        _ => return None,
    };
    let hour = super::date::digits(hour)?;
    let minute = super::date::digits(minute).filter(|minute| *minute < 60)?;
    let seconds = i64::from(hour * 3600 + minute * 60);
    (seconds <= OFFSET_SECONDS_MAX).then_some(sign * seconds)
}

/// The short names people write, and a place of each zone in the database. Summer and standard time are told apart by
/// the date and not by the name, as in Java: `PDT` in January means `PST`.
const ABBREVIATIONS: &[(&str, &str)] = &[
    ("WET", "Europe/Lisbon"),
    ("WEST", "Europe/Lisbon"),
    ("BST", "Europe/London"),
    ("CET", "Europe/Paris"),
    ("CEST", "Europe/Paris"),
    ("EET", "Europe/Athens"),
    ("EEST", "Europe/Athens"),
    ("MSK", "Europe/Moscow"),
    ("JST", "Asia/Tokyo"),
    ("KST", "Asia/Seoul"),
    ("AEST", "Australia/Sydney"),
    ("AEDT", "Australia/Sydney"),
    ("AST", "America/Halifax"),
    ("ADT", "America/Halifax"),
    ("EST", "America/New_York"),
    ("EDT", "America/New_York"),
    ("CST", "America/Chicago"),
    ("CDT", "America/Chicago"),
    ("MST", "America/Denver"),
    ("MDT", "America/Denver"),
    ("PST", "America/Los_Angeles"),
    ("PDT", "America/Los_Angeles"),
    ("AKST", "America/Anchorage"),
    ("AKDT", "America/Anchorage"),
    ("HST", "Pacific/Honolulu"),
];

/// The zone of a name, in exactly these letters.
fn named_zone(name: &str) -> Option<Zone> {
    for universal in ["UTC", "GMT", "UT", "Z", ""] {
        match name.strip_prefix(universal) {
            Some("") => return Some(Zone::Fixed { seconds: 0 }).filter(|_| !name.is_empty()),
            // Behind a name the minutes must be there.
            Some(rest) if rest.starts_with(['+', '-']) && universal != "Z" => {
                let whole = universal.is_empty() || rest.contains(':');
                let seconds = offset(rest).filter(|_| whole)?;
                return Some(Zone::Fixed { seconds });
            }
            _ => {}
        }
    }
    let place = ABBREVIATIONS.iter().find(|(known, _)| *known == name);
    let name = place.map_or(name, |(_, place)| place);
    if name.len() > ZONE_NAME_BYTES_MAX {
        return None;
    }
    // The bundled database: what a literal means must not depend on the files of one machine.
    let zone = TimeZoneDatabase::bundled().get(name).ok()?;
    (zone.iana_name() == Some(name)).then_some(Zone::Named(zone))
}

/// No name of a zone is longer.
const ZONE_NAME_BYTES_MAX: usize = 64;

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
            ("2011-02-03 4:5", MINUTE),
            ("2011-02-03 04:05+0000", MINUTE),
            ("2011-02-03 04:05:00", MINUTE),
            ("2011-02-03 04:05:06.007", MINUTE + 6007),
            ("2011-02-03T04:05:06.007Z", MINUTE + 6007),
            ("2011-02-03 04:05:06.5", MINUTE + 6500),
            ("2011-02-03 04:05:06.", MINUTE + 6000),
            ("2011-02-03 04:05:06.12", MINUTE + 6120),
            ("2011-02-03T04:05:06.123999999Z", MINUTE + 6123),
            ("1969-12-31T23:59:59.9999Z", -1),
            ("2011-02-03 24:00", 1_296_777_600_000),
            ("2011-02-31", 1_298_851_200_000),
            ("1900-02-29", -2_203_977_600_000),
            ("2011-02-03T04:05:00.000+01:00", MINUTE - 3_600_000),
            ("2011-02-03 04:05-0130", MINUTE + 5_400_000),
            ("2011-02-03 04:05+01", MINUTE - 3_600_000),
            ("2011-02-03 04:05 UTC", MINUTE),
            ("2011-02-03 04:05:00 PST", MINUTE + 8 * 3_600_000),
            ("2011-02-03 04:05 +0200", MINUTE - 2 * 3_600_000),
            ("2011-02-03 04:05 +01:00", MINUTE - 3_600_000),
            ("2011-02-03 04:05 GMT+01:00", MINUTE - 3_600_000),
            ("2011-02-03 04:05 UT+01:00", MINUTE - 3_600_000),
            ("2011-02-03 04:05 PDT", MINUTE + 8 * 3_600_000),
            ("2011-07-03 04:05 PST", 1_309_691_100_000),
            ("2011-07-03 04:05 WET", 1_309_662_300_000),
            ("2011-02-03 04:05 AEST", MINUTE - 11 * 3_600_000),
            ("2011-02-03 04:05 Japan", MINUTE - 9 * 3_600_000),
            ("2011-02-03+18:00", 1_296_626_400_000),
            ("+10000-01-01", 253_402_300_800_000),
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
            "2011-2-3",
            "2011-02-32",
            "2011-00-01",
            "2011-13-01",
            "999-01-01",
            "+2011-01-01",
            "10000-01-01",
            "-0000-01-01",
            "2011-02-03 24:01",
            "2011-02-03 04:05:60",
            "2011-02-03 04:60",
            "2011-02-03 04",
            "2011-02-03 04:05:06.1234567890",
            "2011-02-03 04:05z",
            "2011-02-03 04:05 utc",
            "2011-02-03 04:05 europe/paris",
            "2011-02-03 04:05 GMT+1:00",
            "2011-02-03 04:05 GMT+0100",
            "2011-02-03 04:05+18:01",
            "2011-02-03 04:05+0060",
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
            let message = format!("Unable to parse a date/time from '{input}'");
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
