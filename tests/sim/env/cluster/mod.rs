//! Many nodes in one process, on turmoil: its hosts, scheduler and network, with our disks and clocks.
//!
//! ```
//! use sim::cluster::Cluster;
//! use std::time::Duration;
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!
//! let mut cluster = Cluster::new(7);
//! let address = cluster.address("server", 9042);
//! cluster.host("server", move |env| async move {
//!     let listener = env.bind(address).await?;
//!     loop {
//!         let (mut stream, _) = listener.accept().await?;
//!         stream.write_all(b"hello").await?;
//!     }
//! });
//! cluster.client("client", move |env| async move {
//!     env.sleep(Duration::from_millis(100)).await;
//!     let mut text = String::new();
//!     env.connect(address).await?.read_to_string(&mut text).await?;
//!     assert_eq!(text, "hello");
//!     Ok(())
//! });
//! cluster.run().unwrap();
//! ```
//!
//! A *host* runs until the cluster ends and can be crashed and started again; its disk and clocks stay. A *client* runs
//! once, and [`Cluster::run`] ends when all clients are done. Faults are injected between steps:
//!
//! | Fault | Call | What the nodes see |
//! |---|---|---|
//! | power failure | [`Cluster::crash`], or the disk's `power_failure_at` | un-synced bytes may be lost; peers see an end of file or, as often, silence |
//! | end of process | [`Cluster::kill`] | the disk keeps everything, peers see an end of file |
//! | partition | [`Cluster::partition`], [`Cluster::heal`] | silence; what was sent arrives after healing, as TCP would send it again |
//! | one-way loss | [`Cluster::block`], [`Cluster::unblock`] | silence one way; connections between the two are reset at the end |
//! | reset | [`Cluster::reset`] | errors on all connections between two hosts |
//! | delay | [`Cluster::delay`] | every message takes that long |
//! | clocks | [`Cluster::clock`] | skew, drift, jumps |
//! | disk | [`Cluster::disk`] | errors, failed syncs, no space, rot |
//!
//! What always holds: file calls outside `Env::blocking` panic (save those allowed there); an error that a host ends
//! with fails the run, unless its power failed; a panic in any task fails the run and prints the seed. turmoil's
//! `fail_rate` is never used: its TCP does not send again.

mod driver;
mod links;
mod machine;

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base::env::{Env, Rng};
use parking_lot::Mutex;

use crate::clock::{Clock, WALL_START_MICROS};
use crate::disk::Disk;
use crate::properties::Properties;
use crate::seed::{derive, rng};
use crate::trace::Trace;
use links::Lines;
use machine::{Lives, Machine};

/// What hosts and clients end with.
pub type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// How a cluster is simulated.
#[derive(Clone, Debug)]
pub struct Options {
    /// The longest a message takes; the shortest is zero.
    pub latency_max: Duration,
    /// The longest a run may take, in virtual time.
    pub duration_max: Duration,
    /// Whether unlikely branches are taken.
    pub buggify: bool,
    /// Planted bugs that are switched on.
    pub mutants: Vec<String>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            latency_max: Duration::from_millis(5),
            duration_max: Duration::from_secs(3600),
            buggify: true,
            mutants: Vec::new(),
        }
    }
}

/// Writes that a connection takes before its reader reads; connections that may wait to be accepted.
const TCP_CAPACITY: usize = 1_024;

/// A simulated cluster. It prints its seed when it is dropped by a panic.
pub struct Cluster<'a> {
    seed: u64,
    sim: turmoil::Sim<'a>,
    nodes: BTreeMap<String, Arc<Machine>>,
    lines: Lines,
    rng: Rng,
    trace: Trace,
    properties: Properties,
    /// Pairs of names whose messages are held.
    partitions: BTreeSet<(String, String)>,
    /// Pairs of names cut off while one of them is without power.
    silenced: BTreeSet<(String, String)>,
}

impl<'a> Cluster<'a> {
    /// A cluster of `seed` without nodes.
    pub fn new(seed: u64) -> Cluster<'a> {
        Cluster::with_options(seed, Options::default())
    }

    /// A cluster of `seed` without nodes.
    pub fn with_options(seed: u64, options: Options) -> Cluster<'a> {
        let mutants: Vec<&str> = options.mutants.iter().map(String::as_str).collect();
        let start = Duration::from_micros(WALL_START_MICROS.unsigned_abs());
        let sim = turmoil::Builder::new()
            .rng_seed(derive(seed, "turmoil", 0))
            .epoch(SystemTime::UNIX_EPOCH + start)
            .enable_random_order()
            .min_message_latency(Duration::ZERO)
            .max_message_latency(options.latency_max)
            .simulation_duration(options.duration_max)
            .tcp_capacity(TCP_CAPACITY)
            .build();
        Cluster {
            seed,
            sim,
            nodes: BTreeMap::new(),
            lines: Lines::default(),
            rng: rng(seed, "cluster", 0),
            trace: Trace::new(),
            properties: Properties::with_mutants(seed, options.buggify, &mutants),
            partitions: BTreeSet::new(),
            silenced: BTreeSet::new(),
        }
    }

    /// Adds a node that runs `main` now and again after each crash.
    pub fn host<F, Fut>(&mut self, name: &str, main: F)
    where
        F: Fn(Env) -> Fut + 'a,
        Fut: Future<Output = Result> + 'static,
    {
        let machine = self.add(name);
        self.sim.host(name, move || {
            let (env, life) = machine.start();
            let main = main(env);
            async move {
                let result = main.await;
                if life.is_alive() { result } else { Ok(()) }
            }
        });
    }

    /// Adds a node that runs `main` once.
    pub fn client<F, Fut>(&mut self, name: &str, main: F)
    where
        F: FnOnce(Env) -> Fut,
        Fut: Future<Output = Result> + 'static,
    {
        let machine = self.add(name);
        let (env, _) = machine.start();
        // Nothing starts a client again, so nothing stops it either.
        machine.stop();
        self.sim.client(name, main(env));
    }

    fn add(&mut self, name: &str) -> Arc<Machine> {
        let number = u32::try_from(self.nodes.len()).expect("few nodes") + 1;
        let machine = Arc::new(Machine {
            seed: self.seed,
            number,
            address: self.sim.lookup(name),
            disk: Disk::new(derive(self.seed, name, 0)),
            clock: Clock::new(),
            trace: self.trace.clone(),
            properties: self.properties.clone(),
            lines: self.lines.clone(),
            state: Mutex::new(Lives {
                now: self.sim.elapsed(),
                ..Lives::default()
            }),
        });
        let before = self.nodes.insert(name.to_owned(), machine.clone());
        assert!(before.is_none(), "two nodes named {name}");
        machine
    }

    /// A node's address, also before the node is added.
    pub fn address(&self, name: &str, port: u16) -> SocketAddr {
        SocketAddr::new(self.sim.lookup(name), port)
    }

    /// A node's disk.
    pub fn disk(&self, name: &str) -> &Disk {
        &self.node(name).disk
    }

    /// A node's clocks.
    pub fn clock(&self, name: &str) -> &Clock {
        &self.node(name).clock
    }

    /// What happened so far, on all nodes.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// What the code said of itself.
    pub fn properties(&self) -> &Properties {
        &self.properties
    }

    /// A generator for the harness's own choices.
    pub fn rng(&mut self) -> &mut Rng {
        &mut self.rng
    }

    /// Virtual time since the run began.
    pub fn elapsed(&self) -> Duration {
        self.sim.elapsed()
    }

    /// Lets a millisecond pass; whether all clients are done.
    pub fn step(&mut self) -> Result<bool> {
        let done = self.sim.step()?;
        self.nodes
            .values()
            .for_each(|node| node.state.lock().now = self.sim.elapsed());
        let dead = self
            .nodes
            .iter()
            .filter(|(_, node)| node.has_lost_power())
            .map(|(name, _)| name.clone());
        for name in dead.collect::<Vec<_>>() {
            self.stop(&name);
        }
        Ok(done)
    }

    /// Runs until all clients are done.
    pub fn run(&mut self) -> Result {
        while !self.step()? {}
        Ok(())
    }

    /// Runs for this long, or until all clients are done.
    pub fn run_for(&mut self, duration: Duration) -> Result {
        let end = self.elapsed() + duration;
        while self.elapsed() < end {
            self.step()?;
        }
        Ok(())
    }

    /// A host loses its power, and perhaps what it had not synced. Its peers see an end of file or silence, as the
    /// seed decides.
    pub fn crash(&mut self, name: &str) {
        self.node(name).disk.power_failure();
        self.stop(name);
    }

    /// A host's process ends. Nothing written is lost.
    pub fn kill(&mut self, name: &str) {
        self.node(name).disk.mount();
        self.sim.crash(name);
        self.node(name).stop();
    }

    /// Starts a host that was crashed, killed, or lost its power.
    pub fn start(&mut self, name: &str) {
        let silenced = std::mem::take(&mut self.silenced);
        let (own, others) = silenced
            .into_iter()
            .partition(|(left, right)| left == name || right == name);
        self.silenced = others;
        let own: BTreeSet<(String, String)> = own;
        for (left, right) in &own {
            self.sim.repair(left.as_str(), right.as_str());
            if self.partitions.contains(&(left.clone(), right.clone())) {
                self.sim.hold(left.as_str(), right.as_str());
            }
        }
        self.sim.bounce(name);
    }

    /// Whether a host runs.
    pub fn is_running(&mut self, name: &str) -> bool {
        self.sim.is_host_running(name)
    }

    /// Holds all messages between two nodes until [`Cluster::heal`].
    pub fn partition(&mut self, left: &str, right: &str) {
        self.sim.hold(left, right);
        self.partitions.insert(pair(left, right));
    }

    /// Delivers what a partition held.
    pub fn heal(&mut self, left: &str, right: &str) {
        if self.partitions.remove(&pair(left, right)) {
            self.sim.release(left, right);
        }
    }

    /// Loses all messages from one node to another until [`Cluster::unblock`]. Not to be used together with a
    /// partition of the two.
    pub fn block(&mut self, from: &str, to: &str) {
        self.sim.partition_oneway(from, to);
    }

    /// Ends [`Cluster::block`]. Connections between the two have lost bytes, so they are reset.
    pub fn unblock(&mut self, from: &str, to: &str) {
        self.sim.repair_oneway(from, to);
        self.reset(from, to);
    }

    /// Breaks all connections between two nodes.
    pub fn reset(&mut self, left: &str, right: &str) {
        self.lines
            .reset(self.node(left).address, self.node(right).address);
    }

    /// Lets every message between two nodes take this long.
    pub fn delay(&mut self, left: &str, right: &str, latency: Duration) {
        self.sim.set_link_latency(left, right, latency);
    }

    /// Drops what a dead host was doing. In half of the cases its last words, ends of file to its peers, are lost.
    fn stop(&mut self, name: &str) {
        if self.rng.chance(0.5) {
            let others: Vec<String> = self
                .nodes
                .keys()
                .filter(|other| *other != name)
                .cloned()
                .collect();
            for other in others {
                self.sim.partition(name, other.as_str());
                self.silenced.insert(pair(name, &other));
            }
        }
        self.sim.crash(name);
        self.node(name).stop();
    }

    fn node(&self, name: &str) -> &Machine {
        self.nodes
            .get(name)
            .unwrap_or_else(|| panic!("no node named {name}"))
    }
}

impl Drop for Cluster<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "simulated cluster failed with seed {} at {:?}",
                self.seed,
                self.elapsed()
            );
        }
    }
}

fn pair(left: &str, right: &str) -> (String, String) {
    let (first, second) = if left <= right {
        (left, right)
    } else {
        (right, left)
    };
    (first.to_owned(), second.to_owned())
}

#[cfg(test)]
mod tests;
