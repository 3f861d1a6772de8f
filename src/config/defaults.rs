//! What the settings are where nothing was written: each key's default, and directories below one another.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use super::keys::KEYS;
use super::settings::{CommitlogSync, Machine, Settings};

/// Settings on which nothing has been written yet.
pub fn defaults(machine: &Machine) -> Settings {
    let mut settings = Settings {
        cluster_name: String::new(),
        data_center: String::new(),
        rack: String::new(),
        num_tokens: 0,
        seeds: Vec::new(),
        listen_address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        storage_port: 0,
        rpc_address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        native_transport_port: 0,
        broadcast_rpc_address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        admin_address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        admin_port: 0,
        authenticator: None,
        data_dir: PathBuf::new(),
        data_file_directory: PathBuf::new(),
        commitlog_directory: PathBuf::new(),
        memory_limit: 0,
        memtable_space: 0,
        block_cache_size: 0,
        request_space: 0,
        native_transport_max_concurrent_connections: 0,
        native_transport_max_concurrent_connections_per_ip: None,
        commitlog_sync: CommitlogSync::Group,
        commitlog_sync_period: Duration::ZERO,
        commitlog_segment_size: 0,
        commitlog_total_space: 0,
        compaction_throughput: 0,
        autocompaction_on_startup_enabled: true,
        accept_lost_commitlog: false,
        read_request_timeout: Duration::ZERO,
        range_request_timeout: Duration::ZERO,
        write_request_timeout: Duration::ZERO,
        truncate_request_timeout: Duration::ZERO,
        native_transport_max_frame_size: 0,
        maximum_timestamp_warn_threshold: Duration::ZERO,
        maximum_timestamp_fail_threshold: Duration::ZERO,
        tombstone_warn_threshold: 0,
        tombstone_failure_threshold: 0,
        batch_size_warn_threshold: 0,
        batch_size_fail_threshold: 0,
        unlogged_batch_across_partitions_warn_threshold: 0,
        log_level: String::new(),
    };
    for key in KEYS {
        (key.default)(&mut settings, machine);
    }
    settings
}

/// Completes the paths: what was not written lies below `data_dir`, and that is where the tables are, if only they
/// were written.
pub fn finish(settings: &mut Settings, machine: &Machine) {
    let tables = !settings.data_file_directory.as_os_str().is_empty();
    if settings.data_dir.as_os_str().is_empty() {
        settings.data_dir = if tables {
            settings.data_file_directory.clone()
        } else {
            "helenus-data".into()
        };
    }
    settings.data_dir = machine.directory.join(&settings.data_dir);
    let below = |path: &PathBuf, name: &str, root: &PathBuf| match path.as_os_str().is_empty() {
        true => root.join(name),
        false => machine.directory.join(path),
    };
    settings.data_file_directory = below(&settings.data_file_directory, "data", &settings.data_dir);
    settings.commitlog_directory = below(
        &settings.commitlog_directory,
        "commitlog",
        &settings.data_dir,
    );
}
