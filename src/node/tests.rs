//! What a start refuses, on a simulated disk.

use std::path::PathBuf;

use protocol::client::Client;
use sim::local::Machine;

use super::Node;
use crate::config::{self, Arguments, Machine as Hardware, Settings, Sources};

fn settings() -> Settings {
    settings_with(&[])
}

fn settings_with(more: &[&str]) -> Settings {
    let set = [
        "memory_limit=64MiB",
        "commitlog_segment_size=1MiB",
        "commitlog_total_space=4MiB",
        "data_dir=/data",
    ];
    let sources = Sources {
        file: None,
        environment: Vec::new(),
        arguments: Arguments {
            set: set.iter().chain(more).map(|set| set.to_string()).collect(),
            ..Arguments::default()
        },
        machine: Hardware {
            memory_bytes: 1 << 30,
            open_files_max: None,
            directory: PathBuf::from("/"),
        },
    };
    config::load(&sources).expect("settings that hold").settings
}

/// One life; what it said if it did not begin.
fn start(machine: &Machine) -> Result<(), String> {
    let started = machine.run(|env| async move {
        let node = Node::start(env, settings()).await;
        node.map(drop).map_err(|error| error.to_string())
    });
    started.expect("the power does not fail")
}

/// With an older copy of the schema, storage would remove the files of tables made since.
#[test]
fn an_older_metadata_log_is_refused_as_it_is() {
    let machine = Machine::new(1);
    start(&machine).expect("a first start");
    let disk = machine.disk();
    let files = disk.files();
    let log = files
        .iter()
        .find(|(path, _)| path.ends_with("/metadata.log"));
    let path = &log.expect("the log is there").0;
    let older = disk.read(path).expect("it can be read");
    start(&machine).expect("a second start");
    disk.damage(path, |bytes| bytes.clone_from(&older));
    for _ in 0..3 {
        let error = start(&machine).expect_err("it is older");
        assert!(
            error.contains(path) && error.contains("Restore its newest copy"),
            "{error}"
        );
        assert_eq!(disk.read(path).as_ref(), Some(&older));
    }
}

/// With data and commit log gone, as on a disk that is not mounted, the metadata log still knows that there were tables.
#[test]
fn lost_storage_is_refused() {
    let machine = Machine::new(2);
    let made = machine.run(|env| async move {
        let node = Node::start(env.clone(), settings()).await.expect("a first start");
        let stream = env.connect(node.native_address()).await.expect("it listens");
        let opened = Client::open(stream, protocol::client::Options::default()).await;
        let mut client = opened.expect("a session");
        for statement in [
            "CREATE KEYSPACE k WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
            "CREATE TABLE k.t (k int PRIMARY KEY)",
        ] {
            client.run(statement).await.expect("it is made");
        }
    });
    made.expect("the power does not fail");
    for (path, _) in machine.disk().files() {
        if path.starts_with("/data/data/") || path.starts_with("/data/commitlog/") {
            let (folder, name) = path.rsplit_once('/').expect("a path");
            let dir = machine.env().dir(std::path::Path::new(folder));
            dir.and_then(|dir| dir.remove(name)).expect("it is there");
        }
    }
    let error = start(&machine).expect_err("it is lost");
    assert!(
        error.contains("/data/data: the manifest is missing, though the metadata log has 1 tables"),
        "{error}"
    );
}

#[test]
fn thresholds_of_batches_reach_the_statements() {
    let options = super::options::query(&settings_with(&[
        "batch_size_warn_threshold=2KiB",
        "batch_size_fail_threshold=3KiB",
        "unlogged_batch_across_partitions_warn_threshold=4",
    ]));
    let found = (
        options.batch_bytes_warn,
        options.batch_bytes_fail,
        options.unlogged_partitions_warn,
    );
    assert_eq!(found, (2 << 10, 3 << 10, 4));
    assert_eq!(
        super::options::query(&settings()),
        query::Options::default(),
        "the defaults agree"
    );
}
