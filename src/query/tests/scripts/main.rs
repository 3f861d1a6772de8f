//! Golden scripts of statements: `tests/scripts/query/`.
//!
//! Each script runs against a node's engine, metadata log and query service on a real disk.
//! `> STATEMENT` executes a text; the protocol's other requests, and what a script does to its node,
//! are commands:
//!
//! | Command | Does |
//! |---|---|
//! | `query TEXT VALUE..` | QUERY with values, by position or `name=value` |
//! | `prepare NAME TEXT`, `routing TEXT` | PREPARE |
//! | `execute NAME VALUE.. [page=ROWS]` | EXECUTE, the next page if there is one |
//! | `pages ROWS TEXT` | QUERY, page by page to the end |
//! | `page ROWS TEXT` | QUERY, the next page |
//! | `batch TEXT..` | BATCH; `@NAME VALUE ..` is a prepared statement |
//! | `set KEY=VALUE` | `version`, `consistency`, `timestamp`, `now`, `keyspace`, `skip`, `batch` |
//! | `trace TEXT` | a traced QUERY, and its rows in `system_traces` |
//! | `events` | schema events since the last time |
//! | `flush`, `compact`, `restart` | of the node |
//!
//! Record with `UPDATE_GOLDENFILES=1 cargo test -p query --test scripts`, read, commit.

#![expect(
    clippy::disallowed_methods,
    reason = "scripts run against a real node on a real disk"
)]

mod client;
mod node;
mod show;
mod value;

use std::error::Error;
use std::path::{Path, PathBuf};

use client::{Client, Memory, Settings};
use goldenscript::{ArgumentConsumer, Command, Context, Runner};
use node::Node;
use protocol::request::BatchKind;
use protocol::{Consistency, Version};
use tokio::runtime::Runtime;

type Answer = Result<String, Box<dyn Error>>;

struct Script {
    runtime: Runtime,
    node: Option<Node>,
    client: Option<Client>,
    folder: PathBuf,
}

impl Script {
    fn new(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("query-{name}"));
        let _ = std::fs::remove_dir_all(&folder);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let node = runtime.block_on(Node::start(&folder));
        Script {
            client: Some(Client::again(Memory::default(), node.service.clone())),
            runtime,
            node: Some(node),
            folder,
        }
    }

    /// Ends the node as a crash would, and starts another on the same folder.
    fn restart(&mut self) {
        let memory = self.client.take().map(Client::leave).expect("a client");
        drop(self.node.take());
        let node = self.runtime.block_on(Node::start(&self.folder));
        self.client = Some(Client::again(memory, node.service.clone()));
        self.node = Some(node);
    }

    fn maintain(&self, command: &str) -> Answer {
        let engine = self.node.as_ref().expect("a node").engine();
        let done = match command {
            "flush" => self.runtime.block_on(engine.flush(None)),
            _ => self.runtime.block_on(engine.compact(None)),
        };
        Ok(done
            .map(|()| String::new())
            .map_err(|error| error.to_string())?)
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), Box<dyn Error>> {
        let client = self.client.as_mut().expect("a client");
        let none = value == "none";
        let settings: &mut Settings = &mut client.settings;
        match key {
            "timestamp" if none => settings.timestamp = None,
            "timestamp" => settings.timestamp = Some(value.parse()?),
            "now" if none => settings.now_seconds = None,
            "now" => settings.now_seconds = Some(value.parse()?),
            "keyspace" => settings.keyspace = (!none).then(|| value.into()),
            "skip" => settings.skip_metadata = value.parse()?,
            "consistency" => settings.consistency = level(value)?,
            "batch" => {
                settings.batch = match value {
                    "unlogged" => BatchKind::Unlogged,
                    "counter" => BatchKind::Counter,
                    _ => BatchKind::Logged,
                };
            }
            "version" => client.speak(if value == "4" {
                Version::V4
            } else {
                Version::V5
            }),
            other => return Err(format!("nothing is called {other}").into()),
        }
        Ok(())
    }

    fn pages(&mut self, rows: u32, text: &str) -> String {
        let client = self.client.as_mut().expect("a client");
        client.forget_page();
        let mut answer = String::new();
        loop {
            answer.push_str(&self.runtime.block_on(client.page(text, rows)));
            answer.push('\n');
            if !client.has_more() {
                return answer;
            }
        }
    }
}

fn level(name: &str) -> Result<Consistency, Box<dyn Error>> {
    Ok(match name {
        "any" => Consistency::Any,
        "one" => Consistency::One,
        "two" => Consistency::Two,
        "three" => Consistency::Three,
        "quorum" => Consistency::Quorum,
        "all" => Consistency::All,
        "local_quorum" => Consistency::LocalQuorum,
        "each_quorum" => Consistency::EachQuorum,
        "local_one" => Consistency::LocalOne,
        "serial" => Consistency::Serial,
        other => return Err(format!("{other} is no consistency level").into()),
    })
}

fn one(arguments: &mut ArgumentConsumer<'_>) -> Result<String, Box<dyn Error>> {
    Ok(arguments
        .next_pos()
        .ok_or("an argument is missing")?
        .to_string())
}

fn rest(arguments: &mut ArgumentConsumer<'_>) -> Vec<String> {
    std::iter::from_fn(|| arguments.next_pos())
        .map(String::from)
        .collect()
}

impl Runner for Script {
    type Command = Command;

    fn run(&mut self, command: &Command, _: &Context) -> Answer {
        let mut arguments = command.consume_args();
        let given = &mut arguments;
        match command.name.as_str() {
            "flush" | "compact" => return self.maintain(&command.name),
            "restart" => {
                self.restart();
                return Ok(String::new());
            }
            "set" => {
                while let Some((key, value)) = given.next_key() {
                    self.set(key, value)?;
                }
                return Ok(String::new());
            }
            "pages" => {
                let rows = one(given)?.parse()?;
                return Ok(self.pages(rows, &one(given)?));
            }
            _ => {}
        }
        let (runtime, client) = (&self.runtime, self.client.as_mut().expect("a client"));
        let answer = match command.name.as_str() {
            "query" => runtime.block_on(client.query(&one(given)?, &rest(given))),
            "prepare" => runtime.block_on(client.prepare(&one(given)?, &one(given)?)),
            "routing" => runtime.block_on(client.routing(&one(given)?)),
            "execute" => {
                let page = given.take_key("page").map(str::parse).transpose()?;
                if page.is_none() {
                    client.forget_page();
                }
                runtime.block_on(client.execute(&one(given)?, &rest(given), page))
            }
            "execute-unknown" => runtime.block_on(client.execute_unknown()),
            "page" => {
                let rows = one(given)?.parse()?;
                runtime.block_on(client.page(&one(given)?, rows))
            }
            "batch" => runtime.block_on(client.batch(&rest(given))),
            "trace" => runtime.block_on(client.traced(&one(given)?)),
            "events" => runtime.block_on(client.events()),
            statement => runtime.block_on(client.query(statement, &[])),
        };
        Ok(answer)
    }
}

fn run(name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/scripts/query")
        .join(name);
    goldenscript::run(&mut Script::new(name), &path).expect("the script runs");
}

macro_rules! scripts {
    ($($name:ident),* $(,)?) => {
        $(#[test]
        fn $name() {
            run(stringify!($name));
        })*

        #[test]
        fn every_script_is_run() {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/scripts/query");
            let mut found: Vec<String> = std::fs::read_dir(folder)
                .expect("the folder of scripts")
                .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
                .collect();
            found.sort();
            let mut listed = vec![$(stringify!($name).to_string()),*];
            listed.sort();
            assert_eq!(found, listed);
        }
    };
}

scripts!(
    aggregates,
    altered,
    assignments,
    basics,
    batches,
    clustering,
    collections,
    consistency,
    dead_rows,
    definitions,
    deletes,
    describe,
    expiry,
    filtering,
    functions,
    keys,
    limits,
    paging,
    parts,
    prepared,
    statics,
    system_tables,
    timestamps,
    token,
    tracing,
    types,
    unset,
    unsupported,
    user_types,
    warnings
);

#[test]
fn the_cluster_is_described_with_who_keeps_which_range() {
    let mut script = Script::new("ownership");
    let client = script.client.as_mut().expect("a client");
    let mut query = |text: &str| script.runtime.block_on(client.query(text, &[]));
    query(
        "CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
    );
    query("USE ks");
    let described = query("DESCRIBE CLUSTER");
    assert!(described.contains("range_ownership map<text, list<text>>"));
    assert_eq!(
        described.matches(": ['/127.0.0.1:7000']").count(),
        16,
        "{described}"
    );
}

#[test]
fn statements_too_long_and_times_too_far_are_refused() {
    let mut script = Script::new("refusals");
    let client = script.client.as_mut().expect("a client");
    let mut query = |text: &str| script.runtime.block_on(client.query(text, &[]));
    let long = format!("SELECT '{}' FROM system.local", "x".repeat(1 << 20));
    assert!(query(&long).starts_with("error 0x2200: The statement is 1048603 bytes long"));
    query(
        "CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
    );
    query("CREATE TABLE ks.t (k int PRIMARY KEY)");
    let now = base::env::Env::real().wall_micros();
    let day = 24 * 60 * 60 * 1_000_000;
    let mut insert = |at: i64| {
        query(&format!(
            "INSERT INTO ks.t (k) VALUES (1) USING TIMESTAMP {at}"
        ))
    };
    assert_eq!(insert(now), "ok");
    assert!(insert(now + day).starts_with("warning: The timestamp"));
    assert_eq!(insert(now), "ok", "a warning is told once");
    assert!(insert(now + 4 * day).starts_with("error 0x2200: The timestamp"));
}

#[test]
fn what_errors_repeat_of_a_statement_is_bounded() {
    let mut script = Script::new("echoes");
    let client = script.client.as_mut().expect("a client");
    let mut query = |text: &str| script.runtime.block_on(client.query(text, &[]));
    query(
        "CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
    );
    query("CREATE TABLE ks.t (k int PRIMARY KEY, v int)");
    let long = "\u{e4}".repeat(200_000);
    for text in [
        format!("SELECT * FROM ks.t WHERE k = '{long}'"),
        format!("SELECT * FROM ks.t WHERE \"{long}\" = 1"),
        format!("SELECT * FROM ks.\"{long}\""),
        format!("SELECT (text)'{long}' AS x, \"{long}\" FROM ks.t"),
        format!("UPDATE ks.t SET v = {{'{long}'}} WHERE k = 1"),
        format!("INSERT INTO ks.t (k, v) VALUES (1, (int)'{long}')"),
        format!("USE \"{long}\""),
        format!("CREATE TABLE ks.\"{long}\" (k int PRIMARY KEY)"),
        format!("DROP TABLE ks.\"{long}\""),
    ] {
        let answer = query(&text);
        let short: String = text.chars().take(60).collect();
        assert!(answer.starts_with("error 0x2"), "{short}: {answer:.100}");
        assert!(answer.len() < 5_000, "{short}: {} bytes", answer.len());
    }
}

#[test]
fn a_modification_that_waits_too_long_for_its_turn_times_out() {
    let mut script = Script::new("deadlines");
    let (runtime, node) = (&script.runtime, script.node.as_ref().expect("a node"));
    let client = script.client.as_mut().expect("a client");
    let mut query = |text: &str| runtime.block_on(client.query(text, &[]));
    query(
        "CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
    );
    query("CREATE TABLE ks.t (k int PRIMARY KEY, l list<int>)");
    query("INSERT INTO ks.t (k, l) VALUES (1, [1, 2])");
    let guard = runtime.block_on(node.hold("ks", "t", &1i32.to_be_bytes()));
    let late = query("UPDATE ks.t SET l[0] = 5 WHERE k = 1");
    assert!(late.starts_with("error 0x1100: "), "{late}");
    drop(guard);
    assert_eq!(query("UPDATE ks.t SET l[1] = 7 WHERE k = 1"), "ok");
    let rows = query("SELECT l FROM ks.t");
    assert!(rows.ends_with("[1, 7]"), "{rows}");
}
