//! Which options each compaction strategy has, and which values they take. The messages are Cassandra's, which words
//! the same mistake differently from strategy to strategy.

use std::collections::BTreeMap;

use super::{PACKAGE, Strategy};
use crate::Error;

/// Says what is wrong with the value of an option.
type Check = fn(name: &str, value: &str) -> Result<(), String>;

const COMMON: &[(&str, Check)] = &[
    ("enabled", boolean),
    ("log_all", |name, value| {
        boolean_or(value, || {
            format!("'{name}' should either be 'true' or 'false', not {value}")
        })
    }),
    ("only_purge_repaired_tombstones", anything),
    ("provide_overlapping_tombstones", overlap),
    ("tombstone_compaction_interval", |name, value| {
        at_least(0, integer(name, value)?, |number| {
            format!("{name} must be greater than 0, but was {number}")
        })
    }),
    ("tombstone_threshold", share),
    ("unchecked_tombstone_compaction", |name, value| {
        boolean_or(value, || {
            format!("'{name}' should be either 'true' or 'false', not '{value}'")
        })
    }),
];
const THRESHOLDS: &[(&str, Check)] = &[("max_threshold", threshold), ("min_threshold", threshold)];
/// What the strategies share that fall back on size tiers.
const BUCKETS: &[(&str, Check)] = &[
    ("bucket_high", number),
    ("bucket_low", number),
    ("min_sstable_size", |name, value| {
        at_least(0, integer(name, value)?, |number| {
            format!("{name} must be non negative: {number}")
        })
    }),
];
const LEVELED: &[(&str, Check)] = &[
    ("fanout_size", level),
    ("single_sstable_uplevel", anything),
    ("sstable_size_in_mb", level),
];
const TIME_WINDOW: &[(&str, Check)] = &[
    ("compaction_window_size", |name, value| {
        at_least(1, int(name, value)?.into(), |number| {
            format!("{number} must be greater than 1 for {name}")
        })
    }),
    ("compaction_window_unit", |name, value| {
        word(name, value, &["MINUTES", "HOURS", "DAYS"])
    }),
    ("expired_sstable_check_frequency_seconds", |name, value| {
        at_least(0, integer(name, value)?, |number| {
            format!("{name} must not be negative, but was {number}")
        })
    }),
    ("timestamp_resolution", |name, value| {
        let units = ["SECONDS", "MILLISECONDS", "MICROSECONDS", "NANOSECONDS"];
        word(name, value, &units)
    }),
    ("unsafe_aggressive_sstable_expiration", |name, value| {
        boolean_or(value, || {
            format!("{name} is not 'true' or 'false' ({value})")
        })
    }),
];
const UNIFIED: &[(&str, Check)] = &[
    ("base_shard_count", |name, value| {
        positive(name, int(name, value)?.into())
    }),
    ("expired_sstable_check_frequency_seconds", |name, value| {
        let number = value.parse();
        positive(
            name,
            number.map_err(|_| format!("{value} is not a parsable long (base10) for {name}"))?,
        )
    }),
    ("flush_size_override", large_size),
    ("max_sstables_to_compact", |name, value| {
        int(name, value).map(drop)
    }),
    ("min_sstable_size", small_size),
    ("overlap_inclusion_method", inclusion),
    ("scaling_parameters", scaling),
    ("sstable_growth", growth),
    (TARGET_SIZE, large_size),
    ("unsafe_aggressive_sstable_expiration", boolean),
];

const TARGET_SIZE: &str = "target_sstable_size";

const MIB: f64 = 1_048_576.0;

/// Refuses options that the strategy does not have, or not with these values.
pub(super) fn check(strategy: Strategy, given: &BTreeMap<String, String>) -> Result<(), Error> {
    let own: [&[(&str, Check)]; 3] = match strategy {
        Strategy::SizeTiered => [THRESHOLDS, BUCKETS, &[]],
        Strategy::Leveled => [THRESHOLDS, BUCKETS, LEVELED],
        Strategy::TimeWindow => [THRESHOLDS, BUCKETS, TIME_WINDOW],
        Strategy::Unified => [&[], &[], UNIFIED],
    };
    let mut unknown = Vec::new();
    for (name, value) in given {
        let mut known = own.into_iter().flatten().chain(COMMON);
        match known.find(|(option, _)| option == name) {
            Some((_, check)) => check(name, value).map_err(Error::config)?,
            None => unknown.push(name.as_str()),
        }
    }
    if unknown.is_empty() {
        return check_sizes(strategy, given).map_err(Error::config);
    }
    Err(Error::config(format!(
        "Properties specified [{}] are not understood by {}",
        unknown.join(", "),
        strategy.class().strip_prefix(PACKAGE).unwrap_or_default()
    )))
}

/// With unified compaction the smallest file has to be well below the usual one.
fn check_sizes(strategy: Strategy, given: &BTreeMap<String, String>) -> Result<(), String> {
    let size = |name| given.get(name).and_then(|text| size_bytes(text).ok());
    let Some(min) = size("min_sstable_size").filter(|_| strategy == Strategy::Unified) else {
        return Ok(());
    };
    let target = size(TARGET_SIZE).unwrap_or(1024.0 * MIB);
    if min < target * 0.7 {
        return Ok(());
    }
    Err(format!(
        "Invalid configuration, min_sstable_size ({}) should be less than 70% of the targetSSTableSize ({})",
        size_text(min),
        size_text(target)
    ))
}

/// For what Cassandra does not look at.
fn anything(_: &str, _: &str) -> Result<(), String> {
    Ok(())
}

fn boolean(name: &str, value: &str) -> Result<(), String> {
    boolean_or(value, || {
        format!("{name} should either be 'true' or 'false', not {value}")
    })
}

fn boolean_or(value: &str, text: impl FnOnce() -> String) -> Result<(), String> {
    let is_boolean = ["true", "false"]
        .iter()
        .any(|word| value.eq_ignore_ascii_case(word));
    if is_boolean { Ok(()) } else { Err(text()) }
}

fn int(name: &str, value: &str) -> Result<i32, String> {
    value.parse().map_err(|_| no_int(name, value))
}

fn integer(name: &str, value: &str) -> Result<i64, String> {
    value.parse().map_err(|_| no_int(name, value))
}

fn no_int(name: &str, value: &str) -> String {
    format!("{value} is not a parsable int (base10) for {name}")
}

fn at_least(least: i64, number: i64, text: impl FnOnce(i64) -> String) -> Result<(), String> {
    if number >= least {
        Ok(())
    } else {
        Err(text(number))
    }
}

fn positive(name: &str, number: i64) -> Result<(), String> {
    at_least(1, number, |number| {
        format!("Invalid configuration, {name} should be positive: {number}")
    })
}

fn level(name: &str, value: &str) -> Result<(), String> {
    at_least(1, int(name, value)?.into(), |number| {
        format!("{name} must be larger than 0, but was {number}")
    })
}

fn threshold(name: &str, value: &str) -> Result<(), String> {
    if value.parse::<i32>().is_ok_and(|number| number >= 0) {
        return Ok(());
    }
    Err(format!(
        "Invalid value {value} for '{name}' compaction sub-option - must be an integer"
    ))
}

fn share(name: &str, value: &str) -> Result<(), String> {
    match value.parse::<f32>() {
        Ok(number) if number >= 0.0 => Ok(()),
        Ok(number) if number < 0.0 => Err(format!(
            "{name} must be greater than 0, but was {number:.6}"
        )),
        _ => Err(no_int(name, value)),
    }
}

fn number(name: &str, value: &str) -> Result<(), String> {
    match value.parse::<f64>() {
        Ok(number) if !number.is_nan() => Ok(()),
        _ => Err(format!("{value} is not a parsable float for {name}")),
    }
}

fn word(name: &str, value: &str, words: &[&str]) -> Result<(), String> {
    if words.contains(&value) {
        return Ok(());
    }
    Err(format!("{value} is not valid for {name}"))
}

fn overlap(name: &str, value: &str) -> Result<(), String> {
    let value = value.to_ascii_uppercase();
    if ["NONE", "ROW", "CELL"].contains(&value.as_str()) {
        return Ok(());
    }
    Err(format!(
        "Invalid value {value} for '{name}' compaction sub-option - must be one of the following [NONE, ROW, CELL]."
    ))
}

fn inclusion(_: &str, value: &str) -> Result<(), String> {
    if ["NONE", "SINGLE", "TRANSITIVE"].contains(&value.to_ascii_uppercase().as_str()) {
        return Ok(());
    }
    Err(format!(
        "Invalid overlap inclusion method {value}. The valid options are [NONE, SINGLE, TRANSITIVE]."
    ))
}

fn growth(name: &str, value: &str) -> Result<(), String> {
    match value.parse::<f64>() {
        Ok(growth) if (0.0..=1.0).contains(&growth) => Ok(()),
        Ok(_) => Err(format!("{name} {value} must be between 0 and 1")),
        Err(_) => Err(format!(
            "{name} is not a valid number between 0 and 1: For input string: \"{value}\""
        )),
    }
}

/// A size of at least 1 MiB.
fn large_size(name: &str, value: &str) -> Result<(), String> {
    match size_bytes(value) {
        Ok(bytes) if bytes >= MIB => Ok(()),
        Ok(_) => Err(format!(
            "{name} {value} is not acceptable, size must be at least {}",
            size_text(MIB)
        )),
        Err(reason) => Err(format!(
            "{name} {value} is not a valid size in bytes: {reason}"
        )),
    }
}

fn small_size(name: &str, value: &str) -> Result<(), String> {
    match size_bytes(value) {
        Ok(bytes) if bytes >= 0.0 => Ok(()),
        Ok(_) => Err(format!(
            "Invalid configuration, {name} should be greater than or equal to 0 (zero)"
        )),
        Err(_) => Err(format!("{value} is not a valid size in bytes for {name}")),
    }
}

/// The bytes of a size such as `1.5 GiB`, or what is wrong with it.
fn size_bytes(text: &str) -> Result<f64, String> {
    let Some(rest) = text.strip_suffix('B') else {
        return Err(format!("{text} does not end in unit B"));
    };
    let (rest, base) = match rest.strip_suffix('i') {
        Some(rest) => (rest, 1024.0_f64),
        None => (rest, 1000.0),
    };
    let prefix = rest.chars().last().and_then(|letter| "KMGTPE".find(letter));
    let (digits, power) = match prefix {
        Some(prefix) => (&rest[..rest.len() - 1], prefix as i32 + 1),
        None => (rest, 0),
    };
    if let Ok(number) = digits.trim_end().parse::<f64>() {
        return Ok(number * base.powi(power));
    }
    let is_digit = |letter: char| letter.is_ascii_digit() || ".-+".contains(letter);
    let end = text.find(|letter| !is_digit(letter)).unwrap_or(text.len());
    Err(match end {
        0 => "null".to_owned(),
        _ => format!(
            "Unexpected characters between pos {end} and {} in {text}",
            text.len() - 1
        ),
    })
}

/// A size in the largest unit in which it is one or more.
fn size_text(bytes: f64) -> String {
    let units = [
        ("TiB", MIB * MIB),
        ("GiB", MIB * 1024.0),
        ("MiB", MIB),
        ("KiB", 1024.0),
    ];
    match units.iter().find(|(_, unit)| bytes >= *unit) {
        Some((name, unit)) => format!("{:.3}{name}", bytes / unit),
        None => format!("{bytes:.3}B"),
    }
}

/// `T4, L10, N, 2`: a parameter for each level, the last one for all below.
fn scaling(_: &str, value: &str) -> Result<(), String> {
    let value = if value.contains(|letter| letter != ',') {
        value.trim_end_matches(',')
    } else {
        value
    };
    value
        .split(',')
        .try_for_each(|part| scaling_parameter(part.trim()))
}

fn scaling_parameter(part: &str) -> Result<(), String> {
    let fan = part
        .strip_prefix(['T', 'L'])
        .filter(|digits| !digits.starts_with(['+', '-']));
    match fan.map(str::parse::<u32>) {
        Some(Ok(2..)) => Ok(()),
        Some(Ok(_)) => Err(format!("Fan factor cannot be lower than 2 in {part}")),
        None if part == "N" || part.parse::<i32>().is_ok() => Ok(()),
        _ => Err(format!(
            "Scaling parameter {part} must match N|L[0-9]+|T[0-9]+|[+-]?[0-9]+"
        )),
    }
}
