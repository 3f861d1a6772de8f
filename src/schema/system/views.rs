//! The built-in views: names, keys and columns as Cassandra 5.0 has them.
//!
//! Left out: `repairs` and its kin and the views of storage-attached indexes, of which there is nothing to show.

use super::Definition;
use super::tables::{COLUMN_COLUMNS, COLUMN_KEY, table};

const TABLE_KEY: &str = "keyspace_name text, table_name text";
const LATENCY: &str =
    "count bigint, max_ms double, p50th_ms double, p99th_ms double, per_second double";
const HISTOGRAM: &str = "count bigint, max double, p50th double, p99th double";

/// What a node shows of itself. A table for which nobody has facts is empty: gossip and traffic between nodes have none
/// on a single one.
pub(super) const VIEWS: &[Definition] = &[
    table(
        "batch_metrics",
        "Metrics specific to batch statements",
        "name text",
        "max bigint, p50th double, p999th double, p99th double",
    ),
    table(
        "caches",
        "system caches",
        "name text",
        "capacity_bytes bigint, entry_count int, hit_count bigint, hit_ratio double,
         recent_hit_rate_per_second bigint, recent_request_rate_per_second bigint, request_count bigint,
         size_bytes bigint",
    ),
    table(
        "clients",
        "currently connected clients",
        "address inet | port int",
        "authentication_metadata frozen<map<text, text>>, authentication_mode text,
         client_options frozen<map<text, text>>, connection_stage text, driver_name text, driver_version text,
         hostname text, keyspace_name text, protocol_version int, request_count bigint, ssl_cipher_suite text,
         ssl_enabled boolean, ssl_protocol text, username text",
    ),
    table(
        "cidr_filtering_metrics_counts",
        "Count metrics specific to CIDR filtering",
        "name text",
        "value bigint",
    ),
    table(
        "cidr_filtering_metrics_latencies",
        "Latency metrics specific to CIDR filtering",
        "name text",
        "max double, p50th double, p95th double, p999th double, p99th double",
    ),
    table("coordinator_read_latency", "coordinator read latency", TABLE_KEY, LATENCY),
    table("coordinator_scan_latency", "coordinator scan latency", TABLE_KEY, LATENCY),
    table("coordinator_write_latency", "coordinator write latency", TABLE_KEY, LATENCY),
    table("cql_metrics", "Metrics specific to CQL prepared statement caching", "name text", "value double"),
    table("credentials_cache_keys", "keys in the credentials cache", "role text", ""),
    table("disk_usage", "disk usage by table", TABLE_KEY, "mebibytes bigint"),
    table(
        "gossip_info",
        "lists the gossip information for the cluster",
        "address inet | port int",
        "dc text, dc_version int, disk_usage text, disk_usage_version int, generation int, heartbeat int,
         host_id text, host_id_version int, hostname text, index_status text, index_status_version int,
         internal_address_and_port text, internal_address_and_port_version int, internal_ip text,
         internal_ip_version int, load text, load_version int, native_address_and_port text,
         native_address_and_port_version int, net_version text, net_version_version int, rack text,
         rack_version int, release_version text, release_version_version int, removal_coordinator text,
         removal_coordinator_version int, rpc_address text, rpc_address_version int, rpc_ready text,
         rpc_ready_version int, schema text, schema_version int, severity text, severity_version int,
         sstable_versions text, sstable_versions_version int, status text, status_version int,
         status_with_port text, status_with_port_version int, tokens_version int",
    ),
    table(
        "internode_inbound",
        "",
        "address inet, port int | dc text, rack text",
        "corrupt_frames_recovered bigint, corrupt_frames_unrecovered bigint, error_bytes bigint,
         error_count bigint, expired_bytes bigint, expired_count bigint, processed_bytes bigint,
         processed_count bigint, received_bytes bigint, received_count bigint, scheduled_bytes bigint,
         scheduled_count bigint, throttled_count bigint, throttled_nanos bigint, using_bytes bigint,
         using_reserve_bytes bigint",
    ),
    table(
        "internode_outbound",
        "",
        "address inet, port int | dc text, rack text",
        "active_connections bigint, connection_attempts bigint, error_bytes bigint, error_count bigint,
         expired_bytes bigint, expired_count bigint, overload_bytes bigint, overload_count bigint,
         pending_bytes bigint, pending_count bigint, sent_bytes bigint, sent_count bigint,
         successful_connection_attempts bigint, using_bytes bigint, using_reserve_bytes bigint",
    ),
    table("jmx_permissions_cache_keys", "keys in the JMX permissions cache", "role text", ""),
    table("local_read_latency", "local read latency", TABLE_KEY, LATENCY),
    table("local_scan_latency", "local scan latency", TABLE_KEY, LATENCY),
    table("local_write_latency", "local write latency", TABLE_KEY, LATENCY),
    table("max_partition_size", "max partition size by table", TABLE_KEY, "mebibytes bigint"),
    table("network_permissions_cache_keys", "keys in the network permissions cache", "role text", ""),
    table(
        "pending_hints",
        "Pending hints that this node has for other nodes",
        "host_id uuid",
        "address inet, dc text, files int, newest timestamp, oldest timestamp, port int, rack text, status text,
         total_size bigint",
    ),
    table("permissions_cache_keys", "keys in the permissions cache", "role text, resource text", ""),
    table(
        "queries",
        "Lists active queries and where they are in the queue",
        "thread_id text",
        "queued_micros bigint, running_micros bigint, task text",
    ),
    table("roles_cache_keys", "keys in the roles cache", "role text", ""),
    table("rows_per_read", "rows per read", TABLE_KEY, HISTOGRAM),
    table("settings", "current settings", "name text", "value text"),
    table(
        "snapshots",
        "available snapshots",
        "name text | keyspace_name text, table_name text",
        "created_at timestamp, ephemeral boolean, expires_at timestamp, size_on_disk bigint, true_size bigint",
    ),
    table(
        "sstable_tasks",
        "current sstable tasks",
        "keyspace_name text | table_name text, task_id timeuuid",
        "completion_ratio double, kind text, progress bigint, sstables int, target_directory text, total bigint,
         unit text",
    ),
    table(
        "streaming",
        "",
        "id timeuuid",
        "bytes_received bigint, bytes_sent bigint, bytes_to_receive bigint, bytes_to_send bigint,
         duration_millis bigint, failure_cause text, files_received bigint, files_sent bigint,
         files_to_receive bigint, files_to_send bigint, follower boolean, last_updated_at timestamp,
         operation text, peers frozen<list<text>>, progress_percentage float, status text,
         status_failure_timestamp timestamp, status_init_timestamp timestamp,
         status_start_timestamp timestamp, status_success_timestamp timestamp, success_message text",
    ),
    table(
        "system_logs",
        "Cassandra logs",
        "timestamp timestamp | order_in_millisecond int",
        "level text, logger text, message text",
    ),
    table("system_properties", "Cassandra relevant system properties", "name text", "value text"),
    table(
        "thread_pools",
        "thread pools",
        "name text",
        "active_tasks int, active_tasks_limit int, blocked_tasks bigint, blocked_tasks_all_time bigint,
         completed_tasks bigint, core_pool_size int, max_pool_size int, max_tasks_queued int, pending_tasks int",
    ),
    table("tombstones_per_read", "tombstones per read", TABLE_KEY, HISTOGRAM),
];

pub(super) const VIRTUAL_SCHEMA: &[Definition] = &[
    table(
        "columns",
        "virtual column definitions",
        COLUMN_KEY,
        COLUMN_COLUMNS,
    ),
    table(
        "keyspaces",
        "virtual keyspace definitions",
        "keyspace_name text",
        "",
    ),
    table(
        "tables",
        "virtual table definitions",
        "keyspace_name text | table_name text",
        "comment text",
    ),
];
