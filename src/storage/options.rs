//! What may be tuned, with defaults that suit a small machine, and the arithmetic between them.

use std::time::Duration;

use base::limits::{MIB, ROW_BYTES_MAX, SEGMENT_BYTES};

/// When a write is acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncMode {
    /// At once; the log is synced each time this much time has passed. A power failure loses up to that much.
    Periodic(Duration),
    /// After a sync that is shared by everyone who waits at that moment.
    Group,
    /// As `Group`, but a sync starts at once and waits for no company.
    Batch,
}

/// The options of an [`Engine`](crate::Engine).
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// When a write is acknowledged.
    pub sync: SyncMode,
    /// Length of a commit log segment. A mutation or BATCH takes at most half of one.
    pub segment_bytes: u32,
    /// All segments together; none takes twice the memtable budget, at most 256 MiB.
    pub log_bytes_max: Option<u64>,
    /// All memtables together, those being flushed included.
    pub memtable_bytes_max: u64,
    /// A row, its static one and all collections included: one that is found larger takes nothing more.
    pub row_bytes_max: usize,
    /// Decoded blocks of SSTables kept in memory.
    pub cache_bytes_max: u64,
    /// How fast compaction may write while it keeps up; 0 is as fast as it can.
    pub compaction_bytes_per_second: u64,
    /// Whether compaction runs by itself; on demand it always does.
    pub auto_compaction: bool,
    /// Whether an engine whose commit log is missing or damaged opens all the same. What the log had beyond the damage, and
    /// no file has, is lost then.
    pub accept_lost_log: bool,
}

/// Shards of an ordinary table's memtable: more than cores that could meet in one.
pub(crate) const SHARDS: usize = 64;
/// From this part of the memtable budget on, in percent, the largest memtable flushes.
pub(crate) const FLUSH_PERCENT: u64 = 40;
/// From this part of the memtable budget on, in percent, each write is delayed.
pub(crate) const DELAY_PERCENT: u64 = 70;
/// The longest such delay.
pub(crate) const DELAY_MAX: Duration = Duration::from_millis(5);
/// From this part of the log's bytes on, in percent, the tables that hold its oldest segment flush.
pub(crate) const LOG_FLUSH_PERCENT: u64 = 80;
/// How long a table is not flushed after a failure, such as a full disk: at first, and at most.
pub(crate) const FLUSH_REST: (Duration, Duration) =
    (Duration::from_secs(1), Duration::from_secs(10));
/// How long a table is not compacted after a failure: at first, and at most.
pub(crate) const COMPACTION_REST: (Duration, Duration) =
    (Duration::from_secs(10), Duration::from_secs(600));
/// Without a setting the log is no larger than this: replaying it should take about a second.
const LOG_BYTES_MAX_DEFAULT: u64 = 256 * MIB as u64;
/// One segment being written, one ready, one being flushed, one to recycle.
const SEGMENTS_MIN: u64 = 4;
/// Half of it must hold a frame with a useful mutation.
const SEGMENT_BYTES_MIN: u32 = 4096;

impl Default for Options {
    fn default() -> Options {
        Options {
            sync: SyncMode::Group,
            segment_bytes: SEGMENT_BYTES as u32,
            log_bytes_max: None,
            memtable_bytes_max: 256 * MIB as u64,
            row_bytes_max: ROW_BYTES_MAX,
            cache_bytes_max: 192 * MIB as u64,
            compaction_bytes_per_second: 64 * MIB as u64,
            auto_compaction: true,
            accept_lost_log: false,
        }
    }
}

impl Options {
    /// What is wrong with these options, in a sentence.
    pub fn validate(&self) -> Result<(), String> {
        if self.segment_bytes < SEGMENT_BYTES_MIN || self.segment_bytes as usize > SEGMENT_BYTES {
            return Err(format!(
                "the commit log's segments must have {SEGMENT_BYTES_MIN} to {SEGMENT_BYTES} bytes, not {}",
                self.segment_bytes
            ));
        }
        let least = SEGMENTS_MIN * u64::from(self.segment_bytes);
        if self.log_bytes_max.is_some_and(|bytes| bytes < least) {
            return Err(format!(
                "the commit log needs at least {SEGMENTS_MIN} segments, {least} bytes, not {}",
                self.log_bytes()
            ));
        }
        if self.memtable_bytes_max < MIB as u64 {
            return Err(format!(
                "the memtables need at least {MIB} bytes, not {}",
                self.memtable_bytes_max
            ));
        }
        if self.row_bytes_max > ROW_BYTES_MAX {
            return Err(format!(
                "a row may have at most {ROW_BYTES_MAX} bytes, not {}",
                self.row_bytes_max
            ));
        }
        if let SyncMode::Periodic(period) = self.sync
            && period.is_zero()
        {
            return Err("the commit log's sync period must be above zero".to_owned());
        }
        Ok(())
    }

    /// The log's cap in bytes.
    pub fn log_bytes(&self) -> u64 {
        let least = SEGMENTS_MIN * u64::from(self.segment_bytes);
        let default = (2 * self.memtable_bytes_max).min(LOG_BYTES_MAX_DEFAULT);
        self.log_bytes_max.unwrap_or(default).max(least)
    }

    /// The largest mutation, or BATCH, with its framing.
    pub(crate) fn frame_bytes_max(&self) -> usize {
        self.segment_bytes as usize / 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(change: impl FnOnce(&mut Options), expected: Option<&str>) {
        let mut options = Options::default();
        change(&mut options);
        let error = options.validate().err();
        match expected {
            None => assert_eq!(error, None),
            Some(part) => assert!(
                error.as_ref().is_some_and(|e| e.contains(part)),
                "{error:?}"
            ),
        }
    }

    #[test]
    fn options_are_checked() {
        check(|_| {}, None);
        check(|o| o.segment_bytes = 1, Some("segments must have"));
        check(|o| o.segment_bytes = u32::MAX, Some("segments must have"));
        check(|o| o.log_bytes_max = Some(1), Some("at least 4 segments"));
        check(|o| o.memtable_bytes_max = 1, Some("memtables need"));
        check(|o| o.row_bytes_max = usize::MAX, Some("a row may have"));
        check(
            |o| o.sync = SyncMode::Periodic(Duration::ZERO),
            Some("above zero"),
        );
    }

    #[test]
    fn the_log_is_twice_the_memtables_within_bounds() {
        let mut options = Options::default();
        assert_eq!(options.log_bytes(), 256 * MIB as u64);
        options.memtable_bytes_max = 80 * MIB as u64;
        assert_eq!(options.log_bytes(), 160 * MIB as u64);
        options.memtable_bytes_max = MIB as u64;
        assert_eq!(options.log_bytes(), 128 * MIB as u64);
    }
}
