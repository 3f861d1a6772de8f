//! The `compaction` option: which strategy merges a table's files, with the strategy's own options.
//!
//! The class may be given short or with its package; it is shown with its package. Options are kept as text, since
//! that is how they are written, stored and shown; [`Compaction::number`] reads one for the strategy that uses it.
//! Each is checked here when the statement comes; where a stored one does not parse, a strategy takes its default.

mod check;

use std::collections::BTreeMap;

use crate::{Error, class};

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
        match class::short(class, PACKAGE) {
            "SizeTieredCompactionStrategy" => Ok(Strategy::SizeTiered),
            "LeveledCompactionStrategy" => Ok(Strategy::Leveled),
            "TimeWindowCompactionStrategy" => Ok(Strategy::TimeWindow),
            "UnifiedCompactionStrategy" => Ok(Strategy::Unified),
            name => Err(Error::config(format!(
                "Unable to find compaction strategy class '{}'",
                class::qualified(name, PACKAGE)
            ))),
        }
    }

    /// `bloom_filter_fp_chance` if none is given: with leveled compaction few files can hold a key.
    pub(crate) fn filter_chance(self) -> f64 {
        match self {
            Strategy::Leveled => 0.1,
            Strategy::SizeTiered | Strategy::TimeWindow | Strategy::Unified => 0.01,
        }
    }

    fn has_thresholds(self) -> bool {
        self != Strategy::Unified
    }
}

impl Default for Compaction {
    fn default() -> Compaction {
        Compaction::new(Strategy::SizeTiered)
    }
}

impl Compaction {
    /// A strategy with its defaults.
    pub fn new(strategy: Strategy) -> Compaction {
        Compaction {
            strategy,
            options: default_options(strategy),
        }
    }

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
        let mut compaction = Compaction::new(strategy);
        compaction.options.extend(given);
        Ok(compaction)
    }

    /// Refuses options that the strategy does not have, or not with these values.
    pub(crate) fn check(&self) -> Result<(), Error> {
        check::check(self.strategy, &self.options)?;
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
                "bucket_high value ({high:?}) is less than or equal to the bucket_low value ({low:?})"
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
