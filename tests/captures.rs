//! Real drivers' first seconds, replayed: a change in a system table or in an error's text shows up here as a difference.
//!
//! `tests/captures/record.py` recorded what each driver sends when it connects, reads the schema, makes a table, writes, reads
//! and meets two errors. Each capture is sent again, byte for byte, to a whole node in this process, over TCP, and to one in
//! simulation; both dialogues must be equal, and equal to `NAME.golden` beside the capture. Prepared ids are digests of the statement, so a capture's EXECUTE finds what its
//! PREPARE made. What differs from run to run is named instead of shown: see `render`.
//!
//! `UPDATE_GOLDENFILES=1 cargo test --test captures` writes the golden files anew: read the difference before it is committed.
#![expect(
    clippy::disallowed_methods,
    reason = "fixtures are read, and a node's directory is made and removed"
)]

#[path = "captures/capture.rs"]
mod capture;
#[path = "captures/render.rs"]
mod render;
#[path = "captures/replay.rs"]
mod replay;

use std::fs;
use std::path::{Path, PathBuf};

use base::env::Env;
use helenus::config::{self, Arguments, Machine, Settings, Sources};
use helenus::node::Node;
use protocol::Consistency;
use protocol::client::{Client, Options};
use protocol::request::{Parameters, Query, Request};

use render::Renderer;

/// The tables by which drivers learn the schema.
const SCHEMA_TABLES: [&str; 11] = [
    "system_schema.keyspaces",
    "system_schema.tables",
    "system_schema.columns",
    "system_schema.types",
    "system_schema.views",
    "system_schema.indexes",
    "system_schema.functions",
    "system_schema.aggregates",
    "system_virtual_schema.keyspaces",
    "system_virtual_schema.tables",
    "system_virtual_schema.columns",
];

/// Captures carry the time of their recording, which may lie ahead of any clock here.
const ANY_TIMESTAMP: [&str; 2] = [
    "maximum_timestamp_warn_threshold=0",
    "maximum_timestamp_fail_threshold=0",
];

/// Memory enough, and nothing from the environment.
fn settings(data_dir: &Path, set: &[&str]) -> Settings {
    let sources = Sources {
        file: None,
        environment: Vec::new(),
        arguments: Arguments {
            data_dir: Some(data_dir.display().to_string()),
            set: ANY_TIMESTAMP
                .iter()
                .chain(set)
                .map(|set| set.to_string())
                .collect(),
            ..Arguments::default()
        },
        machine: Machine {
            memory_bytes: 256 << 20,
            open_files_max: None,
            directory: PathBuf::from("/"),
        },
    };
    config::load(&sources).expect("good settings").settings
}

/// A new node on free ports, with a directory of its own that goes when the test has passed.
struct Alone {
    env: Env,
    node: Node,
    directory: PathBuf,
}

impl Alone {
    async fn start(name: &str) -> Alone {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("captures-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&directory);
        let settings = settings(&directory, &["native_transport_port=0", "admin_port=0"]);
        let env = Env::real();
        let node = Node::start(env.clone(), settings)
            .await
            .expect("a node in a new directory");
        Alone {
            env,
            node,
            directory,
        }
    }

    fn remove(self) {
        drop(self.node);
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn check_capture(name: &str) {
    let text = fs::read_to_string(fixture(name, "capture")).expect("the capture is there");
    let steps = capture::parse(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
    let real = run(async {
        let alone = Alone::start(name).await;
        let dialogue = replay::replay(&alone.env, alone.node.native_address(), &steps).await;
        alone.remove();
        dialogue
    });
    let simulated = sim::local::block_on(1, |env| {
        let steps = &steps;
        async move {
            let settings = settings(Path::new("/data"), &["memory_limit=64MiB"]);
            let node = Node::start(env.clone(), settings)
                .await
                .expect("a node on a new disk");
            replay::replay(&env, node.native_address(), steps).await
        }
    });
    assert!(
        real == simulated,
        "{name}: the simulated node answers otherwise:\n{}",
        difference(&real, &simulated)
    );
    check_golden(name, &real);
}

fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build();
    runtime.expect("threads").block_on(test)
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/captures")
}

fn fixture(name: &str, kind: &str) -> PathBuf {
    folder().join(format!("{name}.{kind}"))
}

/// Compares with the golden file, or writes it if that is asked for.
fn check_golden(name: &str, found: &str) {
    let path = fixture(name, "golden");
    if std::env::var_os("UPDATE_GOLDENFILES").is_some_and(|value| value == "1") {
        fs::write(&path, found).expect("the golden file can be written");
        return;
    }
    let golden = fs::read_to_string(&path).unwrap_or_default();
    if golden == found {
        return;
    }
    panic!(
        "{name}.golden differs; UPDATE_GOLDENFILES=1 writes it anew\n{}",
        difference(&golden, found)
    );
}

/// Where two texts part, with the lines around.
fn difference(expected: &str, found: &str) -> String {
    let same = expected
        .lines()
        .zip(found.lines())
        .take_while(|(left, right)| left == right)
        .count();
    let around = |text: &str| -> String {
        let lines = text.lines().skip(same.saturating_sub(3)).take(12);
        lines.map(|line| format!("    {line}\n")).collect()
    };
    format!(
        "from line {} on\n  expected:\n{}  found:\n{}",
        same + 1,
        around(expected),
        around(found)
    )
}

/// A test for each capture, and one that none is left out.
macro_rules! captures {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                check_capture(stringify!($name));
            }
        )*

        #[test]
        fn every_capture_is_replayed() {
            let paths = fs::read_dir(folder()).expect("the fixtures").map(|entry| entry.expect("an entry").path());
            let captures = paths.filter(|path| path.extension().is_some_and(|kind| kind == "capture"));
            let mut names: Vec<_> = captures.map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned()).collect();
            names.sort();
            let mut replayed = [$(stringify!($name)),*];
            replayed.sort_unstable();
            assert_eq!(names, replayed);
        }
    };
}

captures! { cqlsh gocql java node python_v4 python_v4_lz4 python_v4_snappy python_v5 python_v5_lz4 rust }

#[test]
fn built_in() {
    run(async {
        let alone = Alone::start("built_in").await;
        let stream = alone
            .env
            .connect(alone.node.native_address())
            .await
            .expect("the node listens");
        let mut client = Client::open(stream, Options::default())
            .await
            .expect("a session");
        let mut renderer = Renderer::in_full();
        let mut lines = Vec::new();
        for table in SCHEMA_TABLES {
            let text = format!("SELECT * FROM {table}");
            let query = Request::Query(Query {
                text: &text,
                parameters: Parameters::new(Consistency::One),
            });
            let answer = client.exchange(&query, 0).await.expect("an answer");
            lines.push(text.clone());
            lines.extend(renderer.answer(&answer, Some(&query)));
        }
        check_golden("built_in", &(lines.join("\n") + "\n"));
        alone.remove();
    });
}
