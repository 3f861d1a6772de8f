//! `duration`: months, days and nanoseconds, each a zigzag vint, all of one sign.
//!
//! The three do not convert into each other, so durations have no order. Text comes in three notations: units
//! (`1y2mo3w4d5h6m7s8ms9us10ns`), ISO 8601 (`P1Y2M3DT4H5M6S`, `P2W`) and its alternative (`P0001-02-03T04:05:06`),
//! each with an optional minus in front.

use crate::{Error, vector};

/// A duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Duration {
    /// Months.
    pub months: i32,
    /// Days.
    pub days: i32,
    /// Nanoseconds.
    pub nanos: i64,
}

/// What one unit counts towards.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    Months,
    Days,
    Nanos,
}

struct Unit {
    symbol: &'static str,
    name: &'static str,
    part: Part,
    each: i64,
}

/// From the largest to the smallest, the order in which they must be written.
const UNITS: [Unit; 10] = [
    Unit {
        symbol: "y",
        name: "years",
        part: Part::Months,
        each: 12,
    },
    Unit {
        symbol: "mo",
        name: "months",
        part: Part::Months,
        each: 1,
    },
    Unit {
        symbol: "w",
        name: "weeks",
        part: Part::Days,
        each: 7,
    },
    Unit {
        symbol: "d",
        name: "days",
        part: Part::Days,
        each: 1,
    },
    Unit {
        symbol: "h",
        name: "hours",
        part: Part::Nanos,
        each: 3_600_000_000_000,
    },
    Unit {
        symbol: "m",
        name: "minutes",
        part: Part::Nanos,
        each: 60_000_000_000,
    },
    Unit {
        symbol: "s",
        name: "seconds",
        part: Part::Nanos,
        each: 1_000_000_000,
    },
    Unit {
        symbol: "ms",
        name: "milliseconds",
        part: Part::Nanos,
        each: 1_000_000,
    },
    Unit {
        symbol: "us",
        name: "microseconds",
        part: Part::Nanos,
        each: 1000,
    },
    Unit {
        symbol: "ns",
        name: "nanoseconds",
        part: Part::Nanos,
        each: 1,
    },
];
const YEARS: usize = 0;
const MONTHS: usize = 1;
const WEEKS: usize = 2;
const DAYS: usize = 3;
const HOURS: usize = 4;
const MINUTES: usize = 5;
const SECONDS: usize = 6;

/// Judges the bytes of a `duration`.
pub fn validate(value: &[u8]) -> Result<(), Error> {
    read_checked(value).map(|_| ())
}

/// Reads a `duration`.
pub fn read(value: &[u8]) -> Option<Duration> {
    read_checked(value).ok()
}

fn read_checked(value: &[u8]) -> Result<Duration, Error> {
    let too_short = || {
        Error::value(format!(
            "Expected at least 3 bytes for a duration ({})",
            value.len()
        ))
    };
    if value.len() < 3 {
        return Err(too_short());
    }
    let mut rest = value;
    let mut next = || {
        vector::take_vint(&mut rest)
            .map(zigzag_decode)
            .ok_or_else(too_short)
    };
    let (months, days, nanos) = (next()?, next()?, next()?);
    if !rest.is_empty() {
        return Err(Error::value(
            "Unexpected extraneous bytes after duration value",
        ));
    }
    let int = |name: &str, number: i64| {
        let text = || format!("The duration {name} must be a 32 bits integer but was: {number}");
        i32::try_from(number).map_err(|_| Error::value(text()))
    };
    let duration = Duration {
        months: int("months", months)?,
        days: int("days", days)?,
        nanos,
    };
    if (months > 0 || days > 0 || nanos > 0) && (months < 0 || days < 0 || nanos < 0) {
        return Err(Error::value(format!(
            "The duration months, days and nanoseconds must be all of the same sign ({months}, {days}, {nanos})"
        )));
    }
    Ok(duration)
}

fn zigzag_encode(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)) as u64
}

fn zigzag_decode(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

impl Duration {
    /// The bytes.
    pub fn write(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(12);
        for number in [self.months.into(), self.days.into(), self.nanos] {
            vector::put_vint(&mut out, zigzag_encode(number));
        }
        out
    }

    /// The text in units, largest first, without weeks, as Cassandra prints it. The zero duration has no units.
    pub fn text(&self) -> String {
        let mut text = String::new();
        if self.months < 0 || self.days < 0 || self.nanos < 0 {
            text.push('-');
        }
        for part in [Part::Months, Part::Days, Part::Nanos] {
            let mut rest = match part {
                Part::Months => u64::from(self.months.unsigned_abs()),
                Part::Days => u64::from(self.days.unsigned_abs()),
                Part::Nanos => self.nanos.unsigned_abs(),
            };
            for unit in UNITS
                .iter()
                .filter(|unit| unit.part == part && unit.name != "weeks")
            {
                let each = unit.each.unsigned_abs();
                if rest >= each {
                    text += &format!("{}{}", rest / each, unit.symbol);
                    rest %= each;
                }
            }
        }
        text
    }

    /// Reads any of the notations. The error is Cassandra's text.
    pub fn parse(text: &str) -> Result<Duration, String> {
        let (negative, source) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let mut builder = Builder {
            source,
            total: Duration::default(),
            last: None,
        };
        match source.strip_prefix('P') {
            Some(iso) if source.contains('-') => builder.alternative(iso)?,
            Some(iso) => builder.iso(iso)?,
            None => builder.units(source)?,
        }
        let Duration {
            months,
            days,
            nanos,
        } = builder.total;
        Ok(if negative {
            Duration {
                months: -months,
                days: -days,
                nanos: -nanos,
            }
        } else {
            builder.total
        })
    }
}

struct Builder<'a> {
    source: &'a str,
    total: Duration,
    last: Option<usize>,
}

impl Builder<'_> {
    fn unreadable(&self) -> String {
        format!("Unable to convert '{}' to a duration", self.source)
    }

    fn add(&mut self, index: usize, count: i64) -> Result<(), String> {
        let unit = &UNITS[index];
        match self.last {
            Some(last) if last == index => {
                return Err(format!(
                    "Invalid duration. The {} are specified multiple times",
                    unit.name
                ));
            }
            Some(last) if last > index => {
                return Err(format!(
                    "Invalid duration. The {} should be after {}",
                    UNITS[last].name, unit.name
                ));
            }
            _ => self.last = Some(index),
        }
        let total = &mut self.total;
        let fits = match unit.part {
            Part::Months => add_int(&mut total.months, count, unit.each),
            Part::Days => add_int(&mut total.days, count, unit.each),
            Part::Nanos => {
                let sum = count
                    .checked_mul(unit.each)
                    .and_then(|more| total.nanos.checked_add(more));
                sum.map(|sum| total.nanos = sum)
            }
        };
        // Cassandra names this limit for nanoseconds too.
        fits.ok_or_else(|| {
            let name = match unit.part {
                Part::Months => "months",
                Part::Days => "days",
                Part::Nanos => "nanoseconds",
            };
            format!(
                "Invalid duration. The total number of {name} must be less or equal to {}",
                i32::MAX
            )
        })
    }

    fn number(&self, digits: &str) -> Result<i64, String> {
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        if plain {
            digits.parse().map_err(|_| self.unreadable())
        } else {
            Err(self.unreadable())
        }
    }

    /// `1y2mo3w4d5h6m7s8ms9us10ns`, any case, `µs` too.
    fn units(&mut self, text: &str) -> Result<(), String> {
        let mut rest = text;
        if rest.is_empty() {
            return Err(self.unreadable());
        }
        while !rest.is_empty() {
            let len = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (digits, tail) = rest.split_at(len);
            let len = tail
                .bytes()
                .take_while(|byte| !byte.is_ascii_digit())
                .count();
            let (symbol, tail) = tail.split_at(len);
            let symbol = symbol.to_lowercase().replace('µ', "u");
            let index = UNITS
                .iter()
                .position(|unit| unit.symbol == symbol)
                .ok_or_else(|| self.unreadable())?;
            self.add(index, self.number(digits)?)?;
            rest = tail;
        }
        Ok(())
    }

    /// `nYnMnDTnHnMnS` or `nW`.
    fn iso(&mut self, text: &str) -> Result<(), String> {
        if let Some(weeks) = text.strip_suffix('W') {
            return self.add(WEEKS, self.number(weeks)?);
        }
        let (date, time) = match text.split_once('T') {
            Some((date, time)) => (date, time),
            None => (text, ""),
        };
        self.designators(date, &[('Y', YEARS), ('M', MONTHS), ('D', DAYS)])?;
        self.designators(time, &[('H', HOURS), ('M', MINUTES), ('S', SECONDS)])
    }

    fn designators(&mut self, text: &str, known: &[(char, usize)]) -> Result<(), String> {
        let mut rest = text;
        let mut known = known.iter();
        while !rest.is_empty() {
            let len = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (digits, tail) = rest.split_at(len);
            let mut chars = tail.chars();
            let letter = chars.next().ok_or_else(|| self.unreadable())?;
            // Searching on from the last hit makes a repeated or misplaced letter unreadable, as in Cassandra.
            let (_, index) = known
                .find(|(known, _)| *known == letter)
                .ok_or_else(|| self.unreadable())?;
            self.add(*index, self.number(digits)?)?;
            rest = chars.as_str();
        }
        Ok(())
    }

    /// `yyyy-MM-ddThh:mm:ss`, every field of its full width.
    fn alternative(&mut self, text: &str) -> Result<(), String> {
        const FIELDS: [(usize, &str, usize); 6] = [
            (YEARS, "-", 4),
            (MONTHS, "-", 2),
            (DAYS, "T", 2),
            (HOURS, ":", 2),
            (MINUTES, ":", 2),
            (SECONDS, "", 2),
        ];
        let mut rest = text;
        for (index, separator, width) in FIELDS {
            let (digits, tail) = rest
                .split_at_checked(width)
                .ok_or_else(|| self.unreadable())?;
            rest = tail
                .strip_prefix(separator)
                .ok_or_else(|| self.unreadable())?;
            self.add(index, self.number(digits)?)?;
        }
        if rest.is_empty() {
            Ok(())
        } else {
            Err(self.unreadable())
        }
    }
}

fn add_int(total: &mut i32, count: i64, each: i64) -> Option<()> {
    let sum = count.checked_mul(each)?.checked_add(i64::from(*total))?;
    *total = i32::try_from(sum).ok()?;
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NANOS: i64 = 5 * 3_600_000_000_000 + 6 * 60_000_000_000 + 7_008_009_010;

    #[test]
    fn reads_three_notations() {
        for (input, months, days, nanos) in [
            ("1y2mo3w4d5h6m7s8ms9us10ns", 14, 25, NANOS),
            ("1Y2MO3W4D5H6M7S8MS9US10NS", 14, 25, NANOS),
            ("9µs", 0, 0, 9000),
            ("-1mo", -1, 0, 0),
            ("P1Y2M3DT4H5M6S", 14, 3, 14_706_000_000_000),
            ("P1Y", 12, 0, 0),
            ("PT1M", 0, 0, 60_000_000_000),
            ("P2M", 2, 0, 0),
            ("P3W", 0, 21, 0),
            ("-P2D", 0, -2, 0),
            ("P0001-02-03T04:05:06", 14, 3, 14_706_000_000_000),
            ("-P0000-00-00T00:00:01", 0, 0, -1_000_000_000),
            ("0s", 0, 0, 0),
            ("2147483647mo", i32::MAX, 0, 0),
            ("9223372036854775807ns", 0, 0, i64::MAX),
        ] {
            let expected = Duration {
                months,
                days,
                nanos,
            };
            assert_eq!(Duration::parse(input), Ok(expected), "{input}");
            assert_eq!(read(&expected.write()), Some(expected));
        }
    }

    #[test]
    fn refuses_in_cassandras_words() {
        for (input, message) in [
            ("", "Unable to convert '' to a duration"),
            ("5", "Unable to convert '5' to a duration"),
            ("-5", "Unable to convert '5' to a duration"),
            ("1x", "Unable to convert '1x' to a duration"),
            ("P1Y-2M", "Unable to convert 'P1Y-2M' to a duration"),
            ("P1M1Y", "Unable to convert 'P1M1Y' to a duration"),
            ("P1H", "Unable to convert 'P1H' to a duration"),
            ("PY", "Unable to convert 'PY' to a duration"),
            (
                "P0001-2-03T04:05:06",
                "Unable to convert 'P0001-2-03T04:05:06' to a duration",
            ),
            (
                "P0001-02-03T04:05:06Z",
                "Unable to convert 'P0001-02-03T04:05:06Z' to a duration",
            ),
            ("1d1y", "Invalid duration. The days should be after years"),
            (
                "1d1d",
                "Invalid duration. The days are specified multiple times",
            ),
            (
                "2147483648mo",
                "Invalid duration. The total number of months must be less or equal to 2147483647",
            ),
            (
                "9223372036854775807s",
                "Invalid duration. The total number of nanoseconds must be less or equal to 2147483647",
            ),
        ] {
            assert_eq!(Duration::parse(input), Err(message.into()), "{input}");
        }
    }

    #[test]
    fn prints_in_units() {
        for (input, expected) in [
            ("P1Y2M3W", None),
            ("14mo25d18367008009010ns", Some("1y2mo25d5h6m7s8ms9us10ns")),
            ("-P1W", Some("-7d")),
        ] {
            assert_eq!(
                Duration::parse(input)
                    .ok()
                    .map(|duration| duration.text())
                    .as_deref(),
                expected,
                "{input}"
            );
        }
        let least = Duration {
            months: i32::MIN,
            days: i32::MIN,
            nanos: i64::MIN,
        };
        assert_eq!(
            least.text(),
            "-178956970y8mo2147483648d2562047h47m16s854ms775us808ns"
        );
    }

    #[test]
    fn judges_bytes() {
        let bytes = |numbers: [i64; 3]| {
            let mut out = Vec::new();
            numbers
                .iter()
                .for_each(|number| vector::put_vint(&mut out, zigzag_encode(*number)));
            out
        };
        assert_eq!(bytes([1, -1, 64]), [2, 1, 0x80, 0x80]);
        for (value, message) in [
            (vec![0, 0], "Expected at least 3 bytes for a duration (2)"),
            (
                bytes([1 << 31, 0, 0]),
                "The duration months must be a 32 bits integer but was: 2147483648",
            ),
            (
                bytes([0, 1 << 31, 0]),
                "The duration days must be a 32 bits integer but was: 2147483648",
            ),
            (
                bytes([1, -1, 0]),
                "The duration months, days and nanoseconds must be all of the same sign (1, -1, 0)",
            ),
        ] {
            assert_eq!(validate(&value), Err(Error::value(message)));
        }
    }
}
