//! The settings of Cassandra 5.0's file that have no meaning here.
//!
//! Each is accepted, so that an existing `cassandra.yaml` starts a node, and answered with one
//! warning line that says what takes its place. Names are listed in full: a pattern would swallow
//! typing errors. A setting that promises protection is another matter: [`refusal`] says when one
//! asks for something that would silently be missing.

use super::value::Value;

/// What replaces a group of settings, and their names.
type Group = (&'static str, &'static [&'static str]);

const GROUPS: &[Group] = &[
    (
        "roles are part of the agreed metadata and need no cache",
        &[
            "auth_cache_warming_enabled",
            "auth_read_consistency_level",
            "auth_write_consistency_level",
            "credentials_cache_active_update",
            "credentials_cache_max_entries",
            "credentials_update_interval",
            "credentials_validity",
            "permissions_cache_active_update",
            "permissions_cache_max_entries",
            "permissions_update_interval",
            "permissions_validity",
            "roles_cache_active_update",
            "roles_cache_max_entries",
            "roles_update_interval",
            "roles_validity",
        ],
    ),
    (
        "roles and permissions are not there yet",
        &[
            "authorizer",
            "cidr_authorizer",
            "internode_authenticator",
            "network_authorizer",
            "role_manager",
            "traverse_auth_from_root",
        ],
    ),
    (
        "TLS is not there yet",
        &[
            "client_encryption_options",
            "crypto_provider",
            "native_transport_port_ssl",
            "server_encryption_options",
            "ssl_storage_port",
        ],
    ),
    (
        "encryption at rest is not there yet",
        &["transparent_data_encryption_options"],
    ),
    (
        "audit and query logs are not there yet",
        &["audit_logging_options", "full_query_logging_options"],
    ),
    (
        "slow queries are not logged yet",
        &["slow_query_log_timeout"],
    ),
    (
        "diagnostic events are not there yet",
        &["diagnostic_events_enabled"],
    ),
    (
        "tokens are chosen so that ownership is even",
        &[
            "allocate_tokens_for_keyspace",
            "allocate_tokens_for_local_replication_factor",
            "initial_token",
        ],
    ),
    (
        "an empty node always starts with new data",
        &["auto_bootstrap"],
    ),
    ("say data_center and rack", &["endpoint_snitch"]),
    (
        "say listen_address",
        &[
            "broadcast_address",
            "listen_interface",
            "listen_interface_prefer_ipv6",
            "listen_on_broadcast_address",
        ],
    ),
    (
        "say rpc_address",
        &["rpc_interface", "rpc_interface_prefer_ipv6"],
    ),
    ("connections are always kept alive", &["rpc_keepalive"]),
    (
        "the native transport always starts",
        &["start_native_transport"],
    ),
    (
        "protocols 4 and 5 are spoken",
        &[
            "native_transport_allow_older_protocols",
            "native_transport_max_negotiable_protocol_version",
        ],
    ),
    (
        "answers of one turn are always sent together",
        &["native_transport_flush_in_batches_legacy"],
    ),
    (
        "idle connections cost nothing and stay open",
        &["native_transport_idle_timeout"],
    ),
    (
        "what is in flight is limited by request_space",
        &[
            "back_pressure_enabled",
            "back_pressure_strategy",
            "native_transport_max_backoff_on_queue_overload",
            "native_transport_max_concurrent_connections",
            "native_transport_max_concurrent_connections_per_ip",
            "native_transport_max_request_data_in_flight",
            "native_transport_max_request_data_in_flight_per_ip",
            "native_transport_max_requests_per_second",
            "native_transport_min_backoff_on_queue_overload",
            "native_transport_queue_max_item_age_threshold",
            "native_transport_rate_limiting_enabled",
            "native_transport_receive_queue_capacity",
            "native_transport_timeout",
        ],
    ),
    (
        "work runs in turns and is bounded in bytes and steps, not in threads",
        &[
            "available_processors",
            "concurrent_compactors",
            "concurrent_counter_writes",
            "concurrent_index_builders",
            "concurrent_materialized_view_builders",
            "concurrent_materialized_view_writes",
            "concurrent_merkle_tree_requests",
            "concurrent_reads",
            "concurrent_replicates",
            "concurrent_validations",
            "concurrent_writes",
            "memtable_flush_writers",
            "native_transport_max_auth_threads",
            "native_transport_max_threads",
        ],
    ),
    (
        "each kind of request has its own timeout",
        &[
            "cql_start_time",
            "request_timeout",
            "counter_write_request_timeout",
            "cas_contention_timeout",
        ],
    ),
    (
        "see memtable_space",
        &["memtable_heap_space", "memtable_offheap_space"],
    ),
    (
        "the largest memtable flushes at 40 % of memtable_space",
        &["memtable_cleanup_threshold"],
    ),
    (
        "say memtable = 'btree' or 'skiplist' in CREATE TABLE",
        &["memtable"],
    ),
    ("memtables use arenas", &["memtable_allocation_type"]),
    (
        "see block_cache_size",
        &[
            "buffer_pool_use_heap_if_exhausted",
            "cache_load_timeout",
            "column_index_cache_size",
            "counter_cache_keys_to_save",
            "counter_cache_save_period",
            "counter_cache_size",
            "file_cache_enabled",
            "file_cache_round_up",
            "file_cache_size",
            "index_summary_capacity",
            "index_summary_resize_interval",
            "key_cache_keys_to_save",
            "key_cache_migrate_during_compaction",
            "key_cache_save_period",
            "key_cache_size",
            "networking_cache_size",
            "row_cache_class_name",
            "row_cache_keys_to_save",
            "row_cache_save_period",
            "row_cache_size",
            "saved_caches_directory",
        ],
    ),
    (
        "files are read through the block cache",
        &[
            "disk_access_mode",
            "disk_optimization_estimate_percentile",
            "disk_optimization_page_cross_chance",
            "disk_optimization_strategy",
        ],
    ),
    (
        "10,000 prepared statements are kept",
        &["prepared_statements_cache_size"],
    ),
    (
        "a commit log that cannot be synced always ends writing",
        &["commit_failure_policy"],
    ),
    (
        "a damaged file is refused and named",
        &["corrupted_tombstone_strategy", "disk_failure_policy"],
    ),
    (
        "commit log segments are written as they are, with pwrite",
        &[
            "commitlog_compression",
            "commitlog_disk_access_mode",
            "commitlog_max_compression_buffers_in_pool",
            "commitlog_periodic_queue_size",
        ],
    ),
    (
        "a group sync starts as soon as the one before has ended",
        &["commitlog_sync_group_window"],
    ),
    (
        "see commitlog_sync_period",
        &["periodic_commitlog_sync_lag_block"],
    ),
    (
        "a mutation may take half a commit log segment",
        &["max_mutation_size"],
    ),
    (
        "a value may take as much as a mutation",
        &["max_value_size"],
    ),
    (
        "change data capture is not there yet",
        &[
            "cdc_block_writes",
            "cdc_enabled",
            "cdc_free_space_check_interval",
            "cdc_on_repair_enabled",
            "cdc_raw_directory",
            "cdc_total_space",
        ],
    ),
    ("say it in the table's compression", &["flush_compression"]),
    (
        "files are written in the one current format",
        &[
            "automatic_sstable_upgrade",
            "column_index_size",
            "max_concurrent_automatic_sstable_upgrades",
            "sstable",
            "storage_compatibility_mode",
            "uuid_sstable_identifiers_enabled",
        ],
    ),
    (
        "files are pushed out each 1MiB and opened when they are complete",
        &[
            "sstable_preemptive_open_interval",
            "trickle_fsync",
            "trickle_fsync_interval",
        ],
    ),
    (
        "space is reserved before a file is written",
        &[
            "max_space_usable_for_compactions_in_percentage",
            "min_free_space_per_drive",
        ],
    ),
    (
        "system tables lie beside the others",
        &["local_system_data_file_directory"],
    ),
    ("say it in CREATE TABLE", &["default_compaction"]),
    ("say it in CREATE KEYSPACE", &["default_keyspace_rf"]),
    (
        "snapshots are not there yet",
        &[
            "auto_snapshot",
            "auto_snapshot_ttl",
            "incremental_backups",
            "snapshot_before_compaction",
            "snapshot_links_per_second",
            "snapshot_on_duplicate_row_detection",
            "snapshot_on_repaired_data_mismatch",
        ],
    ),
    (
        "merging files never leaves two rows of one key",
        &[
            "check_for_duplicate_rows_during_compaction",
            "check_for_duplicate_rows_during_reads",
        ],
    ),
    (
        "hints come with the cluster",
        &[
            "auto_hints_cleanup_enabled",
            "enforce_native_deadline_for_hints",
            "hint_window_persistent_enabled",
            "hinted_handoff_disabled_datacenters",
            "hinted_handoff_enabled",
            "hinted_handoff_throttle",
            "hints_compression",
            "hints_directory",
            "hints_flush_period",
            "max_hint_window",
            "max_hints_delivery_threads",
            "max_hints_file_size",
            "max_hints_size_per_host",
            "transfer_hints_on_decommission",
            "use_creation_time_for_hint_ttl",
        ],
    ),
    (
        "the batch log comes with the cluster",
        &["batchlog_endpoint_strategy", "batchlog_replay_throttle"],
    ),
    (
        "traffic between nodes comes with the cluster",
        &[
            "block_for_peers_in_remote_dcs",
            "block_for_peers_timeout_in_secs",
            "consecutive_message_errors_threshold",
            "dynamic_snitch",
            "dynamic_snitch_badness_threshold",
            "dynamic_snitch_reset_interval",
            "dynamic_snitch_update_interval",
            "failure_detector",
            "ideal_consistency_level",
            "inter_dc_tcp_nodelay",
            "internode_application_receive_queue_capacity",
            "internode_application_receive_queue_reserve_endpoint_capacity",
            "internode_application_receive_queue_reserve_global_capacity",
            "internode_application_send_queue_capacity",
            "internode_application_send_queue_reserve_endpoint_capacity",
            "internode_application_send_queue_reserve_global_capacity",
            "internode_compression",
            "internode_error_reporting_exclusions",
            "internode_max_message_size",
            "internode_socket_receive_buffer_size",
            "internode_socket_send_buffer_size",
            "internode_streaming_tcp_user_timeout",
            "internode_tcp_connect_timeout",
            "internode_tcp_user_timeout",
            "internode_timeout",
            "log_out_of_token_range_requests",
            "otc_backlog_expiration_interval_ms",
            "otc_coalescing_enough_coalesced_messages",
            "otc_coalescing_strategy",
            "otc_coalescing_window_us",
            "phi_convict_threshold",
            "reject_out_of_token_range_requests",
            "replica_filtering_protection",
            "severity_during_decommission",
        ],
    ),
    (
        "streaming comes with the cluster",
        &[
            "entire_sstable_inter_dc_stream_throughput_outbound",
            "entire_sstable_stream_throughput_outbound",
            "inter_dc_stream_throughput_outbound",
            "max_streaming_retries",
            "skip_stream_disk_space_check",
            "stream_entire_sstables",
            "stream_throughput_outbound",
            "stream_transfer_task_timeout",
            "streaming_connections_per_host",
            "streaming_keep_alive_period",
            "streaming_slow_events_log_timeout",
            "streaming_state_expires",
            "streaming_state_size",
            "streaming_stats_enabled",
        ],
    ),
    (
        "repair runs inside the server and comes with the cluster",
        &[
            "auto_optimise_full_repair_streams",
            "auto_optimise_inc_repair_streams",
            "auto_optimise_preview_repair_streams",
            "reject_repair_compaction_threshold",
            "repair",
            "repair_command_pool_full_strategy",
            "repair_command_pool_size",
            "repair_request_timeout",
            "repair_session_max_tree_depth",
            "repair_session_space",
            "repair_state_expires",
            "repair_state_size",
            "repaired_data_tracking_for_partition_reads_enabled",
            "repaired_data_tracking_for_range_reads_enabled",
            "report_unconfirmed_repaired_data_mismatches",
            "trace_type_repair_ttl",
            "use_offheap_merkle_trees",
            "validation_preview_purge_head_start",
        ],
    ),
    (
        "light-weight transactions are not there yet",
        &[
            "paxos_cache_size",
            "paxos_contention_max_wait",
            "paxos_contention_min_delta",
            "paxos_contention_min_wait",
            "paxos_contention_wait_randomizer",
            "paxos_on_linearizability_violations",
            "paxos_purge_grace_period",
            "paxos_repair_enabled",
            "paxos_repair_parallelism",
            "paxos_state_purging",
            "paxos_topology_repair_no_dc_checks",
            "paxos_topology_repair_strict_each_quorum",
            "paxos_variant",
            "skip_paxos_repair_on_topology_change",
            "skip_paxos_repair_on_topology_change_keyspaces",
        ],
    ),
    (
        "indexes are not there yet",
        &[
            "default_secondary_index",
            "default_secondary_index_enabled",
            "non_partition_restricted_index_query_enabled",
            "sai_frozen_term_size_fail_threshold",
            "sai_frozen_term_size_warn_threshold",
            "sai_options",
            "sai_sstable_indexes_per_query_fail_threshold",
            "sai_sstable_indexes_per_query_warn_threshold",
            "sai_string_term_size_fail_threshold",
            "sai_string_term_size_warn_threshold",
            "sai_vector_term_size_fail_threshold",
            "sai_vector_term_size_warn_threshold",
            "sasi_indexes_enabled",
            "secondary_indexes_enabled",
            "secondary_indexes_per_table_fail_threshold",
            "secondary_indexes_per_table_warn_threshold",
        ],
    ),
    (
        "materialized views are not there yet",
        &[
            "materialized_views_enabled",
            "materialized_views_per_table_fail_threshold",
            "materialized_views_per_table_warn_threshold",
        ],
    ),
    (
        "user-defined functions are not there yet",
        &[
            "allow_extra_insecure_udfs",
            "allow_insecure_udfs",
            "scripted_user_defined_functions_enabled",
            "user_defined_functions_enabled",
            "user_defined_functions_fail_timeout",
            "user_defined_functions_threads_enabled",
            "user_defined_functions_warn_timeout",
            "user_function_timeout_policy",
        ],
    ),
    (
        "masking of columns is not there yet",
        &["dynamic_data_masking_enabled"],
    ),
    (
        "transient replication is not offered",
        &["transient_replication_enabled"],
    ),
    (
        "compact storage is not offered",
        &["compact_tables_enabled", "drop_compact_storage_enabled"],
    ),
    (
        "partition deny lists are not there yet",
        &[
            "denylist_consistency_level",
            "denylist_initial_load_retry",
            "denylist_max_keys_per_table",
            "denylist_max_keys_total",
            "denylist_range_reads_enabled",
            "denylist_reads_enabled",
            "denylist_refresh",
            "denylist_writes_enabled",
            "partition_denylist_enabled",
        ],
    ),
    (
        "pages are limited in bytes, rows and dead rows",
        &[
            "coordinator_read_size_fail_threshold",
            "coordinator_read_size_warn_threshold",
            "local_read_size_fail_threshold",
            "local_read_size_warn_threshold",
            "read_thresholds_enabled",
            "row_index_read_size_fail_threshold",
            "row_index_read_size_warn_threshold",
        ],
    ),
    (
        "this guardrail is not there yet",
        &[
            "allow_filtering_enabled",
            "alter_table_enabled",
            "bulk_load_enabled",
            "collection_size_fail_threshold",
            "collection_size_warn_threshold",
            "column_value_size_fail_threshold",
            "column_value_size_warn_threshold",
            "columns_per_table_fail_threshold",
            "columns_per_table_warn_threshold",
            "data_disk_usage_max_disk_size",
            "data_disk_usage_percentage_fail_threshold",
            "data_disk_usage_percentage_warn_threshold",
            "dcl_enabled",
            "ddl_enabled",
            "drop_keyspace_enabled",
            "drop_truncate_table_enabled",
            "fields_per_udt_fail_threshold",
            "fields_per_udt_warn_threshold",
            "group_by_enabled",
            "in_select_cartesian_product_fail_threshold",
            "in_select_cartesian_product_warn_threshold",
            "intersect_filtering_query_enabled",
            "intersect_filtering_query_warned",
            "items_per_collection_fail_threshold",
            "items_per_collection_warn_threshold",
            "keyspaces_fail_threshold",
            "keyspaces_warn_threshold",
            "maximum_replication_factor_fail_threshold",
            "maximum_replication_factor_warn_threshold",
            "minimum_replication_factor_fail_threshold",
            "minimum_replication_factor_warn_threshold",
            "minimum_timestamp_fail_threshold",
            "minimum_timestamp_warn_threshold",
            "page_size_fail_threshold",
            "page_size_warn_threshold",
            "partition_keys_in_select_fail_threshold",
            "partition_keys_in_select_warn_threshold",
            "partition_size_fail_threshold",
            "partition_size_warn_threshold",
            "partition_tombstones_fail_threshold",
            "partition_tombstones_warn_threshold",
            "read_before_write_list_operations_enabled",
            "read_consistency_levels_disallowed",
            "read_consistency_levels_warned",
            "simplestrategy_enabled",
            "table_properties_disallowed",
            "table_properties_ignored",
            "table_properties_warned",
            "tables_fail_threshold",
            "tables_warn_threshold",
            "uncompressed_tables_enabled",
            "use_statements_enabled",
            "user_timestamps_enabled",
            "vector_dimensions_fail_threshold",
            "vector_dimensions_warn_threshold",
            "vector_type_enabled",
            "write_consistency_levels_disallowed",
            "write_consistency_levels_warned",
            "zero_ttl_on_twcs_enabled",
            "zero_ttl_on_twcs_warned",
        ],
    ),
    (
        "prepared statements always follow the new rules",
        &["force_new_prepared_statement_behaviour"],
    ),
    (
        "table ids are always made anew",
        &["use_deterministic_table_id"],
    ),
    (
        "range tombstones need no such setting",
        &[
            "initial_range_tombstone_list_allocation_size",
            "range_tombstone_list_growth_factor",
        ],
    ),
    ("traces are kept for one day", &["trace_type_query_ttl"]),
    (
        "metrics are not there yet",
        &[
            "client_error_reporting_exclusions",
            "client_request_size_metrics_enabled",
            "max_top_size_partition_count",
            "max_top_tombstone_partition_count",
            "min_tracked_partition_size",
            "min_tracked_partition_tombstone_count",
            "sstable_read_rate_persistence_enabled",
            "top_partitions_enabled",
        ],
    ),
    (
        "there is no Java heap; see memory_limit",
        &[
            "dump_heap_on_uncaught_exception",
            "gc_log_threshold",
            "gc_warn_threshold",
            "heap_dump_path",
        ],
    ),
    ("the start checks what it needs", &["startup_checks"]),
    ("no timer needs setting", &["windows_timer_interval"]),
];

/// Former names that do not come from the present one by a suffix of [`UNITS`](super::keys::UNITS).
const FORMER: &[(&str, &str)] = &[
    ("cache_load_timeout_seconds", "cache_load_timeout"),
    (
        "cdc_free_space_check_interval_ms",
        "cdc_free_space_check_interval",
    ),
    (
        "commitlog_sync_batch_window_in_ms",
        "commitlog_sync_group_window",
    ),
    (
        "compaction_large_partition_warning_threshold",
        "partition_size_warn_threshold",
    ),
    (
        "compaction_large_partition_warning_threshold_mb",
        "partition_size_warn_threshold",
    ),
    (
        "compaction_tombstone_warning_threshold",
        "partition_tombstones_warn_threshold",
    ),
    ("cross_node_timeout", "internode_timeout"),
    (
        "enable_drop_compact_storage",
        "drop_compact_storage_enabled",
    ),
    ("enable_materialized_views", "materialized_views_enabled"),
    ("enable_sasi_indexes", "sasi_indexes_enabled"),
    (
        "enable_scripted_user_defined_functions",
        "scripted_user_defined_functions_enabled",
    ),
    (
        "enable_transient_replication",
        "transient_replication_enabled",
    ),
    (
        "enable_user_defined_functions",
        "user_defined_functions_enabled",
    ),
    (
        "enable_user_defined_functions_threads",
        "user_defined_functions_threads_enabled",
    ),
    (
        "index_summary_resize_interval_in_minutes",
        "index_summary_resize_interval",
    ),
    (
        "inter_dc_stream_throughput_outbound_megabits_per_sec",
        "inter_dc_stream_throughput_outbound",
    ),
    (
        "internode_recv_buff_size_in_bytes",
        "internode_socket_receive_buffer_size",
    ),
    (
        "internode_send_buff_size_in_bytes",
        "internode_socket_send_buffer_size",
    ),
    ("keyspace_count_warn_threshold", "keyspaces_warn_threshold"),
    (
        "native_transport_max_concurrent_requests_in_bytes",
        "native_transport_max_request_data_in_flight",
    ),
    (
        "native_transport_max_concurrent_requests_in_bytes_per_ip",
        "native_transport_max_request_data_in_flight_per_ip",
    ),
    (
        "prepared_statements_cache_size_mb",
        "prepared_statements_cache_size",
    ),
    (
        "stream_throughput_outbound_megabits_per_sec",
        "stream_throughput_outbound",
    ),
    (
        "streaming_keep_alive_period_in_secs",
        "streaming_keep_alive_period",
    ),
    ("table_count_warn_threshold", "tables_warn_threshold"),
    ("tracetype_query_ttl", "trace_type_query_ttl"),
    ("tracetype_repair_ttl", "trace_type_repair_ttl"),
    (
        "user_defined_function_fail_timeout",
        "user_defined_functions_fail_timeout",
    ),
    (
        "user_defined_function_warn_timeout",
        "user_defined_functions_warn_timeout",
    ),
    (
        "validation_preview_purge_head_start_in_sec",
        "validation_preview_purge_head_start",
    ),
];

/// What replaces a setting of Cassandra's that has no meaning here; `None` when the name is not Cassandra's.
pub fn replacement(name: &str) -> Option<&'static str> {
    let former = |name: &str| {
        FORMER
            .iter()
            .find(|(former, _)| *former == name)
            .map(|(_, present)| *present)
    };
    let plain = |name: &str| {
        let group = GROUPS.iter().find(|(_, names)| names.contains(&name));
        group.map(|(instead, _)| *instead)
    };
    if let Some(instead) = plain(former(name).unwrap_or(name)) {
        return Some(instead);
    }
    let suffixes = ["_in_ms", "_in_bytes", "_in_kb", "_in_mb"];
    suffixes
        .iter()
        .find_map(|suffix| plain(name.strip_suffix(suffix)?))
}

/// All present names, for suggestions.
pub fn names() -> impl Iterator<Item = &'static str> {
    GROUPS.iter().flat_map(|(_, names)| names.iter().copied())
}

/// Why a setting without meaning here must not be passed over: what it asks for protects data, and would be missing.
pub fn refusal(name: &str, value: &Value) -> Option<String> {
    let allows_all = |kind: &str| match value.class_name() {
        Ok(class) if class == kind => None,
        Ok(class) => Some(format!(
            "'{class}' is not supported yet; say {kind} or leave it out"
        )),
        Err(_) => Some(format!("expected {kind}")),
    };
    let switched_off = |switch: &str| match value.entry(switch) {
        Some(Value::Scalar(text)) if text == "true" => Some(format!(
            "{switch}: true is not supported yet; say {switch}: false or leave it out"
        )),
        _ => None,
    };
    match name {
        _ if *value == Value::Null => None,
        "authorizer" => allows_all("AllowAllAuthorizer"),
        "network_authorizer" => allows_all("AllowAllNetworkAuthorizer"),
        "cidr_authorizer" => allows_all("AllowAllCIDRAuthorizer"),
        "client_encryption_options" | "transparent_data_encryption_options" => {
            switched_off("enabled")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_name_stands_once() {
        let mut seen = BTreeSet::new();
        for name in names() {
            assert!(seen.insert(name), "{name} stands twice");
        }
        for (former, present) in FORMER {
            assert!(
                seen.contains(present),
                "{former} leads to {present}, which is not there"
            );
            assert!(!seen.contains(former), "{former} is also a present name");
        }
        assert!(
            seen.len() > 300,
            "Cassandra's file has more than {} names",
            seen.len()
        );
    }

    #[test]
    fn names_are_known_in_full_only() {
        let check =
            |name: &str, expected: Option<&str>| assert_eq!(replacement(name), expected, "{name}");
        check("endpoint_snitch", Some("say data_center and rack"));
        check("max_hint_window", Some("hints come with the cluster"));
        check("max_hint_window_in_ms", Some("hints come with the cluster"));
        check(
            "enable_materialized_views",
            Some("materialized views are not there yet"),
        );
        check("key_cache_size_in_mb", Some("see block_cache_size"));
        check("tracetype_query_ttl", Some("traces are kept for one day"));
        check(
            "trace_type_repair_ttl",
            Some("repair runs inside the server and comes with the cluster"),
        );
        check("max_hint_windows", None);
        check("paxos_", None);
        check("sstables", None);
        check("in_ms", None);
    }

    #[test]
    fn missing_protection_is_refused() {
        let check = |name: &str, yaml: &str, refused: bool| {
            let value: Value = serde_saphyr::from_str(yaml).unwrap();
            assert_eq!(refusal(name, &value).is_some(), refused, "{name}: {yaml}");
        };
        check("authorizer", "AllowAllAuthorizer", false);
        check("authorizer", "{class_name: AllowAllAuthorizer}", false);
        check("authorizer", "CassandraAuthorizer", true);
        check("authorizer", "[CassandraAuthorizer]", true);
        check(
            "cidr_authorizer",
            "{class_name: CassandraCIDRAuthorizer}",
            true,
        );
        check(
            "client_encryption_options",
            "{enabled: false, optional: true}",
            false,
        );
        check("client_encryption_options", "{enabled: true}", true);
        check(
            "transparent_data_encryption_options",
            "{enabled: true}",
            true,
        );
        check("role_manager", "CassandraRoleManager", false);
    }
}
