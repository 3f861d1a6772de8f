//! What may be tuned.

use std::time::Duration;

/// The options of a [`crate::Coordinator`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// How long a read of named partitions may take.
    pub read_timeout: Duration,
    /// How long a read over a range of partitions may take.
    pub range_timeout: Duration,
    /// How long a write may take.
    pub write_timeout: Duration,
    /// How long TRUNCATE may take.
    pub truncate_timeout: Duration,
    /// Client timestamps further ahead of the wall clock than this give a warning; zero turns it off.
    pub timestamp_warn_ahead: Duration,
    /// Client timestamps further ahead of the wall clock than this are refused; zero turns it off.
    pub timestamp_fail_ahead: Duration,
    /// Operations that may wait for one partition's queue.
    pub queue_length_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            read_timeout: Duration::from_secs(5),
            range_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(2),
            truncate_timeout: Duration::from_secs(60),
            timestamp_warn_ahead: Duration::from_secs(60),
            timestamp_fail_ahead: Duration::from_secs(3 * 24 * 60 * 60),
            queue_length_max: 1_024,
        }
    }
}

impl Options {
    /// What is wrong with these options, in a sentence.
    pub fn validate(&self) -> Result<(), String> {
        let timeouts = [
            ("read_request_timeout", self.read_timeout),
            ("range_request_timeout", self.range_timeout),
            ("write_request_timeout", self.write_timeout),
            ("truncate_request_timeout", self.truncate_timeout),
        ];
        match timeouts.iter().find(|(_, timeout)| timeout.is_zero()) {
            Some((name, _)) => Err(format!("{name} must be longer than 0")),
            None => Ok(()),
        }
    }
}
