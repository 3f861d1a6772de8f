//! A whole node in simulation: the same build, on virtual time and a disk that loses what was not synced.
//!
//! A client of the native protocol writes rows, one at a time and in BATCHes, while the power fails at a chosen change
//! of the disk. The node starts again on what is left, and every acknowledged row must be there, and half a BATCH
//! never. Everything runs twice from one seed and must leave one trace: nothing in a node depends on a clock, a thread
//! or a hash of its own.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base::env::{Env, Stream};
use helenus::config::{self, Arguments, Machine as Hardware, Settings, Sources};
use helenus::node::Node;
use protocol::client::{Client, Error, Options, Outcome, Page};
use sim::local::Machine;

/// Rows of one BATCH; they share a partition and come or go together.
const BATCH_ROWS: i32 = 5;

fn settings() -> Settings {
    let set = [
        "memory_limit=64MiB",
        "memtable_space=8MiB",
        "commitlog_segment_size=1MiB",
        "commitlog_total_space=4MiB",
        "num_tokens=2",
        "data_dir=/data",
    ];
    let sources = Sources {
        file: None,
        environment: Vec::new(),
        arguments: Arguments {
            set: set.iter().map(|set| set.to_string()).collect(),
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

async fn start(env: &Env) -> Node {
    // After a power failure each call fails until the run is ended, and this future with it.
    match Node::start(env.clone(), settings()).await {
        Ok(node) => node,
        Err(error) => end_or_panic(env, &error.to_string()).await,
    }
}

/// An error after a power failure is no error of the node: the run is about to end.
async fn end_or_panic<T>(env: &Env, error: &str) -> T {
    env.sleep(Duration::from_secs(1)).await;
    panic!("the node did not start though the power was on: {error}")
}

async fn connect(env: &Env, node: &Node) -> Client<Stream> {
    let stream = env
        .connect(node.native_address())
        .await
        .expect("the node listens");
    Client::open(stream, Options::default())
        .await
        .expect("a handshake")
}

/// What the client was told is there, and what it asked for without hearing.
#[derive(Clone, Default)]
struct Ledger(Arc<Mutex<Entries>>);

#[derive(Default)]
struct Entries {
    asked: BTreeSet<i32>,
    acknowledged: BTreeSet<i32>,
}

impl Ledger {
    fn ask(&self, batch: i32) {
        self.0
            .lock()
            .expect("no test panics with it")
            .asked
            .insert(batch);
    }

    fn acknowledge(&self, batch: i32) {
        self.0
            .lock()
            .expect("no test panics with it")
            .acknowledged
            .insert(batch);
    }

    fn acknowledged(&self) -> usize {
        self.0
            .lock()
            .expect("no test panics with it")
            .acknowledged
            .len()
    }

    /// Compares with what the table holds.
    fn check(&self, found: &BTreeSet<(i32, i32)>, seed: u64) {
        let entries = self.0.lock().expect("no test panics with it");
        for batch in &entries.asked {
            let count = found
                .iter()
                .filter(|(partition, _)| partition == batch)
                .count() as i32;
            let is_acknowledged = entries.acknowledged.contains(batch);
            let expected = if batch % 2 == 0 { 1 } else { BATCH_ROWS };
            assert!(
                count == expected || count == 0,
                "seed {seed}: {count} rows of {expected} in partition {batch}"
            );
            assert!(
                count > 0 || !is_acknowledged,
                "seed {seed}: the acknowledged partition {batch} is gone"
            );
        }
        let unasked = found
            .iter()
            .find(|(partition, _)| !entries.asked.contains(partition));
        assert_eq!(unasked, None, "seed {seed}: a row that nobody wrote");
    }
}

fn insert(partition: i32, row: i32) -> String {
    format!("INSERT INTO ks.t (p, c, v) VALUES ({partition}, {row}, 'value {partition} {row}')")
}

/// Even partitions get one row by itself, odd ones a BATCH.
fn write(partition: i32) -> String {
    if partition % 2 == 0 {
        return insert(partition, 0);
    }
    let rows: String = (0..BATCH_ROWS)
        .map(|row| format!("{}; ", insert(partition, row)))
        .collect();
    format!("BEGIN BATCH {rows} APPLY BATCH")
}

/// Writes until the count is reached or the node is gone.
async fn load(
    env: &Env,
    node: &Node,
    ledger: &Ledger,
    partitions: std::ops::Range<i32>,
) -> Result<(), Error> {
    let mut client = connect(env, node).await;
    client
        .run("CREATE KEYSPACE IF NOT EXISTS ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
        .await?;
    client
        .run("CREATE TABLE IF NOT EXISTS ks.t (p int, c int, v text, PRIMARY KEY (p, c))")
        .await?;
    for partition in partitions {
        ledger.ask(partition);
        client.run(&write(partition)).await?;
        ledger.acknowledge(partition);
    }
    Ok(())
}

async fn rows(env: &Env, node: &Node) -> BTreeSet<(i32, i32)> {
    let mut client = connect(env, node).await;
    let page = match client.run("SELECT p, c, v FROM ks.t").await {
        Ok(reply) => match reply.outcome {
            Outcome::Rows(page) => page,
            other => panic!("no rows: {other:?}"),
        },
        // The power failed before the table was made.
        Err(Error::Server { message, .. }) if message.contains("does not exist") => Page::default(),
        Err(error) => panic!("{error}"),
    };
    let int = |cell: &Option<bytes::Bytes>| {
        i32::from_be_bytes(
            cell.as_deref().expect("a key")[..]
                .try_into()
                .expect("an int"),
        )
    };
    let mut found = BTreeSet::new();
    for row in &page.rows {
        let (partition, clustering) = (int(&row[0]), int(&row[1]));
        assert_eq!(
            row[2].as_deref(),
            Some(format!("value {partition} {clustering}").as_bytes())
        );
        assert!(found.insert((partition, clustering)), "a row twice");
    }
    found
}

/// One life and the next ones, with the power failing at a change of the disk in the first. Gives how many writes were
/// acknowledged in it.
fn lives(machine: &Machine, seed: u64, step: u64) -> usize {
    let ledger = Ledger::default();
    machine.disk().power_failure_at(step);
    // An error is the power failure's; a run without one ends with the node dropped, as by kill -9.
    let _ = machine.run(|env| {
        let ledger = ledger.clone();
        async move {
            let node = start(&env).await;
            let _ = load(&env, &node, &ledger, 0..60).await;
        }
    });
    machine.disk().cancel_power_failure();
    let acknowledged = ledger.acknowledged();
    let again = machine.run(|env| {
        let ledger = ledger.clone();
        async move {
            let node = start(&env).await;
            ledger.check(&rows(&env, &node).await, seed);
            load(&env, &node, &ledger, 100..120)
                .await
                .expect("writes go on");
            node.stop().await.expect("the node stops in order");
        }
    });
    again.expect("the power stays on");
    machine.disk().power_failure();
    let last = machine.run(|env| async move {
        let node = start(&env).await;
        let found = rows(&env, &node).await;
        ledger.check(&found, seed);
        assert!(
            found.len() >= 20,
            "seed {seed}: what was written before the node stopped"
        );
    });
    last.expect("the power stays on");
    acknowledged
}

#[test]
fn acknowledged_rows_survive_a_power_cut() {
    let mut acknowledged = BTreeSet::new();
    for seed in 1..=24 {
        acknowledged.insert(lives(&Machine::new(seed), seed, seed * 12));
    }
    // Some cuts came before the first write, some in the middle, and some not at all.
    assert!(acknowledged.contains(&0), "{acknowledged:?}");
    assert!(
        acknowledged.iter().any(|count| (1..60).contains(count)),
        "{acknowledged:?}"
    );
}

#[test]
fn one_seed_leaves_one_trace() {
    let run = |seed: u64| {
        let machine = Machine::new(seed);
        lives(&machine, seed, 120);
        machine
    };
    for seed in [7, 8] {
        let (first, second) = (run(seed), run(seed));
        let difference = first.trace().first_difference(second.trace());
        assert!(difference.is_none(), "seed {seed}: {difference:?}");
        assert!(
            first.trace().count() > 1_000,
            "a run with {} events",
            first.trace().count()
        );
    }
    assert_ne!(
        run(7).trace().hash(),
        run(8).trace().hash(),
        "another seed is another run"
    );
}

#[test]
fn two_nodes_do_not_share_a_directory() {
    sim::local::block_on(3, |env| async move {
        let first = Node::start(env.clone(), settings()).await.expect("a node");
        let mut other = settings();
        (other.native_transport_port, other.admin_port) = (9043, 7198);
        let error = Node::start(env.clone(), other.clone())
            .await
            .err()
            .expect("a refusal");
        assert!(
            error
                .to_string()
                .contains("/data is in use by another helenus process"),
            "{error}"
        );
        drop(first);
        other.cluster_name = "Another".into();
        let error = Node::start(env.clone(), other)
            .await
            .err()
            .expect("a refusal");
        assert!(
            error.is_settings() && error.to_string().contains("Another"),
            "{error}"
        );
        Node::start(env.clone(), settings())
            .await
            .expect("the node again");
    });
}

#[test]
fn a_taken_port_changes_nothing() {
    let machine = Machine::new(4);
    let run = machine.run(|env| async move {
        let _taken = env.bind("127.0.0.1:9042".parse().expect("an address")).await.expect("a port");
        let error = Node::start(env.clone(), settings()).await.err().expect("a refusal");
        let expected = "cannot listen on 127.0.0.1:9042: another program has the port, perhaps a node that is running; \
                        stop it, or say another native_transport_port";
        assert_eq!(error.to_string(), expected);
    });
    run.expect("the power stays on");
    assert_eq!(machine.disk().files(), []);
}

#[test]
fn an_idle_node_stays_ready_and_drains_once() {
    sim::local::block_on(5, |env| async move {
        let node = Node::start(env.clone(), settings()).await.expect("a node");
        assert_eq!(
            node.ready().to_string(),
            "ready: CQL 127.0.0.1:9042, data /data (new)"
        );
        env.sleep(Duration::from_secs(3600)).await;
        let ledger = Ledger::default();
        load(&env, &node, &ledger, 0..4).await.expect("writes");
        node.drain().await.expect("draining");
        node.drain().await.expect("draining again");
        assert!(
            env.connect(node.native_address()).await.is_err(),
            "it listens though it drained"
        );
        assert!(
            env.connect(node.admin_address()).await.is_ok(),
            "health is answered on"
        );
        drop(node);
        // Its tasks end at their next turn, and its ports with them.
        env.sleep(Duration::from_secs(1)).await;
        let node = Node::start(env.clone(), settings())
            .await
            .expect("the node again");
        assert_eq!(
            node.ready().to_string(),
            "ready: CQL 127.0.0.1:9042, data /data (1 table)"
        );
        ledger.check(&rows(&env, &node).await, 5);
    });
}
