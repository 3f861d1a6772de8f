//! The time in front of each log line, by the node's own wall clock.

use std::fmt;

use base::env::Env;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;

/// Writes `2026-01-31T23:59:59.123456Z`.
#[derive(Clone)]
pub struct LogTime(pub Env);

impl FormatTime for LogTime {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        write_utc(writer, self.0.wall_micros())
    }
}

const DAY_MICROS: i64 = 24 * 60 * 60 * 1_000_000;

fn write_utc(out: &mut impl fmt::Write, micros: i64) -> fmt::Result {
    let (year, month, day) = date(micros.div_euclid(DAY_MICROS));
    let of_day = micros.rem_euclid(DAY_MICROS);
    let (seconds, fraction) = (of_day / 1_000_000, of_day % 1_000_000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    write!(
        out,
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction:06}Z"
    )
}

/// The Gregorian date of a day counted from 1970-01-01.
///
/// Years begin in March, so that a leap day is the last of its year; 400 such years, an era, have 146,097 days.
fn date(day: i64) -> (i64, i64, i64) {
    const ERA_DAYS: i64 = 146_097;
    // From 0000-03-01 to 1970-01-01.
    let day = day + 719_468;
    let (era, of_era) = (day.div_euclid(ERA_DAYS), day.rem_euclid(ERA_DAYS));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // Months from March on have 153 days in each five.
    let month_from_march = (5 * of_year + 2) / 153;
    let day_of_month = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    (
        era * 400 + year_of_era + i64::from(month <= 2),
        month,
        day_of_month,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_as_utc() {
        let check = |micros: i64, expected: &str| {
            let mut text = String::new();
            write_utc(&mut text, micros).unwrap();
            assert_eq!(text, expected);
        };
        check(0, "1970-01-01T00:00:00.000000Z");
        check(-1, "1969-12-31T23:59:59.999999Z");
        check(951_782_400_000_000, "2000-02-29T00:00:00.000000Z");
        check(951_868_800_000_000, "2000-03-01T00:00:00.000000Z");
        check(1_767_225_599_123_456, "2025-12-31T23:59:59.123456Z");
        check(4_107_542_400_000_000, "2100-03-01T00:00:00.000000Z");
    }

    #[test]
    fn dates_follow_each_other() {
        let lengths = |year: i64| {
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            [
                31,
                if leap { 29 } else { 28 },
                31,
                30,
                31,
                30,
                31,
                31,
                30,
                31,
                30,
                31,
            ]
        };
        let mut day = 0;
        for year in 1970..2405 {
            for (index, length) in lengths(year).into_iter().enumerate() {
                for of_month in 1..=length {
                    assert_eq!(date(day), (year, index as i64 + 1, of_month));
                    day += 1;
                }
            }
        }
    }
}
