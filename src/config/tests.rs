//! The settings as a person meets them: sources in order, and the text of each error.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::*;

fn machine() -> Machine {
    Machine {
        memory_bytes: 8 << 30,
        open_files_max: None,
        directory: PathBuf::from("/srv"),
    }
}

fn sources(file: &str) -> Sources {
    Sources {
        file: (!file.is_empty()).then(|| ("helenus.yaml".to_string(), file.to_string())),
        environment: Vec::new(),
        arguments: Arguments::default(),
        machine: machine(),
    }
}

fn with_environment(file: &str, variables: &[(&str, &str)]) -> Sources {
    let variables = variables
        .iter()
        .map(|(name, text)| (name.to_string(), text.to_string()));
    Sources {
        environment: variables.collect(),
        ..sources(file)
    }
}

fn with_sets(file: &str, sets: &[&str]) -> Sources {
    let set = sets.iter().map(|set| set.to_string()).collect();
    Sources {
        arguments: Arguments {
            set,
            ..Arguments::default()
        },
        ..sources(file)
    }
}

fn settings(sources: &Sources) -> Settings {
    load(sources)
        .unwrap_or_else(|error| panic!("{sources:?}: {error}"))
        .settings
}

fn error(sources: &Sources) -> String {
    let text = load(sources)
        .expect_err("settings that are refused")
        .to_string();
    assert!(!text.contains('\n'), "more than a line: {text}");
    text
}

#[test]
fn defaults_need_nothing() {
    let settings = settings(&sources(""));
    assert_eq!(settings.native_transport().to_string(), "127.0.0.1:9042");
    assert_eq!(settings.admin().to_string(), "127.0.0.1:7199");
    assert_eq!(settings.storage().to_string(), "127.0.0.1:7000");
    assert_eq!(settings.data_dir, Path::new("/srv/helenus-data"));
    assert_eq!(
        settings.data_file_directory,
        Path::new("/srv/helenus-data/data")
    );
    assert_eq!(
        settings.commitlog_directory,
        Path::new("/srv/helenus-data/commitlog")
    );
    assert_eq!(
        settings.metadata_directory(),
        Path::new("/srv/helenus-data/metadata")
    );
    assert_eq!(
        (settings.cluster_name.as_str(), settings.num_tokens),
        ("Test Cluster", 16)
    );
    assert_eq!(
        (settings.data_center.as_str(), settings.rack.as_str()),
        ("datacenter1", "rack1")
    );
    assert_eq!(settings.commitlog_sync, CommitlogSync::Group);
    assert_eq!(settings.compaction_throughput, 64 << 20);
    assert_eq!(load(&sources("")).unwrap().warnings, Vec::<String>::new());
}

#[test]
fn memory_is_a_quarter_within_bounds() {
    let check = |machine_mib: u64, limit_mib: u64| {
        let mut sources = sources("");
        sources.machine.memory_bytes = machine_mib << 20;
        let settings = settings(&sources);
        assert_eq!(settings.memory_limit, limit_mib << 20, "{machine_mib}");
        let parts = settings.memtable_space + settings.block_cache_size + settings.request_space;
        assert!(parts <= settings.memory_limit * 9 / 10);
        assert!(parts >= settings.memory_limit * 88 / 100, "{parts}");
    };
    check(100, 256);
    check(2_000, 500);
    check(8_192, 2_048);
    check(1_000_000, 4_096);
}

#[test]
fn later_sources_win() {
    let mut all = with_environment(
        "rack: file\ndata_center: file\ncluster_name: file\n",
        &[
            ("HELENUS_RACK", "environment"),
            ("HELENUS_DATA_CENTER", "environment"),
        ],
    );
    all.arguments.set = vec!["rack=argument".into()];
    let settings = settings(&all);
    assert_eq!(
        (
            settings.rack.as_str(),
            settings.data_center.as_str(),
            settings.cluster_name.as_str()
        ),
        ("argument", "environment", "file")
    );
}

#[test]
fn flags_set_what_belongs_together() {
    let mut all = sources(
        "rpc_address: 127.0.0.9\nadmin_address: 127.0.0.8\ncommitlog_directory: /log\ndata_file_directories: [/data]\n",
    );
    all.arguments.listen_address = Some("127.0.0.2".into());
    all.arguments.data_dir = Some("here".into());
    all.arguments.seeds = Some("127.0.0.2:7000".into());
    let settings = settings(&all);
    let address: IpAddr = "127.0.0.2".parse().unwrap();
    assert_eq!(
        (
            settings.listen_address,
            settings.rpc_address,
            settings.broadcast_rpc_address,
            settings.admin_address
        ),
        (address, address, address, address)
    );
    assert_eq!(settings.data_file_directory, Path::new("/srv/here/data"));
    assert_eq!(
        settings.commitlog_directory,
        Path::new("/srv/here/commitlog")
    );
    assert_eq!(settings.seeds, ["127.0.0.2:7000"]);
}

#[test]
fn directories_may_lie_apart() {
    let settings = settings(&sources(
        "data_file_directories:\n  - /srv/tables\ncommitlog_directory: /fast/log\n",
    ));
    assert_eq!(settings.data_dir, Path::new("/srv/tables"));
    assert_eq!(settings.data_file_directory, Path::new("/srv/tables"));
    assert_eq!(settings.commitlog_directory, Path::new("/fast/log"));
}

#[test]
fn values_have_units_and_former_names() {
    let text = "read_request_timeout_in_ms: 1500\nwrite_request_timeout: 1500ms\ncommitlog_segment_size_in_mb: 16\n\
                memory_limit: 1GiB\ncompaction_throughput: 16MiB/s\nbatch_size_warn_threshold_in_kb: 7\n\
                unlogged_batch_across_partitions_warn_threshold: 3\n";
    let found = settings(&sources(text));
    assert_eq!(found.read_request_timeout, Duration::from_millis(1500));
    assert_eq!(found.write_request_timeout, Duration::from_millis(1500));
    assert_eq!(found.commitlog_segment_size, 16 << 20);
    assert_eq!(found.memory_limit, 1 << 30);
    assert_eq!(found.compaction_throughput, 16 << 20);
    assert_eq!(found.batch_size_warn_threshold, 7 << 10);
    assert_eq!(found.unlogged_batch_across_partitions_warn_threshold, 3);
    assert_eq!(
        settings(&sources("compaction_throughput_mb_per_sec: 8\n")).compaction_throughput,
        8 << 20
    );
    assert_eq!(
        settings(&sources("cluster_name: 007\n")).cluster_name,
        "007"
    );
    assert_eq!(settings(&sources("rack: \n")).rack, "rack1");
    assert_eq!(
        settings(&sources("# nothing\n\n  # at all\n")).rack,
        "rack1"
    );
}

#[test]
fn a_container_says_three_lines() {
    let text = "rpc_address: 0.0.0.0\nbroadcast_rpc_address: 10.0.0.1\nauthenticator: AllowAllAuthenticator\n";
    let settings = settings(&sources(text));
    assert_eq!(settings.authenticator, Some(Authenticator::AllowAll));
    assert_eq!(settings.native_transport().to_string(), "0.0.0.0:9042");
    assert_eq!(settings.broadcast_rpc_address.to_string(), "10.0.0.1");
    assert_eq!(settings.admin_address.to_string(), "127.0.0.1");
}

/// The lines of a stock `cassandra.yaml` that differ most in form.
const STOCK: &str = "\
cluster_name: 'Test Cluster'
num_tokens: 16
allocate_tokens_for_local_replication_factor: 3
hinted_handoff_enabled: true
max_hint_window: 3h
authenticator:
  class_name : AllowAllAuthenticator
authorizer:
  class_name : AllowAllAuthorizer
partitioner: org.apache.cassandra.dht.Murmur3Partitioner
seed_provider:
  - class_name: org.apache.cassandra.locator.SimpleSeedProvider
    parameters:
      - seeds: \"127.0.0.1:7000\"
commitlog_sync: periodic
commitlog_sync_period: 10000ms
listen_address: localhost
rpc_address: localhost
key_cache_size:
client_encryption_options:
  enabled: false
  keystore: conf/.keystore
endpoint_snitch: SimpleSnitch
";

#[test]
fn a_stock_file_of_cassandra_starts_a_node() {
    let Loaded { settings, warnings } = load(&sources(STOCK)).unwrap();
    assert_eq!(settings.commitlog_sync, CommitlogSync::Periodic);
    assert_eq!(settings.seeds, ["127.0.0.1:7000"]);
    assert_eq!(settings.rpc_address.to_string(), "127.0.0.1");
    assert_eq!(warnings.len(), 7, "{warnings:#?}");
    assert_eq!(
        warnings[0],
        "helenus.yaml:3:1: allocate_tokens_for_local_replication_factor has no effect here: tokens are chosen so that ownership is even"
    );
}

#[test]
fn what_is_printed_loads_as_the_same() {
    let texts = [
        "",
        STOCK,
        "rpc_address: \"::1\"\ncluster_name: 'a: #b'\nseeds: [localhost]\nlog_level: info,storage=debug\n",
    ];
    for text in texts {
        let first = settings(&sources(text));
        let printed = effective(&first);
        let again = load(&sources(&printed)).unwrap_or_else(|error| panic!("{error}\n{printed}"));
        assert_eq!(again.settings, first, "{printed}");
        assert_eq!(again.warnings, Vec::<String>::new());
        let names: Vec<_> = entries(&first).into_iter().map(|(name, _)| name).collect();
        assert!(
            names
                .iter()
                .all(|name| printed.contains(&format!("\n{name}: ")))
        );
    }
}

#[test]
fn errors_in_a_file_name_place_value_and_fix() {
    let check = |text: &str, expected: &str| assert_eq!(error(&sources(text)), expected, "{text}");
    check(
        "rack: r\nrpc_adress: 127.0.0.1\n",
        "helenus.yaml:2:1: unknown setting 'rpc_adress'; did you mean 'rpc_address'?",
    );
    check(
        "max_hint_windw: 3h\n",
        "helenus.yaml:1:1: unknown setting 'max_hint_windw'; did you mean 'max_hint_window'?",
    );
    check(
        "entirely_unheard_of_thing: 1\n",
        "helenus.yaml:1:1: unknown setting 'entirely_unheard_of_thing'; 'helenus check' without it prints all there are",
    );
    check(
        "native_transport_port: 90420\n",
        "helenus.yaml:1:24: native_transport_port: expected a whole number from 0 to 65535, found '90420'",
    );
    check(
        "\n\nread_request_timeout: 5\n",
        "helenus.yaml:3:23: read_request_timeout: expected a duration such as 10s, 200ms or 5m, found '5'",
    );
    check(
        "memory_limit: 2GB\n",
        "helenus.yaml:1:15: memory_limit: expected a size such as 32MiB, 16KiB or 1GiB, found '2GB'",
    );
    check(
        "memory_limit: 1MiB\n",
        "helenus.yaml:1:15: memory_limit: expected 64MiB to 1024TiB, found '1MiB'",
    );
    check(
        "rpc_address: db.example.org\n",
        "helenus.yaml:1:14: rpc_address: expected an IP address such as 127.0.0.1 (names are not looked up), found 'db.example.org'",
    );
    check(
        "rack: [a, b]\n",
        "helenus.yaml:1:7: rack: expected one value, found a list",
    );
    check(
        "rack: ''\n",
        "helenus.yaml:1:7: rack: expected a text that is not empty",
    );
    check(
        "data_file_directories: [/a, /b]\n",
        "helenus.yaml:1:24: data_file_directories: expected one directory, found 2: more are not supported yet",
    );
    check(
        "authenticator: PasswordAuthenticator\n",
        "helenus.yaml:1:16: authenticator: 'PasswordAuthenticator' is not supported yet; say AllowAllAuthenticator to let everyone in",
    );
    check(
        "authorizer: CassandraAuthorizer\n",
        "helenus.yaml:1:13: authorizer: 'CassandraAuthorizer' is not supported yet; say AllowAllAuthorizer or leave it out",
    );
    check(
        "partitioner: ByteOrderedPartitioner\n",
        "helenus.yaml:1:14: partitioner: 'ByteOrderedPartitioner' is not offered; say Murmur3Partitioner or leave it out",
    );
    check(
        "commitlog_sync: never\n",
        "helenus.yaml:1:17: commitlog_sync: expected group, batch or periodic, found 'never'",
    );
    check(
        "compaction_throughput: fast\n",
        "helenus.yaml:1:24: compaction_throughput: expected a rate such as 64MiB/s, found 'fast'",
    );
    check(
        "autocompaction_on_startup_enabled: perhaps\n",
        "helenus.yaml:1:36: autocompaction_on_startup_enabled: expected true or false, found 'perhaps'",
    );
    check(
        "log_level: loud\n",
        "helenus.yaml:1:12: log_level: expected a level such as info, or levels by module such as info,storage=debug, found 'loud'",
    );
    check(
        "read_request_timeout: 5s\nread_request_timeout_in_ms: 5000\n",
        "helenus.yaml:2:1: 'read_request_timeout_in_ms' says again what 'read_request_timeout' says; keep one",
    );
    check(
        "native_transport_max_frame_size: 256MiB\n",
        "helenus.yaml:1:34: native_transport_max_frame_size: expected 64KiB to 16MiB, found '256MiB'",
    );
    check(
        "memory_limit: 99999999999TiB\n",
        "helenus.yaml:1:15: memory_limit: expected 64MiB to 1024TiB, found '99999999999TiB'",
    );
    check(
        "memory_limit: 1.5GiB\n",
        "helenus.yaml:1:15: memory_limit: expected a size such as 32MiB, 16KiB or 1GiB, found '1.5GiB'",
    );
    check(
        "read_request_timeout: 999999999999d\n",
        "helenus.yaml:1:23: read_request_timeout: expected 1ms to 36500d, found '999999999999d'",
    );
    check(
        "compaction_throughput: 99999999TiB/s\n",
        "helenus.yaml:1:24: compaction_throughput: expected 0 to 1024TiB/s, found '99999999TiB/s'",
    );
    for name in ["cluster_name", "data_center", "rack"] {
        for value in ["\"a\\nb\"", "\"a\\0b\"", "\"a\\eb\""] {
            let place = name.len() + 3;
            check(
                &format!("{name}: {value}\n"),
                &format!(
                    "helenus.yaml:1:{place}: {name}: expected letters, digits, blanks and signs, found a line end or another control character"
                ),
            );
        }
    }
    check(
        &format!("rack: {}\n", "x".repeat(256)),
        "helenus.yaml:1:7: rack: expected at most 255 bytes, found 256",
    );
}

#[test]
fn a_file_that_is_no_yaml_names_the_place() {
    let check = |text: &str, expected: &str| assert_eq!(error(&sources(text)), expected, "{text}");
    check(
        "rack: a\nrack: b\n",
        "helenus.yaml:2:1: 'rack' stands a second time; keep one",
    );
    check(
        "rack: a\n---\nrack: b\n",
        "helenus.yaml:3:1: a second document begins before this; remove the line '---' and what belongs to one of the two",
    );
    check(
        "seeds:\n\t- a\n",
        "helenus.yaml:2:2: a tab stands where only blanks may; use blanks",
    );
    check(
        "rack: *x\n",
        "helenus.yaml:1:7: '*' names an anchor that is not there; write the value, in quotes if '*' is part of it",
    );
    check(
        "rack: [a\nother: b\n",
        "helenus.yaml:2:6: ':' ends a name, and none can stand here; put the value in quotes, or begin the line where the others begin",
    );
    check(
        "rack: [a\n",
        "helenus.yaml:1:7: a bracket is not closed; close it",
    );
    check(
        "rack: \"a\n",
        "helenus.yaml:1:7: a quote is not closed; close it",
    );
    check(
        "just words\n",
        "helenus.yaml:1:1: expected lines of 'name: value'",
    );
    check(
        "- a\n- b\n",
        "helenus.yaml:1:1: expected lines of 'name: value'",
    );
    check(
        "? [a]\n: b\n",
        "helenus.yaml:1:3: expected lines of 'name: value'",
    );
    check(
        "~: b\n",
        "helenus.yaml:1:1: expected lines of 'name: value'",
    );
    check(
        "%FOO\nrack: a\n",
        "helenus.yaml:2:1: begin the line where the others begin",
    );
    check(
        "rack: 'a' b\n",
        "helenus.yaml:1:11: more text follows a quoted value; put all of it in quotes",
    );
    check(
        "rack: \"\\q\"\n",
        "helenus.yaml:1:7: '\\' and this are no escape; use single quotes for plain text",
    );
    check(
        "rack:\n  - a\n - b\n",
        "helenus.yaml:3:2: begin the line where the others begin",
    );
    check(
        "seeds: [a}\n",
        "helenus.yaml:1:8: a bracket is closed by one of the other kind",
    );
    check(
        "rack: ]\n",
        "helenus.yaml:1:7: a bracket is closed that was not opened",
    );
    check(
        "rack: a\n  other: b\n",
        "helenus.yaml:2:8: ':' ends a name, and none can stand here; put the value in quotes, or begin the line where the others begin",
    );
    check(
        "rack: @x\n",
        "helenus.yaml:1:7: a value cannot begin with this character; put it in quotes",
    );
    let bomb: String = std::iter::once("a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_string())
        .chain((1..9).map(|level| {
            let below = vec![format!("*a{}", level - 1); 9].join(", ");
            format!("a{level}: &a{level} [{below}]\n")
        }))
        .collect();
    let found = error(&sources(&bomb));
    assert!(
        found.ends_with("; write plain values, without anchors"),
        "{found}"
    );
    check(
        &format!("rack: {}\n", "[".repeat(5_000)),
        "helenus.yaml:1:262: this is larger or deeper than settings are; write plain values, without anchors",
    );
    let long = error(&with_sets(
        "",
        &[&format!("admin_port={}", "\u{1b}[31m".repeat(100_000))],
    ));
    assert!(
        long.len() < 1_100 && !long.contains('\u{1b}'),
        "{} bytes",
        long.len()
    );
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    let check = |text: &str, expected: &str| assert_eq!(error(&sources(text)), expected, "{text}");
    check(
        "rpc_address: 10.0.0.1\n",
        "helenus.yaml:1:14: rpc_address: 10.0.0.1 is open to other machines and nobody would have to log in; add the line 'authenticator: AllowAllAuthenticator' if that is meant",
    );
    check(
        "listen_address: 10.0.0.1\nrpc_address: 127.0.0.1\n",
        "helenus.yaml:1:17: listen_address: 10.0.0.1 is open to other machines and nobody would have to log in; add the line 'authenticator: AllowAllAuthenticator' if that is meant",
    );
    check(
        "rpc_address: 0.0.0.0\nauthenticator: AllowAllAuthenticator\n",
        "helenus.yaml:1:14: rpc_address: clients cannot connect to 0.0.0.0; add the line 'broadcast_rpc_address: ADDRESS' with the address they use",
    );
    check(
        "rpc_address: 0.0.0.0\n",
        "helenus.yaml:1:14: rpc_address: clients cannot connect to 0.0.0.0; add the line 'broadcast_rpc_address: ADDRESS' with the address they use, and 'authenticator: AllowAllAuthenticator' if nobody is to log in",
    );
    check(
        "rpc_address: '::'\nbroadcast_rpc_address: 0.0.0.0\n",
        "helenus.yaml:2:24: broadcast_rpc_address: expected an address that clients can connect to, found a wildcard",
    );
    check(
        "admin_address: 10.0.0.1\n",
        "helenus.yaml:1:16: admin_address: the admin port asks for no password and stays on loopback; say 127.0.0.1, not 10.0.0.1",
    );
    check(
        "seeds: [10.0.0.7]\n",
        "helenus.yaml:1:8: seeds: joining '10.0.0.7' is not supported yet; leave seeds out, or name this node alone: 127.0.0.1:7000",
    );
    check(
        "admin_port: 9042\n",
        "helenus.yaml:1:13: admin_port: 9042 is native_transport_port already; say another, or 0",
    );
    check(
        "memory_limit: 1GiB\nmemtable_space: 900MiB\n",
        "helenus.yaml:1:15: memory_limit: memtable_space, block_cache_size and request_space together are 1411MiB, more than 1GiB; raise it or lower a part",
    );
    check(
        "commitlog_total_space: 64MiB\n",
        "helenus.yaml:1:24: commitlog_total_space: expected at least four segments, 128MiB, found '64MiB'",
    );
    check(
        "tombstone_failure_threshold: 10\n",
        "helenus.yaml:1:30: tombstone_failure_threshold: it is lower than tombstone_warn_threshold; raise it or lower that",
    );
}

#[test]
fn errors_elsewhere_name_their_place() {
    assert_eq!(
        error(&with_sets("", &["rakc=a"])),
        "--set rakc=a: unknown setting 'rakc'; did you mean 'rack'?"
    );
    assert_eq!(
        error(&with_sets("", &["rack"])),
        "--set rack: expected --set key=value"
    );
    assert_eq!(
        error(&with_sets("", &["admin_port=x"])),
        "--set admin_port=x: admin_port: expected a whole number from 0 to 65535, found 'x'"
    );
    assert_eq!(
        error(&with_sets("", &["seeds=[a"])),
        "--set seeds=[a: expected a value or a YAML list or mapping, found '[a'"
    );
    assert_eq!(
        error(&with_environment("", &[("HELENUS_ADMIN_PORT", "x")])),
        "environment variable HELENUS_ADMIN_PORT: admin_port: expected a whole number from 0 to 65535, found 'x'"
    );
    let mut sources = sources("");
    sources.arguments.listen_address = Some("10.0.0.1".into());
    assert!(
        error(&sources).starts_with("--listen-address 10.0.0.1: rpc_address: 10.0.0.1 is open")
    );
}

#[test]
fn lists_and_mappings_stand_in_arguments_too() {
    let sets = [
        "seeds=[localhost, 127.0.0.1]",
        "authenticator={class_name: AllowAllAuthenticator}",
        "rack='a b'",
    ];
    let settings = settings(&with_sets("", &sets));
    assert_eq!(settings.seeds, ["localhost", "127.0.0.1"]);
    assert_eq!(settings.authenticator, Some(Authenticator::AllowAll));
    assert_eq!(settings.rack, "a b");
}

#[test]
fn variables_of_others_are_left_alone() {
    let variables = [
        ("HELENUS_PORT", "tcp://10.0.0.1:9042"),
        ("HELENUS_PORT_9042_TCP", "tcp://10.0.0.1:9042"),
        ("HELENUS_SERVICE_HOST", "10.0.0.1"),
        ("PATH", "/bin"),
        ("HELENUS_RAKC", "r"),
        ("HELENUS_ENDPOINT_SNITCH", "SimpleSnitch"),
        ("HELENUS_RACK", ""),
    ];
    let loaded = load(&with_environment("", &variables)).unwrap();
    assert_eq!(loaded.settings.rack, "rack1");
    assert_eq!(
        loaded.warnings,
        [
            "environment variable HELENUS_RAKC is passed over: unknown setting 'rakc'; did you mean 'rack'?",
            "environment variable HELENUS_ENDPOINT_SNITCH: endpoint_snitch has no effect here: say data_center and rack",
        ]
    );
}
