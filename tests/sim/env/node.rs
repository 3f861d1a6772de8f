//! One simulated node's [`System`]: the disk, clocks and randomness that both simulators share.
//!
//! What differs between them, virtual time, tasks and network, is a [`Driver`].

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use base::env::{BoxFuture, Class, Dir, Env, Job, Listener, Rng, Stream, System};
use futures_util::FutureExt;
use parking_lot::Mutex;

use crate::clock::Clock;
use crate::disk::{Disk, Mount, Watch};
use crate::properties::Properties;
use crate::seed::{derive, rng};
use crate::trace::{Event, Trace};
use crate::wire::Wires;

/// Virtual time, tasks and network of a simulator.
pub(crate) trait Driver: Send + Sync + 'static {
    /// Virtual time since the run began.
    fn now(&self) -> Duration;
    /// Completes after `duration` of virtual time.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
    /// Polls `body` until it is done or the node dies.
    fn spawn(&self, name: &'static str, body: BoxFuture<'static, ()>);
    /// See `Env::connect`.
    fn connect(&self, address: SocketAddr) -> BoxFuture<'static, io::Result<Stream>>;
    /// See `Env::bind`.
    fn bind(&self, address: SocketAddr) -> BoxFuture<'static, io::Result<Box<dyn Listener>>>;
}

/// What makes a node: who it is, what it owns, who drives it.
pub(crate) struct Parts {
    pub(crate) seed: u64,
    pub(crate) number: u32,
    /// Which life of the node this is, so that each has its own random numbers.
    pub(crate) life: u64,
    pub(crate) disk: Disk,
    pub(crate) clock: Clock,
    pub(crate) trace: Trace,
    pub(crate) properties: Properties,
    /// Whether file calls outside `blocking` panic.
    pub(crate) strict: bool,
    pub(crate) driver: Arc<dyn Driver>,
}

/// A node's life from a start to a crash.
pub(crate) struct Node {
    seed: u64,
    life: u64,
    clock: Clock,
    mount: Mount,
    monitor: Arc<Monitor>,
    driver: Arc<dyn Driver>,
    /// How often each component asked for a generator.
    generators: Mutex<BTreeMap<String, u64>>,
    delays: Mutex<Rng>,
}

impl Node {
    /// Mounts the disk and gives the environment, with a handle to ask whether it is alive.
    pub(crate) fn start(parts: Parts) -> (Env, Life) {
        let Parts {
            seed,
            number,
            life,
            disk,
            clock,
            trace,
            properties,
            strict,
            driver,
        } = parts;
        let seed = derive(seed, "node", u64::from(number));
        let monitor = Arc::new(Monitor {
            number,
            strict,
            trace,
            driver: driver.clone(),
            inside: AtomicBool::new(false),
            cost_nanos: AtomicU64::new(0),
            connections: AtomicU64::new(0),
        });
        let mount = Mount::new(&disk, monitor.clone());
        let delays = Mutex::new(rng(seed, "blocking delays", life));
        let alive = Life {
            mount: mount.clone(),
        };
        let node = Node {
            seed,
            life,
            clock,
            mount,
            monitor,
            driver,
            generators: Mutex::default(),
            delays,
        };
        (Env::new(Arc::new(node), Some(properties.faults())), alive)
    }

    fn wires(&self) -> Wires {
        Wires {
            mount: self.mount.clone(),
            monitor: self.monitor.clone(),
        }
    }

    /// A generator that nothing else in this life has.
    fn generator(&self, component: &str) -> Rng {
        let mut generators = self.generators.lock();
        let count = generators.entry(component.to_owned()).or_insert(0);
        *count += 1;
        rng(derive(self.seed, component, *count), "component", self.life)
    }

    /// How long a closure waits for its thread: seldom long, as under load.
    fn delay(&self) -> Duration {
        let mut delays = self.delays.lock();
        let micros_max = if delays.chance(0.05) { 5_000 } else { 50 };
        Duration::from_micros(delays.below(micros_max))
    }
}

/// Says whether a node still lives.
#[derive(Clone)]
pub(crate) struct Life {
    mount: Mount,
}

impl Life {
    pub(crate) fn is_alive(&self) -> bool {
        self.mount.is_alive()
    }
}

impl System for Node {
    fn mono(&self) -> Duration {
        self.clock.mono(self.driver.now())
    }

    fn wall_micros(&self) -> i64 {
        self.clock.wall_micros(self.driver.now())
    }

    fn thread_cpu(&self) -> Duration {
        Duration::ZERO
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.driver.sleep(self.clock.virtual_time(duration))
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'static, io::Result<Stream>> {
        self.monitor
            .record("connect", [u64::from(address.port()), 0]);
        let (wires, opening) = (self.wires(), self.driver.connect(address));
        async move {
            wires.check()?;
            Ok(wires.stream(opening.await?))
        }
        .boxed()
    }

    fn bind(&self, address: SocketAddr) -> BoxFuture<'static, io::Result<Box<dyn Listener>>> {
        self.monitor.record("bind", [u64::from(address.port()), 0]);
        let (wires, binding) = (self.wires(), self.driver.bind(address));
        async move {
            wires.check()?;
            Ok(wires.listener(binding.await?))
        }
        .boxed()
    }

    fn dir(&self, path: &Path) -> io::Result<Arc<dyn Dir>> {
        self.mount.dir(path)
    }

    fn make_dirs(&self, path: &Path) -> io::Result<Arc<dyn Dir>> {
        self.mount.make_dirs(path)
    }

    fn rng(&self, component: &str) -> Rng {
        self.generator(component)
    }

    fn secret(&self, out: &mut [u8]) {
        self.generator("secret").fill(out);
    }

    fn hash_keys(&self) -> [u64; 4] {
        let mut keys = rng(self.seed, "hash keys", self.life);
        std::array::from_fn(|_| keys.next_u64())
    }

    fn spawn(&self, name: &'static str, body: BoxFuture<'static, ()>) {
        self.driver.spawn(name, body);
    }

    fn blocking(&self, class: Class, job: Job) {
        let delay = self.delay();
        let (monitor, driver, mount) = (
            self.monitor.clone(),
            self.driver.clone(),
            self.mount.clone(),
        );
        let body = async move {
            driver.sleep(delay).await;
            if !mount.is_alive() {
                return;
            }
            monitor.record("blocking", [class as u64, 0]);
            let (finish, cost) = monitor.inside(job);
            driver.sleep(cost).await;
            if mount.is_alive() {
                finish();
            }
        };
        self.driver.spawn("blocking", body.boxed());
    }
}

/// Hears of everything a node does: records it, charges its file calls, and refuses them on the wrong thread.
pub(crate) struct Monitor {
    number: u32,
    strict: bool,
    trace: Trace,
    driver: Arc<dyn Driver>,
    /// Whether a blocking closure is running.
    inside: AtomicBool,
    /// What the running closure's calls have cost.
    cost_nanos: AtomicU64,
    /// Connections so far.
    connections: AtomicU64,
}

impl Monitor {
    /// A number for the next connection.
    pub(crate) fn connection(&self) -> u64 {
        self.connections.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn record(&self, what: &'static str, detail: [u64; 2]) {
        self.trace.record(Event {
            at: self.driver.now(),
            node: self.number,
            what,
            detail,
        });
    }

    /// Runs a closure as on a thread that may wait, and says what its file calls cost.
    fn inside<T>(&self, work: impl FnOnce() -> T) -> (T, Duration) {
        let outer = self.inside.swap(true, Ordering::Relaxed);
        self.cost_nanos.store(0, Ordering::Relaxed);
        let result = work();
        self.inside.store(outer, Ordering::Relaxed);
        (
            result,
            Duration::from_nanos(self.cost_nanos.swap(0, Ordering::Relaxed)),
        )
    }
}

impl Watch for Monitor {
    fn call(&self, what: &'static str, detail: [u64; 2], waits: bool) {
        let allowed = !waits || !self.strict || self.inside.load(Ordering::Relaxed);
        assert!(
            allowed,
            "file call `{what}` outside Env::blocking: it could stall every connection of its thread"
        );
        self.record(what, detail);
    }

    fn cost(&self, cost: Duration) {
        self.cost_nanos
            .fetch_add(cost.as_nanos() as u64, Ordering::Relaxed);
    }
}
