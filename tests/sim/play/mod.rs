//! The run of one seed: a machine, the lives of a node on it, and clients that compare.
//!
//! 1. A life has a plan: how the disk behaves, how the clock is off, and how it ends.
//! 2. Clients first find out what is there. Then they change and read, while an operator flushes and compacts.
//! 3. After the last life there are two quiet ones, which must find everything.
//!
//! Whatever is wrong is a panic, which [`play`] gives as text; it names seed and life, and the same seed shows it again.
//! What is checked is in `client`.

mod change;
mod client;
mod model;
mod operator;
mod plan;

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base::env::Env;
use helenus::config::{self, Arguments, Machine as Hardware, Settings, Sources};
use helenus::node::Node;
use parking_lot::Mutex;
use protocol::client::Options;
use sim::clock::Clock;
use sim::local::Machine;
use sim::properties::{Properties, Seen};
use sim::{Disk, Trace};

use client::{Client, Known, Latest};
use operator::Operator;
use plan::{End, Plan, ROOM_BYTES};

/// Clients at a time.
const CLIENTS: i32 = 3;
/// Lives with a plan.
const LIVES: u64 = 5;
/// A power failure ends a life well within this; who is about to complain waits for it.
const LAST_MOMENT: Duration = Duration::from_secs(1);

/// What a run left.
#[cfg_attr(
    feature = "mutants",
    allow(dead_code, reason = "who plants bugs asks for what is wrong only")
)]
pub struct Story {
    pub trace: Trace,
    pub sometimes: BTreeMap<&'static str, Seen>,
    /// Statements that were answered.
    pub answered: u64,
}

/// Runs a seed on a machine that `prepare` may change, such as by planting a bug. If something is wrong, the first line
/// says what, and the others what clients had asked for.
pub fn play(seed: u64, mutants: &[&str], prepare: impl FnOnce(&Machine)) -> Result<Story, String> {
    let properties = Properties::with_mutants(seed, true, mutants);
    let machine = Machine::new(seed).strict().with_properties(properties);
    prepare(&machine);
    let run = Run {
        machine,
        latest: Latest::default(),
        known: (1..=CLIENTS)
            .map(|number| Arc::new(Mutex::new(Known::new(number))))
            .collect(),
    };
    let mut rng = sim::seed::rng(seed, "plans", 0);
    for life in 0..LIVES + 2 {
        let plan = match life < LIVES {
            true => Plan::draw(&mut rng),
            false => Plan::quiet(10),
        };
        let lived = catch_unwind(AssertUnwindSafe(|| run.live(plan, &mut rng)));
        lived.map_err(|panic| {
            let history: String = run
                .known
                .iter()
                .map(|known| known.lock().history())
                .collect();
            format!(
                "seed {seed}, life {life}: {} ({plan:?}){history}",
                message(&*panic)
            )
        })?;
    }
    let answered = run.known.iter().map(|known| known.lock().answered).sum();
    Ok(Story {
        trace: run.machine.trace().clone(),
        sometimes: run.machine.properties().sometimes(),
        answered,
    })
}

struct Run {
    machine: Machine,
    latest: Latest,
    known: Vec<Arc<Mutex<Known>>>,
}

impl Run {
    /// One life.
    fn live(&self, plan: Plan, rng: &mut base::env::Rng) {
        let (disk, clock) = (self.machine.disk().clone(), self.machine.clock().clone());
        plan.begin(&disk, &clock, rng);
        let life = Life {
            plan,
            disk: disk.clone(),
            clock,
            latest: self.latest.clone(),
            known: self.known.clone(),
        };
        // A life that was cut short is an end like any other: what it left is for the next.
        let _ = self.machine.run(|env| life.run(env));
        plan.end(&disk);
    }
}

/// What a life needs of the run.
struct Life {
    plan: Plan,
    disk: Disk,
    clock: Clock,
    latest: Latest,
    known: Vec<Arc<Mutex<Known>>>,
}

impl Life {
    async fn run(self, env: Env) {
        let Some(node) = self
            .unless_failed(&env, Node::start(env.clone(), settings()).await)
            .await
        else {
            return;
        };
        let made = make_tables(&env, &node).await;
        if self.unless_failed(&env, made).await.is_none() {
            return;
        }
        let operator = env.spawn("operator", self.operator(&env, &node).work());
        let clients = self.known.iter().map(|known| {
            let client = self.client(&env, &node, known);
            env.spawn("client", client.live())
        });
        for client in clients.collect::<Vec<_>>() {
            client.await.unwrap_or_else(|error| panic!("{error}"));
        }
        if operator.is_finished() {
            operator.await.unwrap_or_else(|error| panic!("{error}"));
        } else {
            drop(operator);
        }
        if matches!(self.plan.end, End::Stop | End::StopAndPower) {
            // Room for what is written at the end.
            self.disk.set_capacity_bytes(ROOM_BYTES);
            self.unless_failed(&env, node.stop().await).await;
        }
    }

    /// What came of something that fails only if the disk does.
    async fn unless_failed<T, E: Display>(&self, env: &Env, result: Result<T, E>) -> Option<T> {
        match result {
            Ok(done) => Some(done),
            Err(_) if self.plan.may_fail() => None,
            Err(error) => blame(env, &error.to_string()).await,
        }
    }

    fn operator(&self, env: &Env, node: &Node) -> Operator {
        Operator {
            env: env.clone(),
            admin: node.admin_address(),
            disk: self.disk.clone(),
            clock: self.clock.clone(),
            latest: self.latest.clone(),
            plan: self.plan,
            rng: env.rng("operator"),
        }
    }

    fn client(&self, env: &Env, node: &Node, shared: &Arc<Mutex<Known>>) -> Client {
        let known = shared.lock().clone();
        Client {
            env: env.clone(),
            address: node.native_address(),
            plan: self.plan,
            latest: self.latest.clone(),
            rng: env.rng(&format!("client {}", known.number())),
            known,
            shared: shared.clone(),
            connection: None,
        }
    }
}

/// The tables that clients share.
async fn make_tables(env: &Env, node: &Node) -> Result<(), protocol::client::Error> {
    let stream = env.connect(node.native_address()).await?;
    let mut client = protocol::client::Client::open(stream, Options::default()).await?;
    for statement in [
        "CREATE KEYSPACE IF NOT EXISTS ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
        "CREATE TABLE IF NOT EXISTS ks.wide (p int, c int, s text static, v text, n int, tags set<int>, items list<int>, \
         names map<int, text>, PRIMARY KEY (p, c)) WITH gc_grace_seconds = 60 AND memtable_flush_period_in_ms = 3000 \
         AND compaction = {'class': 'SizeTieredCompactionStrategy', 'min_threshold': 2, 'min_sstable_size': 1}",
        "CREATE TABLE IF NOT EXISTS ks.short (p int, c int, v text, PRIMARY KEY (p, c)) WITH gc_grace_seconds = 60 \
         AND compaction = {'class': 'SizeTieredCompactionStrategy', 'min_threshold': 2, 'min_sstable_size': 1}",
    ] {
        client.run(statement).await?;
    }
    Ok(())
}

/// Says what is wrong and ends the run. What happens behind a power failure is not wrong: the run ends before.
async fn blame(env: &Env, what: &str) -> ! {
    env.sleep(LAST_MOMENT).await;
    panic!("{what}")
}

fn settings() -> Settings {
    let set = [
        "memory_limit=64MiB",
        "memtable_space=8MiB",
        "commitlog_segment_size=1MiB",
        "commitlog_total_space=4MiB",
        "num_tokens=2",
        "batch_size_fail_threshold=400KiB",
        "data_dir=/node",
    ];
    let sources = Sources {
        file: None,
        environment: Vec::new(),
        arguments: Arguments {
            set: set.iter().map(ToString::to_string).collect(),
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

/// The text of a panic.
fn message(panic: &(dyn Any + Send)) -> String {
    if let Some(text) = panic.downcast_ref::<&str>() {
        return (*text).to_owned();
    }
    panic
        .downcast_ref::<String>()
        .cloned()
        .unwrap_or_else(|| "no message".to_owned())
}
