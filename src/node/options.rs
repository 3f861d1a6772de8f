//! From settings to the options of each layer: no layer reads the settings itself.

use std::net::SocketAddr;
use std::time::Duration;

use crate::config::{CommitlogSync, Settings};

/// Operations that may wait in one partition's queue.
const QUEUE_LENGTH_MAX: usize = 1_024;

/// What the metadata log says of this node. `native` is the port in use.
pub fn metadata(settings: &Settings, native: SocketAddr) -> metadata::Options {
    metadata::Options {
        cluster_name: settings.cluster_name.clone(),
        addresses: metadata::Addresses {
            listen: settings.storage(),
            broadcast: settings.storage(),
            native: SocketAddr::new(settings.broadcast_rpc_address, native.port()),
        },
        data_center: settings.data_center.clone(),
        rack: settings.rack.clone(),
        num_tokens: settings.num_tokens as usize,
        version: env!("CARGO_PKG_VERSION").into(),
        ..metadata::Options::default()
    }
}

pub fn storage(settings: &Settings) -> storage::Options {
    storage::Options {
        sync: match settings.commitlog_sync {
            CommitlogSync::Periodic => storage::SyncMode::Periodic(settings.commitlog_sync_period),
            CommitlogSync::Group => storage::SyncMode::Group,
            CommitlogSync::Batch => storage::SyncMode::Batch,
        },
        segment_bytes: u32::try_from(settings.commitlog_segment_size)
            .expect("the settings allow no larger segment"),
        log_bytes_max: Some(settings.commitlog_total_space),
        memtable_bytes_max: settings.memtable_space,
        cache_bytes_max: settings.block_cache_size,
        compaction_bytes_per_second: settings.compaction_throughput,
        auto_compaction: settings.autocompaction_on_startup_enabled,
        accept_lost_log: settings.accept_lost_commitlog,
        ..storage::Options::default()
    }
}

pub fn paths(settings: &Settings) -> storage::Paths {
    storage::Paths {
        data: settings.data_file_directory.clone(),
        commit_log: settings.commitlog_directory.clone(),
    }
}

pub fn coordinator(settings: &Settings) -> coordinator::Options {
    coordinator::Options {
        read_timeout: settings.read_request_timeout,
        range_timeout: settings.range_request_timeout,
        write_timeout: settings.write_request_timeout,
        truncate_timeout: settings.truncate_request_timeout,
        timestamp_warn_ahead: settings.maximum_timestamp_warn_threshold,
        timestamp_fail_ahead: settings.maximum_timestamp_fail_threshold,
        queue_length_max: QUEUE_LENGTH_MAX,
    }
}

pub fn query(settings: &Settings) -> query::Options {
    query::Options {
        data_center: settings.data_center.clone(),
        dead_rows_fail: settings.tombstone_failure_threshold,
        dead_rows_warn: settings.tombstone_warn_threshold,
        batch_bytes_fail: settings.batch_size_fail_threshold,
        batch_bytes_warn: settings.batch_size_warn_threshold,
        unlogged_partitions_warn: settings.unlogged_batch_across_partitions_warn_threshold as usize,
    }
}

pub fn server(settings: &Settings) -> server::Options {
    server::Options {
        address: settings.native_transport(),
        connections_max: count(settings.native_transport_max_concurrent_connections),
        connections_per_address_max: settings
            .native_transport_max_concurrent_connections_per_ip
            .map(count),
        in_flight_bytes_max: count(settings.request_space),
        frame_bytes_max: count(settings.native_transport_max_frame_size),
    }
}

fn count(setting: u64) -> usize {
    usize::try_from(setting).unwrap_or(usize::MAX)
}

/// How long requests that were begun may take while the node drains: as long as the longest of them may take at all.
pub fn drain_time(settings: &Settings) -> Duration {
    let longest = settings
        .read_request_timeout
        .max(settings.range_request_timeout)
        .max(settings.write_request_timeout);
    longest.min(Duration::from_secs(30))
}
