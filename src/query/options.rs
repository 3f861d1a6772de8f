//! What may be tuned.

/// The options of a [`crate::Service`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The datacenter of this node, by which replicas are counted.
    pub data_center: String,
    /// Dead rows that one page may read before it is refused; 0 for no limit.
    pub dead_rows_fail: u64,
    /// Dead rows from which on the client is warned; 0 for never.
    pub dead_rows_warn: u64,
    /// Bytes of a BATCH's mutations above which it is refused.
    pub batch_bytes_fail: u64,
    /// Bytes of a BATCH's mutations above which the client is warned.
    pub batch_bytes_warn: u64,
    /// Partitions of an unlogged BATCH above which the client is warned.
    pub unlogged_partitions_warn: usize,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            data_center: "datacenter1".into(),
            dead_rows_fail: 100_000,
            dead_rows_warn: 1_000,
            batch_bytes_fail: 50 << 10,
            batch_bytes_warn: 5 << 10,
            unlogged_partitions_warn: 10,
        }
    }
}
