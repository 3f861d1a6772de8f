//! The real environment: tokio for network, timers and tasks; the operating system for files, clocks and entropy;
//! own bounded threads for blocking work.
//!
//! This folder is the one place where the calls that `clippy.toml` bans are made.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the real environment makes the real calls"
)]

mod files;
mod network;
mod open_files;
mod pool;

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use futures_util::FutureExt;
use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::Handle;

use super::{BoxFuture, Class, Dir, Job, Listener, Rng, Stream, System};
use pool::Pool;

pub use open_files::raise_open_files_max;

/// How many threads each blocking class may use; they start when first needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Threads for [`Class::Read`]: about as many requests as a disk likes to have queued.
    pub read_threads: usize,
    /// Threads for [`Class::Sync`]: one syncs the commit log, one anything else.
    pub sync_threads: usize,
    /// Threads for [`Class::Flush`].
    pub flush_threads: usize,
    /// Threads for [`Class::Compaction`].
    pub compaction_threads: usize,
    /// Threads for [`Class::General`].
    pub general_threads: usize,
}

impl Default for Options {
    fn default() -> Options {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let background = (cores / 4).max(1);
        Options {
            read_threads: 4,
            sync_threads: 2,
            flush_threads: background,
            compaction_threads: background,
            general_threads: 2,
        }
    }
}

impl Options {
    fn threads(&self, class: Class) -> usize {
        match class {
            Class::Read => self.read_threads,
            Class::Sync => self.sync_threads,
            Class::Flush => self.flush_threads,
            Class::Compaction => self.compaction_threads,
            Class::General => self.general_threads,
        }
    }
}

/// The operating system and tokio. Dropping it ends its threads after what they have queued.
pub(super) struct Real {
    origin: Instant,
    hash_keys: [u64; 4],
    /// The runtime it was made in, for calls from outside of any.
    runtime: Option<Handle>,
    /// By class, in the order of [`Class::ALL`].
    pools: [Pool; Class::ALL.len()],
}

impl Real {
    pub(super) fn new(options: Options) -> Real {
        let mut keys = Rng::from_seed(entropy_u64());
        Real {
            origin: Instant::now(),
            hash_keys: std::array::from_fn(|_| keys.next_u64()),
            runtime: Handle::try_current().ok(),
            pools: Class::ALL.map(|class| Pool::new(class, options.threads(class).max(1))),
        }
    }

    /// The caller's runtime, so that one runtime per core keeps its tasks; else the one this was made in.
    fn runtime(&self) -> Handle {
        Handle::try_current()
            .ok()
            .or_else(|| self.runtime.clone())
            .expect("tasks need a tokio runtime, and there is none")
    }
}

impl System for Real {
    fn mono(&self) -> Duration {
        self.origin.elapsed()
    }

    fn wall_micros(&self) -> i64 {
        let micros = |duration: Duration| i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => micros(after),
            Err(before) => -micros(before.duration()),
        }
    }

    fn thread_cpu(&self) -> Duration {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        Duration::new(
            time.tv_sec.unsigned_abs(),
            u32::try_from(time.tv_nsec).unwrap_or(0),
        )
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        tokio::time::sleep(duration).boxed()
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'static, io::Result<Stream>> {
        network::connect(address).boxed()
    }

    fn bind(&self, address: SocketAddr) -> BoxFuture<'static, io::Result<Box<dyn Listener>>> {
        network::bind(address).boxed()
    }

    fn dir(&self, path: &Path) -> io::Result<Arc<dyn Dir>> {
        files::dir(path)
    }

    fn make_dirs(&self, path: &Path) -> io::Result<Arc<dyn Dir>> {
        files::make_dirs(path)
    }

    fn rng(&self, _component: &str) -> Rng {
        Rng::from_seed(entropy_u64())
    }

    fn secret(&self, out: &mut [u8]) {
        fill_from_entropy(out);
    }

    fn hash_keys(&self) -> [u64; 4] {
        self.hash_keys
    }

    fn spawn(&self, _name: &'static str, body: BoxFuture<'static, ()>) {
        drop(self.runtime().spawn(body));
    }

    fn blocking(&self, class: Class, job: Job) {
        self.pools[class as usize].submit(job);
    }
}

fn entropy_u64() -> u64 {
    let mut bytes = [0; 8];
    fill_from_entropy(&mut bytes);
    u64::from_le_bytes(bytes)
}

/// A system without entropy cannot make a secret, so there is nothing to go on with.
fn fill_from_entropy(out: &mut [u8]) {
    getrandom::fill(out).expect("the operating system has no entropy to give");
}
