//! The settings that exist: name, meaning, default, how each is read and shown.
//!
//! The order matters twice: it is the order of `helenus check`, and a default may use the settings above it
//! (`rpc_address` follows `listen_address`, the parts of memory follow `memory_limit`).

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use base::limits;

use super::connections;
use super::field::{self, SIZE_MAX, scalar, set};
use super::settings::{Authenticator, CommitlogSync, Machine, Settings};
use super::value::{Value, show_bytes, show_duration};

/// One setting.
pub struct Key {
    /// Its name in the file; `HELENUS_` and this in capitals is its name in the environment.
    pub name: &'static str,
    /// What it means, in a line.
    pub about: &'static str,
    /// Which former names it has.
    kind: Kind,
    /// Sets the default.
    pub default: fn(&mut Settings, &Machine),
    /// Reads a value; a bare number of a size or duration counts in the unit given.
    pub read: fn(&mut Settings, &Value, Option<u64>) -> Result<(), String>,
    /// The value in effect.
    pub show: fn(&Settings) -> Value,
}

/// What a setting measures: Cassandra's former names say the unit, its present values do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Size,
    Time,
}

/// Endings of former names, and the unit in bytes or microseconds.
const UNITS: &[(&str, Kind, u64)] = &[
    ("_in_ms", Kind::Time, 1_000),
    ("_in_bytes", Kind::Size, 1),
    ("_in_kb", Kind::Size, 1 << 10),
    ("_in_mb", Kind::Size, 1 << 20),
    ("_mb_per_sec", Kind::Size, 1 << 20),
];

/// The setting of this name, or former name with the unit of its bare number.
pub fn find(name: &str) -> Option<(&'static Key, Option<u64>)> {
    let exact = |name: &str| KEYS.iter().find(|key| key.name == name);
    if let Some(key) = exact(name) {
        return Some((key, None));
    }
    UNITS.iter().find_map(|(suffix, kind, unit)| {
        let key = exact(name.strip_suffix(suffix)?)?;
        (key.kind == *kind).then_some((key, Some(*unit)))
    })
}

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

macro_rules! text {
    ($name:ident, $default:expr, $about:expr) => {
        Key {
            name: stringify!($name),
            about: $about,
            kind: Kind::Plain,
            default: |settings, _| settings.$name = $default.into(),
            read: |settings, value, _| set(&mut settings.$name, field::name(value)),
            show: |settings| scalar(&settings.$name),
        }
    };
}

macro_rules! number {
    ($name:ident, $default:expr, $least:expr, $most:expr, $about:expr) => {
        Key {
            name: stringify!($name),
            about: $about,
            kind: Kind::Plain,
            default: |settings, _| settings.$name = $default,
            read: |settings, value, _| {
                let number = value.number($least, $most)?;
                set(
                    &mut settings.$name,
                    number
                        .try_into()
                        .map_err(|_| "the number is too large".to_string()),
                )
            },
            show: |settings| scalar(settings.$name),
        }
    };
}

macro_rules! address {
    ($name:ident, $default:expr, $about:expr) => {
        Key {
            name: stringify!($name),
            about: $about,
            kind: Kind::Plain,
            default: |settings, _| settings.$name = ($default)(settings),
            read: |settings, value, _| set(&mut settings.$name, field::ip(value)),
            show: |settings| scalar(settings.$name),
        }
    };
}

macro_rules! path {
    ($name:expr, $field:ident, $about:expr) => {
        Key {
            name: $name,
            about: $about,
            kind: Kind::Plain,
            // Filled in by `finish`, when all paths that were written are known.
            default: |settings, _| settings.$field = PathBuf::new(),
            read: |settings, value, _| set(&mut settings.$field, field::one_path(value)),
            show: |settings| scalar(settings.$field.display()),
        }
    };
}

macro_rules! size {
    ($name:ident, $default:expr, $least:expr, $most:expr, $about:expr) => {
        Key {
            name: stringify!($name),
            about: $about,
            kind: Kind::Size,
            default: |settings, machine| settings.$name = ($default)(settings, machine),
            read: |settings, value, unit| {
                set(
                    &mut settings.$name,
                    field::bytes(value, unit, $least, $most),
                )
            },
            show: |settings| scalar(show_bytes(settings.$name)),
        }
    };
}

macro_rules! time {
    ($name:ident, $default:expr, $least:expr, $about:expr) => {
        Key {
            name: stringify!($name),
            about: $about,
            kind: Kind::Time,
            default: |settings, _| settings.$name = $default,
            read: |settings, value, unit| {
                set(&mut settings.$name, field::duration(value, unit, $least))
            },
            show: |settings| scalar(show_duration(settings.$name)),
        }
    };
}

/// So many hundredths of the memory limit.
fn part(settings: &Settings, percent: u64) -> u64 {
    settings.memory_limit / 100 * percent / MIB * MIB
}

/// Every setting.
pub const KEYS: &[Key] = &[
    text!(
        cluster_name,
        "Test Cluster",
        "the cluster's name; drivers refuse to mix two"
    ),
    text!(data_center, "datacenter1", "where this node stands"),
    text!(rack, "rack1", "where in the datacenter"),
    number!(
        num_tokens,
        16,
        1,
        1024,
        "ranges of the ring for this node, chosen at its first start"
    ),
    Key {
        name: "seeds",
        about: "nodes to ask at the first start; a node that is first in its own list begins a cluster",
        kind: Kind::Plain,
        default: |settings, _| settings.seeds = Vec::new(),
        read: |settings, value, _| set(&mut settings.seeds, super::seeds::read(value)),
        show: |settings| Value::List(settings.seeds.iter().map(scalar).collect()),
    },
    address!(
        listen_address,
        |_: &Settings| IpAddr::V4(Ipv4Addr::LOCALHOST),
        "for other nodes"
    ),
    number!(storage_port, 7000, 1, 65_535, "for other nodes"),
    address!(
        rpc_address,
        |settings: &Settings| settings.listen_address,
        "for clients; default: listen_address"
    ),
    number!(
        native_transport_port,
        9042,
        0,
        65_535,
        "for clients; 0 takes a free one"
    ),
    address!(
        broadcast_rpc_address,
        |settings: &Settings| settings.rpc_address,
        "what clients are told; must be said when rpc_address is a wildcard"
    ),
    address!(
        admin_address,
        |settings: &Settings| match settings.listen_address {
            address if address.is_loopback() => address,
            _ => IpAddr::V4(Ipv4Addr::LOCALHOST),
        },
        "for helenus admin and health checks; loopback only"
    ),
    number!(
        admin_port,
        7199,
        0,
        65_535,
        "for helenus admin and health checks; 0 takes a free one"
    ),
    Key {
        name: "authenticator",
        about: "who may log in: AllowAllAuthenticator; must be said to listen beyond loopback",
        kind: Kind::Plain,
        default: |settings, _| settings.authenticator = None,
        read: |settings, value, _| {
            set(
                &mut settings.authenticator,
                field::authenticator(value).map(Some),
            )
        },
        show: |settings| match settings.authenticator {
            None => Value::Null,
            Some(Authenticator::AllowAll) => scalar("AllowAllAuthenticator"),
        },
    },
    Key {
        name: "partitioner",
        about: "how keys become tokens: Murmur3Partitioner",
        kind: Kind::Plain,
        default: |_, _| {},
        read: |_, value, _| match value.class_name()? {
            "Murmur3Partitioner" => Ok(()),
            other => Err(format!(
                "'{other}' is not offered; say Murmur3Partitioner or leave it out"
            )),
        },
        show: |_| scalar("Murmur3Partitioner"),
    },
    path!(
        "data_dir",
        data_dir,
        "holds the metadata log and, unless said otherwise, everything else"
    ),
    path!(
        "data_file_directories",
        data_file_directory,
        "holds the tables; default: data below data_dir"
    ),
    path!(
        "commitlog_directory",
        commitlog_directory,
        "holds the commit log; default: commitlog below data_dir"
    ),
    size!(
        memory_limit,
        |_: &Settings, machine: &Machine| (machine.memory_bytes / 4).clamp(256 * MIB, 4 * GIB)
            / MIB
            * MIB,
        64 * MIB,
        SIZE_MAX,
        "what the parts below share; default: a quarter of the machine or control group"
    ),
    size!(
        memtable_space,
        |s: &Settings, _: &Machine| part(s, 40),
        8 * MIB,
        SIZE_MAX,
        "memtables; default 40 %"
    ),
    size!(
        block_cache_size,
        |s: &Settings, _: &Machine| part(s, 30),
        MIB,
        SIZE_MAX,
        "blocks of files; default 30 %"
    ),
    size!(
        request_space,
        |s: &Settings, _: &Machine| part(s, 20),
        MIB,
        SIZE_MAX,
        "requests and answers; default 20 %"
    ),
    Key {
        name: "commitlog_sync",
        about: "a write is answered: group, after a shared sync; batch, after one at once; periodic, before it",
        kind: Kind::Plain,
        default: |settings, _| settings.commitlog_sync = CommitlogSync::Group,
        read: |settings, value, _| set(&mut settings.commitlog_sync, field::commitlog_sync(value)),
        show: |settings| {
            scalar(match settings.commitlog_sync {
                CommitlogSync::Periodic => "periodic",
                CommitlogSync::Group => "group",
                CommitlogSync::Batch => "batch",
            })
        },
    },
    time!(
        commitlog_sync_period,
        Duration::from_secs(10),
        Duration::from_millis(1),
        "what a power failure may cost with commitlog_sync: periodic"
    ),
    size!(
        commitlog_segment_size,
        |_: &Settings, _: &Machine| limits::SEGMENT_BYTES as u64,
        MIB,
        limits::SEGMENT_BYTES as u64,
        "a mutation or batch may take half of it"
    ),
    size!(
        commitlog_total_space,
        |s: &Settings, _: &Machine| (2 * s.memtable_space)
            .min(256 * MIB)
            .max(4 * s.commitlog_segment_size),
        4 * MIB,
        SIZE_MAX,
        "at 80 % of it the tables that hold the oldest segment flush"
    ),
    Key {
        name: "compaction_throughput",
        about: "how fast compaction writes while it keeps up; 0 is as fast as it can",
        kind: Kind::Size,
        default: |settings, _| settings.compaction_throughput = 64 * MIB,
        read: |settings, value, unit| {
            set(
                &mut settings.compaction_throughput,
                field::rate(value, unit),
            )
        },
        show: |settings| scalar(format!("{}/s", show_bytes(settings.compaction_throughput))),
    },
    Key {
        name: "autocompaction_on_startup_enabled",
        about: "whether compaction runs by itself",
        kind: Kind::Plain,
        default: |settings, _| settings.autocompaction_on_startup_enabled = true,
        read: |settings, value, _| {
            set(
                &mut settings.autocompaction_on_startup_enabled,
                value.boolean(),
            )
        },
        show: |settings| scalar(settings.autocompaction_on_startup_enabled),
    },
    Key {
        name: "accept_lost_commitlog",
        about: "whether to start although the commit log is missing or damaged: what no SSTable has of it is lost",
        kind: Kind::Plain,
        default: |settings, _| settings.accept_lost_commitlog = false,
        read: |settings, value, _| set(&mut settings.accept_lost_commitlog, value.boolean()),
        show: |settings| scalar(settings.accept_lost_commitlog),
    },
    time!(
        read_request_timeout,
        Duration::from_secs(5),
        Duration::from_millis(1),
        "reads of named partitions"
    ),
    time!(
        range_request_timeout,
        Duration::from_secs(10),
        Duration::from_millis(1),
        "reads of ranges"
    ),
    time!(
        write_request_timeout,
        Duration::from_secs(2),
        Duration::from_millis(1),
        "writes"
    ),
    time!(
        truncate_request_timeout,
        Duration::from_secs(60),
        Duration::from_millis(1),
        "TRUNCATE"
    ),
    Key {
        name: "native_transport_max_concurrent_connections",
        about: "clients at one time; default, and -1: 16384, or fewer where the process may open few files",
        kind: Kind::Plain,
        default: |settings, machine| {
            settings.native_transport_max_concurrent_connections = connections::default_max(machine)
        },
        read: |settings, value, _| {
            if let Some(max) = field::connections(value)? {
                settings.native_transport_max_concurrent_connections = max;
            }
            Ok(())
        },
        show: |settings| scalar(settings.native_transport_max_concurrent_connections),
    },
    Key {
        name: "native_transport_max_concurrent_connections_per_ip",
        about: "clients at one time from one address; -1 for no limit",
        kind: Kind::Plain,
        default: |settings, _| settings.native_transport_max_concurrent_connections_per_ip = None,
        read: |settings, value, _| {
            set(
                &mut settings.native_transport_max_concurrent_connections_per_ip,
                field::connections(value),
            )
        },
        show: |settings| match settings.native_transport_max_concurrent_connections_per_ip {
            None => scalar(-1),
            Some(max) => scalar(max),
        },
    },
    size!(
        native_transport_max_frame_size,
        |_: &Settings, _: &Machine| limits::FRAME_BYTES_MAX as u64,
        64 << 10,
        limits::FRAME_BYTES_MAX as u64,
        "the largest request"
    ),
    time!(
        maximum_timestamp_warn_threshold,
        Duration::from_secs(60),
        Duration::ZERO,
        "client timestamps further ahead give a warning; 0 for none"
    ),
    time!(
        maximum_timestamp_fail_threshold,
        3 * DAY,
        Duration::ZERO,
        "client timestamps further ahead are refused; 0 for none"
    ),
    number!(
        tombstone_warn_threshold,
        1_000,
        0,
        1 << 40,
        "dead rows in a page that give a warning"
    ),
    number!(
        tombstone_failure_threshold,
        100_000,
        1,
        1 << 40,
        "dead rows in a page that end the read"
    ),
    size!(
        batch_size_warn_threshold,
        |_: &Settings, _: &Machine| 5 << 10,
        0,
        limits::MUTATION_BYTES_MAX as u64,
        "batches larger than this give a warning"
    ),
    size!(
        batch_size_fail_threshold,
        |_: &Settings, _: &Machine| 50 << 10,
        1,
        limits::MUTATION_BYTES_MAX as u64,
        "batches larger than this are refused"
    ),
    number!(
        unlogged_batch_across_partitions_warn_threshold,
        10,
        0,
        i32::MAX as u64,
        "unlogged batches over more partitions than this give a warning"
    ),
    Key {
        name: "log_level",
        about: "error, warn, info, debug or trace, for all or by module: info,storage=debug",
        kind: Kind::Plain,
        default: |settings, _| settings.log_level = "info".into(),
        read: |settings, value, _| set(&mut settings.log_level, field::log_level(value)),
        show: |settings| scalar(&settings.log_level),
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::cassandra;

    #[test]
    fn names_are_found_with_their_former_units() {
        let check = |name: &str, expected: Option<(&str, Option<u64>)>| {
            assert_eq!(
                find(name).map(|(key, unit)| (key.name, unit)),
                expected,
                "{name}"
            );
        };
        check("rack", Some(("rack", None)));
        check("read_request_timeout", Some(("read_request_timeout", None)));
        check(
            "read_request_timeout_in_ms",
            Some(("read_request_timeout", Some(1_000))),
        );
        check(
            "commitlog_total_space_in_mb",
            Some(("commitlog_total_space", Some(1 << 20))),
        );
        check(
            "compaction_throughput_mb_per_sec",
            Some(("compaction_throughput", Some(1 << 20))),
        );
        check("read_request_timeout_in_mb", None);
        check("rack_in_ms", None);
        check("racks", None);
    }

    #[test]
    fn no_name_is_both_known_and_replaced() {
        for key in KEYS {
            assert_eq!(cassandra::replacement(key.name), None, "{}", key.name);
        }
    }
}
