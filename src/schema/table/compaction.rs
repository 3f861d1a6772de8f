//! The `compaction` option: which strategy merges a table's files, with the strategy's own options.
//!
//! The class may be given short or with its package; it is shown with its package. Options are kept as text, since
//! that is how they are written, stored and shown; [`Compaction::number`] reads one for the strategy that uses it.
//! Each is checked here when the statement comes; where a stored one does not parse, a strategy takes its default.

use std::collections::BTreeMap;

use crate::Error;

const PACKAGE: &str = "org.apache.cassandra.db.compaction.";

/// The `compaction` option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compaction {
    /// The strategy.
    pub strategy: Strategy,
    /// Its options, `class` aside.
    pub options: BTreeMap<String, String>,
}

/// Cassandra's strategies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// `SizeTieredCompactionStrategy`
    SizeTiered,
    /// `LeveledCompactionStrategy`
    Leveled,
    /// `TimeWindowCompactionStrategy`
    TimeWindow,
    /// `UnifiedCompactionStrategy`
    Unified,
}

impl Strategy {
    /// The class, with its package.
    pub fn class(self) -> String {
        let name = match self {
            Strategy::SizeTiered => "SizeTieredCompactionStrategy",
            Strategy::Leveled => "LeveledCompactionStrategy",
            Strategy::TimeWindow => "TimeWindowCompactionStrategy",
            Strategy::Unified => "UnifiedCompactionStrategy",
        };
        format!("{PACKAGE}{name}")
    }

    fn parse(class: &str) -> Result<Strategy, Error> {
        match class.strip_prefix(PACKAGE).unwrap_or(class) {
            "SizeTieredCompactionStrategy" => Ok(Strategy::SizeTiered),
            "LeveledCompactionStrategy" => Ok(Strategy::Leveled),
            "TimeWindowCompactionStrategy" => Ok(Strategy::TimeWindow),
            "UnifiedCompactionStrategy" => Ok(Strategy::Unified),
            name => {
                let class = if name.contains('.') {
                    name.to_owned()
                } else {
                    format!("{PACKAGE}{name}")
                };
                Err(Error::config(format!(
                    "Unable to find compaction strategy class '{class}'"
                )))
            }
        }
    }

    fn has_thresholds(self) -> bool {
        self != Strategy::Unified
    }

    fn options(self) -> &'static [(&'static str, Check)] {
        match self {
            Strategy::SizeTiered => SIZE_TIERED,
            Strategy::Leveled => LEVELED,
            Strategy::TimeWindow => TIME_WINDOW,
            Strategy::Unified => UNIFIED,
        }
    }
}

/// What the value of an option has to be.
#[derive(Clone, Copy)]
enum Check {
    /// `true` or `false`, in these words if not.
    Boolean(fn(&str, &str) -> String),
    /// Nothing but digits.
    Threshold,
    /// An integer, at least the first, in these words if less.
    Integer(i64, fn(&str, i64) -> String),
    /// A number of at least zero.
    Share,
    /// A number of at least the first, at most the second.
    Number(f64, f64),
    /// One of these words, in this case.
    Word(&'static [&'static str]),
    /// `NONE`, `ROW` or `CELL`, in any case.
    Overlap,
    /// A size such as `100MiB`.
    Size,
    /// Scaling parameters such as `T4, L10, N, 2`.
    Scaling,
}

impl Check {
    /// The usual words for what is neither true nor false; three options have words of their own.
    const BOOLEAN: Check = Check::Boolean(|name, value| {
        format!("'{name}' should be either 'true' or 'false', not '{value}'")
    });
    const LOG_ALL: Check = Check::Boolean(|name, value| {
        format!("'{name}' should either be 'true' or 'false', not {value}")
    });
    const ENABLED: Check = Check::Boolean(|name, value| {
        format!("{name} should either be 'true' or 'false', not {value}")
    });
    const UNSAFE: Check =
        Check::Boolean(|name, value| format!("{name} is not 'true' or 'false' ({value})"));
    /// The words of the size-tiered options.
    const NATURAL: Check = Check::Integer(0, |name, number| {
        format!("{name} must be non negative: {number}")
    });
    const INTERVAL: Check = Check::Integer(0, |name, number| {
        format!("{name} must be greater than 0, but was {number}")
    });
    const FREQUENCY: Check = Check::Integer(0, |name, number| {
        format!("{name} must not be negative, but was {number}")
    });
    const WINDOW: Check = Check::Integer(1, |name, number| {
        format!("{number} must be greater than 1 for {name}")
    });
    const LEVEL: Check = Check::Integer(1, |name, number| {
        format!("{name} must be larger than 0, but was {number}")
    });
}

const COMMON: &[(&str, Check)] = &[
    ("enabled", Check::ENABLED),
    ("log_all", Check::LOG_ALL),
    ("only_purge_repaired_tombstones", Check::BOOLEAN),
    ("provide_overlapping_tombstones", Check::Overlap),
    ("tombstone_compaction_interval", Check::INTERVAL),
    ("tombstone_threshold", Check::Share),
    ("unchecked_tombstone_compaction", Check::BOOLEAN),
];
const THRESHOLDS: &[(&str, Check)] = &[
    ("max_threshold", Check::Threshold),
    ("min_threshold", Check::Threshold),
];
const SIZE_TIERED: &[(&str, Check)] = &[
    ("bucket_high", Check::Number(f64::MIN, f64::MAX)),
    ("bucket_low", Check::Number(f64::MIN, f64::MAX)),
    ("min_sstable_size", Check::NATURAL),
];
const LEVELED: &[(&str, Check)] = &[
    ("bucket_high", Check::Number(f64::MIN, f64::MAX)),
    ("bucket_low", Check::Number(f64::MIN, f64::MAX)),
    ("fanout_size", Check::LEVEL),
    ("min_sstable_size", Check::NATURAL),
    ("single_sstable_uplevel", Check::BOOLEAN),
    ("sstable_size_in_mb", Check::LEVEL),
];
const TIME_WINDOW: &[(&str, Check)] = &[
    ("bucket_high", Check::Number(f64::MIN, f64::MAX)),
    ("bucket_low", Check::Number(f64::MIN, f64::MAX)),
    ("compaction_window_size", Check::WINDOW),
    (
        "compaction_window_unit",
        Check::Word(&["MINUTES", "HOURS", "DAYS"]),
    ),
    ("expired_sstable_check_frequency_seconds", Check::FREQUENCY),
    ("min_sstable_size", Check::NATURAL),
    (
        "timestamp_resolution",
        Check::Word(&["SECONDS", "MILLISECONDS", "MICROSECONDS", "NANOSECONDS"]),
    ),
    ("unsafe_aggressive_sstable_expiration", Check::UNSAFE),
];
const UNIFIED: &[(&str, Check)] = &[
    ("base_shard_count", Check::LEVEL),
    ("expired_sstable_check_frequency_seconds", Check::FREQUENCY),
    ("flush_size_override", Check::Size),
    ("max_sstables_to_compact", Check::NATURAL),
    ("min_sstable_size", Check::Size),
    (
        "overlap_inclusion_method",
        Check::Word(&[
            "NONE",
            "SINGLE",
            "TRANSITIVE",
            "none",
            "single",
            "transitive",
        ]),
    ),
    ("parallelize_output_shards", Check::BOOLEAN),
    ("scaling_parameters", Check::Scaling),
    ("sstable_growth", Check::Number(0.0, 1.0)),
    ("target_sstable_size", Check::Size),
    ("unsafe_aggressive_sstable_expiration", Check::UNSAFE),
];

impl Default for Compaction {
    fn default() -> Compaction {
        Compaction {
            strategy: Strategy::SizeTiered,
            options: default_options(Strategy::SizeTiered),
        }
    }
}

impl Compaction {
    /// Whether the table's files are merged in the background.
    pub fn is_enabled(&self) -> bool {
        self.options
            .get("enabled")
            .is_none_or(|text| text.eq_ignore_ascii_case("true"))
    }

    /// An option as a number, or this default.
    pub fn number(&self, name: &str, default: f64) -> f64 {
        self.options
            .get(name)
            .and_then(|text| text.trim().parse().ok())
            .unwrap_or(default)
    }

    /// `min_threshold`: how many files it takes to merge them.
    pub fn threshold_min(&self) -> usize {
        self.number("min_threshold", 4.0) as usize
    }

    /// `max_threshold`: how many files are merged at once.
    pub fn threshold_max(&self) -> usize {
        self.number("max_threshold", 32.0) as usize
    }

    /// The option as it is written or stored: what its values mean is not looked at.
    pub(crate) fn parse(map: &BTreeMap<String, String>) -> Result<Compaction, Error> {
        let mut given = map.clone();
        let Some(class) = given.remove("class") else {
            return Err(Error::config(
                "Missing sub-option 'class' for the 'compaction' option",
            ));
        };
        let strategy = Strategy::parse(&class)?;
        let mut options = default_options(strategy);
        options.extend(given);
        Ok(Compaction { strategy, options })
    }

    /// Refuses options that the strategy does not have, or not with these values.
    pub(crate) fn check(&self) -> Result<(), Error> {
        check_options(self.strategy, &self.options)?;
        self.check_thresholds()?;
        self.check_buckets()
    }

    fn check_thresholds(&self) -> Result<(), Error> {
        if !self.strategy.has_thresholds() {
            return Ok(());
        }
        let (min, max) = (self.threshold_min(), self.threshold_max());
        if min == 0 || max == 0 {
            return Err(Error::config(
                "Disabling compaction by setting compaction thresholds to 0 has been removed, \
                 set the compaction option 'enabled' to false instead.",
            ));
        }
        if min < 2 {
            return Err(Error::config(format!(
                "Min compaction threshold cannot be less than 2 (got {min})"
            )));
        }
        if min > max {
            return Err(Error::config(format!(
                "Min compaction threshold (got {min}) cannot be greater than max compaction threshold (got {max})"
            )));
        }
        Ok(())
    }

    fn check_buckets(&self) -> Result<(), Error> {
        let (low, high) = (
            self.number("bucket_low", 0.5),
            self.number("bucket_high", 1.5),
        );
        if high <= low {
            return Err(Error::config(format!(
                "Bucket high value ({high:?}) is less than or equal bucket low value ({low:?})"
            )));
        }
        Ok(())
    }

    pub(crate) fn properties(&self) -> BTreeMap<String, String> {
        let mut map = self.options.clone();
        map.insert("class".to_owned(), self.strategy.class());
        map
    }
}

fn default_options(strategy: Strategy) -> BTreeMap<String, String> {
    if !strategy.has_thresholds() {
        return BTreeMap::new();
    }
    [("max_threshold", "32"), ("min_threshold", "4")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

fn check_options(strategy: Strategy, given: &BTreeMap<String, String>) -> Result<(), Error> {
    let thresholds = if strategy.has_thresholds() {
        THRESHOLDS
    } else {
        &[]
    };
    let mut unknown = Vec::new();
    for (name, value) in given {
        let mut known = COMMON.iter().chain(thresholds).chain(strategy.options());
        match known.find(|(option, _)| option == name) {
            Some((_, check)) => check_option(name, value, *check)?,
            None => unknown.push(name.as_str()),
        }
    }
    if unknown.is_empty() {
        return Ok(());
    }
    Err(Error::config(format!(
        "Properties specified [{}] are not understood by {}",
        unknown.join(", "),
        strategy.class().strip_prefix(PACKAGE).unwrap_or_default()
    )))
}

fn check_option(name: &str, value: &str, check: Check) -> Result<(), Error> {
    let no_integer = || format!("{value} is not a parsable int (base10) for {name}");
    match check {
        Check::Boolean(text) => match value.to_ascii_lowercase().as_str() {
            "true" | "false" => Ok(()),
            _ => Err(Error::config(text(name, value))),
        },
        Check::Threshold if value.parse::<i32>().is_ok_and(|number| number >= 0) => Ok(()),
        Check::Threshold => Err(Error::config(format!(
            "Invalid value {value} for '{name}' compaction sub-option - must be an integer"
        ))),
        Check::Integer(least, text) => match value.parse::<i64>() {
            Ok(number) if number >= least => Ok(()),
            Ok(number) => Err(Error::config(text(name, number))),
            Err(_) => Err(Error::config(no_integer())),
        },
        Check::Share => match value.parse::<f32>() {
            Ok(number) if number >= 0.0 => Ok(()),
            Ok(number) => Err(Error::config(format!(
                "{name} must be greater than 0, but was {number:.6}"
            ))),
            Err(_) => Err(Error::config(no_integer())),
        },
        Check::Overlap => match value.to_ascii_uppercase().as_str() {
            "NONE" | "ROW" | "CELL" => Ok(()),
            other => Err(Error::config(format!(
                "Invalid value {other} for '{name}' compaction sub-option - \
                 must be one of the following [NONE, ROW, CELL]."
            ))),
        },
        Check::Number(least, most) => match value.parse::<f64>() {
            Ok(number) if number >= least && number <= most => Ok(()),
            Ok(number) => Err(Error::config(format!(
                "{name} must be between {least} and {most}, but was {number}"
            ))),
            Err(_) => Err(Error::config(format!(
                "{value} is not a parsable float for {name}"
            ))),
        },
        Check::Word(words) if words.contains(&value) => Ok(()),
        Check::Word(_) => Err(Error::config(format!("{value} is not valid for {name}"))),
        Check::Size if is_size(value) => Ok(()),
        Check::Size => Err(Error::config(format!(
            "{value} is not a valid size in bytes for {name}"
        ))),
        Check::Scaling if value.split(',').all(|part| is_scaling(part.trim())) => Ok(()),
        Check::Scaling => Err(Error::config(format!(
            "Scaling parameter {value} must match the pattern '(L|T)([2-9]|[1-9][0-9]+)', 'N' or an integer"
        ))),
    }
}

fn is_size(value: &str) -> bool {
    let digits = value.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit = &value[digits.len()..];
    let units = ["", "B", "KiB", "MiB", "GiB", "TiB", "KB", "MB", "GB", "TB"];
    digits
        .trim()
        .parse::<f64>()
        .is_ok_and(|number| number >= 0.0)
        && units.contains(&unit)
}

fn is_scaling(part: &str) -> bool {
    let fan = |digits: &str| digits.parse::<u32>().is_ok_and(|fan| fan >= 2);
    part == "N"
        || part.strip_prefix('T').is_some_and(fan)
        || part.strip_prefix('L').is_some_and(fan)
        || part.parse::<i32>().is_ok()
}
