//! What WITH says of a table: every option of Cassandra 5.0, with its default, its bounds and its printed form.
//!
//! Options are made from [`Properties`] and give them back: [`Options::altered`] is the way in for a statement,
//! `Options::with` for a stored table, which is not judged again, and [`Options::properties`] the only way out. So what
//! DESCRIBE prints is what the log holds.
//!
//! Some options mean nothing to this server (`crc_check_chance`, `min_index_interval`); they are checked, kept and
//! shown, since schemas and tools carry them. `extensions` is taken with any value and stays empty, as in Cassandra.

use std::collections::BTreeMap;

use types::value::number::double_text;

use super::caching::Caching;
use super::compaction::{Compaction, Strategy};
use super::compression::Compression;
use super::policy::{ReadRepair, Speculation};
use crate::Error;
use crate::property::Properties;

/// The largest time to live, 20 years in seconds.
pub const TIME_TO_LIVE_SECONDS_MAX: u32 = 20 * 365 * 24 * 60 * 60;

/// Below this chance Cassandra's filters cannot go.
const BLOOM_FILTER_CHANCE_MIN: f64 = 6.71e-5;
/// This chance asks for the one that goes with the compaction strategy.
const BLOOM_FILTER_CHANCE_ANY: f64 = -1.0;

/// The options of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// `additional_write_policy`
    pub additional_write_policy: Speculation,
    /// `allow_auto_snapshot`
    pub allow_auto_snapshot: bool,
    /// `bloom_filter_fp_chance`: how often a filter says "maybe" of a key that is not there.
    pub bloom_filter_fp_chance: f64,
    /// `caching`
    pub caching: Caching,
    /// `cdc`
    pub cdc: bool,
    /// `comment`
    pub comment: String,
    /// `compaction`
    pub compaction: Compaction,
    /// `compression`
    pub compression: Compression,
    /// `memtable`
    pub memtable: Memtable,
    /// `crc_check_chance`
    pub crc_check_chance: f64,
    /// `default_time_to_live`; 0 is none.
    pub default_time_to_live_seconds: u32,
    /// `gc_grace_seconds`
    pub gc_grace_seconds: u32,
    /// `incremental_backups`
    pub incremental_backups: bool,
    /// `max_index_interval`
    pub max_index_interval: u32,
    /// `memtable_flush_period_in_ms`; 0 is never.
    pub memtable_flush_period_ms: u32,
    /// `min_index_interval`
    pub min_index_interval: u32,
    /// `read_repair`
    pub read_repair: ReadRepair,
    /// `speculative_retry`
    pub speculative_retry: Speculation,
}

/// Which memtable holds a table's newest rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Memtable {
    /// `default`: the node's choice, which is the B-tree.
    #[default]
    Default,
    /// `btree`
    BTree,
    /// `trie`: the name that Cassandra's settings have for its ordered one; the B-tree here.
    Trie,
    /// `skiplist`
    SkipList,
    /// `skiplist_sharded`: the same here.
    ShardedSkipList,
}

impl Memtable {
    /// As CQL spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Memtable::Default => "default",
            Memtable::BTree => "btree",
            Memtable::Trie => "trie",
            Memtable::SkipList => "skiplist",
            Memtable::ShardedSkipList => "skiplist_sharded",
        }
    }

    fn parse(name: &str) -> Result<Memtable, Error> {
        match name {
            "default" => Ok(Memtable::Default),
            "btree" => Ok(Memtable::BTree),
            "trie" => Ok(Memtable::Trie),
            "skiplist" => Ok(Memtable::SkipList),
            "skiplist_sharded" => Ok(Memtable::ShardedSkipList),
            _ => Err(Error::config(format!(
                "Memtable configuration \"{name}\" not found."
            ))),
        }
    }
}

impl Default for Options {
    fn default() -> Options {
        Options {
            additional_write_policy: Speculation::default(),
            allow_auto_snapshot: true,
            bloom_filter_fp_chance: Strategy::SizeTiered.filter_chance(),
            caching: Caching::default(),
            cdc: false,
            comment: String::new(),
            compaction: Compaction::default(),
            compression: Compression::default(),
            memtable: Memtable::Default,
            crc_check_chance: 1.0,
            default_time_to_live_seconds: 0,
            gc_grace_seconds: 864_000,
            incremental_backups: true,
            max_index_interval: 2048,
            memtable_flush_period_ms: 0,
            min_index_interval: 128,
            read_repair: ReadRepair::Blocking,
            speculative_retry: Speculation::default(),
        }
    }
}

/// The names of all options that a statement may give, `id` aside, in the order in which Cassandra prints them.
pub const NAMES: &[&str] = &[
    "additional_write_policy",
    "allow_auto_snapshot",
    "bloom_filter_fp_chance",
    "caching",
    "cdc",
    "comment",
    "compaction",
    "compression",
    "memtable",
    "crc_check_chance",
    "default_time_to_live",
    "extensions",
    "gc_grace_seconds",
    "incremental_backups",
    "max_index_interval",
    "memtable_flush_period_in_ms",
    "min_index_interval",
    "read_repair",
    "speculative_retry",
];

impl Options {
    /// The options of a new table.
    pub fn new(properties: &Properties) -> Result<Options, Error> {
        let mut options = Options::default().altered(properties)?;
        if !properties.0.contains_key("bloom_filter_fp_chance") {
            options.bloom_filter_fp_chance = options.compaction.strategy.filter_chance();
        }
        Ok(options)
    }

    /// These options with the given properties in place of theirs, if a statement may ask for them.
    pub fn altered(&self, properties: &Properties) -> Result<Options, Error> {
        let options = self.with(properties)?;
        options.check()?;
        Ok(options)
    }

    /// These options with the given properties in place of theirs, whatever the bounds are: as they are stored.
    pub(crate) fn with(&self, properties: &Properties) -> Result<Options, Error> {
        for name in properties.0.keys() {
            if !NAMES.contains(&name.as_str()) {
                return Err(Error::syntax(format!("Unknown property '{name}'")).about(name));
            }
        }
        let mut options = self.clone();
        options.set_maps(properties)?;
        options.set_words(properties)?;
        options.set_numbers(properties)?;
        Ok(options)
    }

    fn set_maps(&mut self, properties: &Properties) -> Result<(), Error> {
        if let Some(map) = properties.map("caching")? {
            self.caching = Caching::parse(map).map_err(|error| error.about("caching"))?;
        }
        if let Some(map) = properties.map("compaction")? {
            self.compaction = Compaction::parse(map).map_err(|error| error.about("compaction"))?;
        }
        if let Some(map) = properties.map("compression")? {
            self.compression =
                Compression::parse(map).map_err(|error| error.about("compression"))?;
        }
        Ok(())
    }

    fn set_words(&mut self, properties: &Properties) -> Result<(), Error> {
        if let Some(text) = properties.text("speculative_retry")? {
            self.speculative_retry =
                Speculation::parse(text).map_err(|error| error.about("speculative_retry"))?;
        }
        if let Some(text) = properties.text("additional_write_policy")? {
            self.additional_write_policy =
                Speculation::parse(text).map_err(|error| error.about("additional_write_policy"))?;
        }
        if let Some(text) = properties.text("read_repair")? {
            self.read_repair =
                ReadRepair::parse(text).map_err(|error| error.about("read_repair"))?;
        }
        if let Some(text) = properties.text("memtable")? {
            self.memtable = Memtable::parse(text).map_err(|error| error.about("memtable"))?;
        }
        if let Some(text) = properties.text("comment")? {
            self.comment = text.to_owned();
        }
        set(
            &mut self.allow_auto_snapshot,
            properties.boolean("allow_auto_snapshot")?,
        );
        set(&mut self.cdc, properties.boolean("cdc")?);
        set(
            &mut self.incremental_backups,
            properties.boolean("incremental_backups")?,
        );
        Ok(())
    }

    fn set_numbers(&mut self, properties: &Properties) -> Result<(), Error> {
        if let Some(chance) = properties.number("bloom_filter_fp_chance")? {
            self.bloom_filter_fp_chance = if chance == BLOOM_FILTER_CHANCE_ANY {
                self.compaction.strategy.filter_chance()
            } else {
                chance
            };
        }
        set(
            &mut self.crc_check_chance,
            properties.number("crc_check_chance")?,
        );
        set(
            &mut self.default_time_to_live_seconds,
            at_least(properties, "default_time_to_live", 0)?,
        );
        set(
            &mut self.gc_grace_seconds,
            at_least(properties, "gc_grace_seconds", 0)?,
        );
        set(
            &mut self.min_index_interval,
            at_least(properties, "min_index_interval", 1)?,
        );
        if let Some(interval) = properties.integer("max_index_interval")? {
            // What is less than nothing is less than the smallest interval, too.
            self.max_index_interval =
                u32::try_from(interval).map_err(|_| self.intervals(interval))?;
        }
        set(
            &mut self.memtable_flush_period_ms,
            at_least(properties, "memtable_flush_period_in_ms", 0)?,
        );
        Ok(())
    }

    fn check(&self) -> Result<(), Error> {
        self.compaction
            .check()
            .map_err(|error| error.about("compaction"))?;
        self.compression
            .check()
            .map_err(|error| error.about("compression"))?;
        let chance = self.bloom_filter_fp_chance;
        if chance <= BLOOM_FILTER_CHANCE_MIN || chance > 1.0 {
            return Err(Error::config(format!(
                "bloom_filter_fp_chance must be larger than 6.71E-5 and less than or equal to 1.0 (got {})",
                double_text(chance)
            ))
            .about("bloom_filter_fp_chance"));
        }
        if !(0.0..=1.0).contains(&self.crc_check_chance) {
            return Err(Error::config(format!(
                "crc_check_chance must be larger than or equal to 0 and smaller than or equal to 1.0 (got {})",
                double_text(self.crc_check_chance)
            ))
            .about("crc_check_chance"));
        }
        if self.default_time_to_live_seconds > TIME_TO_LIVE_SECONDS_MAX {
            return Err(Error::config(format!(
                "default_time_to_live must be less than or equal to {TIME_TO_LIVE_SECONDS_MAX} (got {})",
                self.default_time_to_live_seconds
            ))
            .about("default_time_to_live"));
        }
        if self.max_index_interval < self.min_index_interval {
            return Err(self.intervals(self.max_index_interval));
        }
        Ok(())
    }

    /// The error for a largest index interval below the smallest.
    fn intervals(&self, max: impl std::fmt::Display) -> Error {
        Error::config(format!(
            "max_index_interval must be greater than or equal to min_index_interval ({}) (got {max})",
            self.min_index_interval
        ))
        .about("max_index_interval")
    }

    /// All options as properties.
    pub fn properties(&self) -> Properties {
        let mut all = Properties::default();
        all.set(
            "additional_write_policy",
            self.additional_write_policy.to_string(),
        );
        all.set("allow_auto_snapshot", self.allow_auto_snapshot.to_string());
        all.set(
            "bloom_filter_fp_chance",
            double_text(self.bloom_filter_fp_chance),
        );
        all.set_map("caching", self.caching.properties());
        all.set("cdc", self.cdc.to_string());
        all.set("comment", self.comment.as_str());
        all.set_map("compaction", self.compaction.properties());
        all.set_map("compression", self.compression.properties());
        all.set("memtable", self.memtable.as_str());
        all.set("crc_check_chance", double_text(self.crc_check_chance));
        all.set(
            "default_time_to_live",
            self.default_time_to_live_seconds.to_string(),
        );
        all.set_map("extensions", BTreeMap::new());
        all.set("gc_grace_seconds", self.gc_grace_seconds.to_string());
        all.set("incremental_backups", self.incremental_backups.to_string());
        all.set("max_index_interval", self.max_index_interval.to_string());
        all.set(
            "memtable_flush_period_in_ms",
            self.memtable_flush_period_ms.to_string(),
        );
        all.set("min_index_interval", self.min_index_interval.to_string());
        all.set("read_repair", self.read_repair.as_str());
        all.set("speculative_retry", self.speculative_retry.to_string());
        all
    }
}

fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

fn at_least(properties: &Properties, name: &str, least: i32) -> Result<Option<u32>, Error> {
    let Some(value) = properties.integer(name)? else {
        return Ok(None);
    };
    match u32::try_from(value) {
        Ok(number) if value >= least => Ok(Some(number)),
        _ => Err(Error::config(format!(
            "{name} must be greater than or equal to {least} (got {value})"
        ))
        .about(name)),
    }
}
