//! The settings of a node, complete: each has its value, written or default.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// Who may log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authenticator {
    /// Everyone, without a name.
    AllowAll,
}

/// When a write is acknowledged, as `commitlog_sync` says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitlogSync {
    /// At once; the log is synced each `commitlog_sync_period`.
    Periodic,
    /// After a sync shared by all who wait.
    Group,
    /// After a sync that starts at once.
    Batch,
}

/// What the machine gives to defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Memory that the process may use: the machine's, or its control group's.
    pub memory_bytes: u64,
    /// Files and sockets that it may have open at one time; none for no limit.
    pub open_files_max: Option<u64>,
    /// The directory from which relative paths are counted.
    pub directory: PathBuf,
}

/// The effective settings. Names are those of the file; see `config::keys` for what each means.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the table of keys says what each field means")]
pub struct Settings {
    pub cluster_name: String,
    pub data_center: String,
    pub rack: String,
    pub num_tokens: u32,
    pub seeds: Vec<String>,
    pub listen_address: IpAddr,
    pub storage_port: u16,
    pub rpc_address: IpAddr,
    pub native_transport_port: u16,
    pub broadcast_rpc_address: IpAddr,
    pub admin_address: IpAddr,
    pub admin_port: u16,
    pub authenticator: Option<Authenticator>,
    pub data_dir: PathBuf,
    pub data_file_directory: PathBuf,
    pub commitlog_directory: PathBuf,
    pub memory_limit: u64,
    pub memtable_space: u64,
    pub block_cache_size: u64,
    pub request_space: u64,
    pub commitlog_sync: CommitlogSync,
    pub commitlog_sync_period: Duration,
    pub commitlog_segment_size: u64,
    pub commitlog_total_space: u64,
    pub compaction_throughput: u64,
    pub autocompaction_on_startup_enabled: bool,
    pub accept_lost_commitlog: bool,
    pub read_request_timeout: Duration,
    pub range_request_timeout: Duration,
    pub write_request_timeout: Duration,
    pub truncate_request_timeout: Duration,
    pub native_transport_max_concurrent_connections: u64,
    pub native_transport_max_concurrent_connections_per_ip: Option<u64>,
    pub native_transport_max_frame_size: u64,
    pub maximum_timestamp_warn_threshold: Duration,
    pub maximum_timestamp_fail_threshold: Duration,
    pub tombstone_warn_threshold: u64,
    pub tombstone_failure_threshold: u64,
    pub batch_size_warn_threshold: u64,
    pub batch_size_fail_threshold: u64,
    pub unlogged_batch_across_partitions_warn_threshold: u32,
    pub log_level: String,
}

impl Settings {
    /// Where clients connect.
    pub fn native_transport(&self) -> SocketAddr {
        SocketAddr::new(self.rpc_address, self.native_transport_port)
    }

    /// Where the admin tool connects.
    pub fn admin(&self) -> SocketAddr {
        SocketAddr::new(self.admin_address, self.admin_port)
    }

    /// Where other nodes connect.
    pub fn storage(&self) -> SocketAddr {
        SocketAddr::new(self.listen_address, self.storage_port)
    }

    /// Where the metadata log lies.
    pub fn metadata_directory(&self) -> PathBuf {
        self.data_dir.join("metadata")
    }
}
