//! The environment: the only door through which the database touches the world.
//!
//! An [`Env`] is a cheap clone handed down from `Node` to every service. It wraps a [`System`], of which there are
//! two kinds: the real one in this module ([`Env::real`]: tokio, the operating system, bounded named threads) and the
//! simulated one in the crate `sim` (virtual time, a disk that loses what was not synced, one seed for everything).
//! The same build runs on either, which is how whole clusters are tested in one process.
//!
//! What always holds:
//! - No other code reads a clock, opens a file or a socket, draws randomness, or starts a task or thread;
//!   `clippy.toml` refuses the calls.
//! - File calls wait for the disk, so they are made inside [`Env::blocking`]. Two are allowed outside:
//!   [`File::read_now`], which never waits, and the commit log's [`File::append`] and [`File::write_at`].
//! - Dropping a value never acts on the disk: after a power failure in simulation, nothing may happen.
//! - A [`Task`] that is dropped is cancelled, so nothing outlives its owner by accident.

mod files;
mod network;
mod real;
mod rng;
mod system;
mod task;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

pub use futures_util::future::BoxFuture;

pub use files::{Dir, Entry, File, Lock, Space, check_name};
pub use network::{Connection, Listener, Stream};
pub use real::{Options, raise_open_files_max};
pub use rng::Rng;
pub use system::{Class, Faults, Finish, Job, System};
pub use task::{Blocking, Task, TaskError, give_way};

/// A handle to the world: clock, network, files, randomness and tasks. Clones share everything.
#[derive(Clone)]
pub struct Env {
    system: Arc<dyn System>,
    faults: Option<Arc<dyn Faults>>,
}

impl Env {
    /// The real environment with default thread counts.
    ///
    /// May be called inside or outside a tokio runtime. Outside of one, clock, files, randomness and
    /// [`Env::blocking`] work; the network, [`Env::sleep`] and [`Env::spawn`] need a runtime at the time of the call.
    pub fn real() -> Env {
        Env::real_with(Options::default())
    }

    /// The real environment with these thread counts.
    pub fn real_with(options: Options) -> Env {
        Env {
            system: Arc::new(real::Real::new(options)),
            faults: None,
        }
    }

    /// An environment made elsewhere: this is how `sim` provides its own.
    pub fn new(system: Arc<dyn System>, faults: Option<Arc<dyn Faults>>) -> Env {
        Env { system, faults }
    }

    /// Time since an arbitrary origin of this process; never goes back.
    pub fn mono(&self) -> Duration {
        self.system.mono()
    }

    /// Microseconds since 1970 by this node's wall clock, which may jump either way.
    pub fn wall_micros(&self) -> i64 {
        self.system.wall_micros()
    }

    /// Seconds since 1970 by this node's wall clock, rounded down.
    pub fn wall_seconds(&self) -> i64 {
        self.system.wall_micros().div_euclid(1_000_000)
    }

    /// Processor time that the calling thread has used; zero in simulation.
    pub fn thread_cpu(&self) -> Duration {
        self.system.thread_cpu()
    }

    /// Completes after `duration` of this node's monotonic clock.
    pub fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.system.sleep(duration)
    }

    /// The output of `future`, or `None` if `duration` passes first; `future` is then dropped.
    pub async fn timeout<F: Future>(&self, duration: Duration, future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        let mut sleep = self.sleep(duration);
        std::future::poll_fn(|context| {
            if let Poll::Ready(output) = future.as_mut().poll(context) {
                return Poll::Ready(Some(output));
            }
            sleep.as_mut().poll(context).map(|()| None)
        })
        .await
    }

    /// Opens a TCP connection, with `TCP_NODELAY` set.
    pub async fn connect(&self, address: SocketAddr) -> io::Result<Stream> {
        self.system.connect(address).await
    }

    /// Listens on `address`; port 0 takes a free one, which [`Listener::local_addr`] names.
    pub async fn bind(&self, address: SocketAddr) -> io::Result<Box<dyn Listener>> {
        self.system.bind(address).await
    }

    /// Opens an existing directory.
    pub fn dir(&self, path: &Path) -> io::Result<Arc<dyn Dir>> {
        self.system.dir(path)
    }

    /// Opens a directory and creates what is missing of its path, durably: each new name is synced in its parent.
    pub fn make_dirs(&self, path: &Path) -> io::Result<Arc<dyn Dir>> {
        self.system.make_dirs(path)
    }

    /// A random number generator for one component. In simulation it is seeded from the run's seed, the component's
    /// name and how often that name was asked for, so components do not disturb each other's numbers.
    pub fn rng(&self, component: &str) -> Rng {
        self.system.rng(component)
    }

    /// Fills `out` with bytes that nobody can guess; in simulation they are seeded.
    pub fn secret(&self, out: &mut [u8]) {
        self.system.secret(out);
    }

    /// Keys for hashers, fixed for the life of this environment.
    pub fn hash_keys(&self) -> [u64; 4] {
        self.system.hash_keys()
    }

    /// Starts a task. It is cancelled when the returned [`Task`] is dropped, unless detached.
    pub fn spawn<T, F>(&self, name: &'static str, future: F) -> Task<T>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let (task, body) = task::task(future);
        self.system.spawn(name, body);
        task
    }

    /// Queues `work` for a thread of `class`, at once; the future resolves with its result.
    ///
    /// Dropping the future does not stop the work. If `work` panics, the panic goes on in whoever awaits, so it ends
    /// that task with [`TaskError::Panicked`]. In simulation the closure runs at a seeded later instant, in one piece:
    /// long work should be many short closures.
    pub fn blocking<T, F>(&self, class: Class, work: F) -> Blocking<T>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let (blocking, job) = task::blocking(work);
        self.system.blocking(class, job);
        blocking
    }

    /// Whether a simulated run wants this unlikely branch now, with probability `probability` at each call for about
    /// half of the names in a run. Always false in the real environment.
    #[inline]
    pub fn buggify(&self, name: &'static str, probability: f64) -> bool {
        match &self.faults {
            None => false,
            Some(faults) => faults.buggify(name, probability),
        }
    }

    /// States what must hold whenever this line runs; a simulated run fails if it does not.
    #[inline]
    pub fn always(&self, name: &'static str, holds: bool) {
        if let Some(faults) = &self.faults {
            faults.always(name, holds);
        }
    }

    /// States what should happen at least once over many simulated runs; a name never reached shows a test too tame.
    #[inline]
    pub fn sometimes(&self, name: &'static str, happened: bool) {
        if let Some(faults) = &self.faults {
            faults.sometimes(name, happened);
        }
    }

    /// Whether this planted bug is switched on. Always false without the feature `mutants`, so the branch is
    /// compiled away.
    #[inline]
    pub fn mutant(&self, name: &'static str) -> bool {
        cfg!(feature = "mutants")
            && self
                .faults
                .as_ref()
                .is_some_and(|faults| faults.mutant(name))
    }
}

impl std::fmt::Debug for Env {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Env")
    }
}
