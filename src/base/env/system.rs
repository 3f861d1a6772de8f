//! What an environment must provide: the object-safe half of [`Env`](super::Env).
//!
//! `Env` adds the generic conveniences (typed tasks, closures with results, timeouts); an implementation only moves
//! boxed futures and boxed closures about.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::{BoxFuture, Dir, Listener, Rng, Stream};

/// A closure for [`System::blocking`]. It catches its own panic; its result is delivered by the [`Finish`] it gives
/// back, so that a simulation can let the disk's time pass in between.
pub type Job = Box<dyn FnOnce() -> Finish + Send + 'static>;

/// Delivers the result of a [`Job`].
pub type Finish = Box<dyn FnOnce() + Send + 'static>;

/// Which threads run a blocking closure. Each class has its own, so a long compaction delays no read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Reads of blocks that were not in memory.
    Read,
    /// Syncs of the commit log and of other files that somebody waits for.
    Sync,
    /// Writing memtables to files, preparing commit log segments. Runs at nice 10.
    Flush,
    /// Merging files. Runs at nice 10.
    Compaction,
    /// Everything else: opening and listing, password hashing, name lookup.
    General,
}

impl Class {
    /// All classes, in order of their discriminants.
    pub const ALL: [Class; 5] = [
        Class::Read,
        Class::Sync,
        Class::Flush,
        Class::Compaction,
        Class::General,
    ];

    /// A short lower-case name, for threads and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Class::Read => "read",
            Class::Sync => "sync",
            Class::Flush => "flush",
            Class::Compaction => "compaction",
            Class::General => "general",
        }
    }
}

/// An implementation of the environment. [`Env`](super::Env)'s methods of the same names say what each must do.
pub trait System: Send + Sync + 'static {
    /// See [`Env::mono`](super::Env::mono).
    fn mono(&self) -> Duration;
    /// See [`Env::wall_micros`](super::Env::wall_micros).
    fn wall_micros(&self) -> i64;
    /// See [`Env::thread_cpu`](super::Env::thread_cpu).
    fn thread_cpu(&self) -> Duration;
    /// See [`Env::sleep`](super::Env::sleep).
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
    /// See [`Env::connect`](super::Env::connect).
    fn connect(&self, address: SocketAddr) -> BoxFuture<'static, io::Result<Stream>>;
    /// See [`Env::bind`](super::Env::bind).
    fn bind(&self, address: SocketAddr) -> BoxFuture<'static, io::Result<Box<dyn Listener>>>;
    /// See [`Env::dir`](super::Env::dir).
    fn dir(&self, path: &Path) -> io::Result<Arc<dyn Dir>>;
    /// See [`Env::make_dirs`](super::Env::make_dirs).
    fn make_dirs(&self, path: &Path) -> io::Result<Arc<dyn Dir>>;
    /// See [`Env::rng`](super::Env::rng).
    fn rng(&self, component: &str) -> Rng;
    /// See [`Env::secret`](super::Env::secret).
    fn secret(&self, out: &mut [u8]);
    /// See [`Env::hash_keys`](super::Env::hash_keys).
    fn hash_keys(&self) -> [u64; 4];
    /// Polls `body` until it is done. A panic of `body` means that nobody owns the task any more.
    fn spawn(&self, name: &'static str, body: BoxFuture<'static, ()>);
    /// Runs `job` once, on a thread of `class`, and then what it gives back.
    fn blocking(&self, class: Class, job: Job);
}

/// The simulator's say in the code: unlikely branches, stated properties, planted bugs.
pub trait Faults: Send + Sync + 'static {
    /// See [`Env::buggify`](super::Env::buggify).
    fn buggify(&self, name: &'static str, probability: f64) -> bool;
    /// See [`Env::always`](super::Env::always).
    fn always(&self, name: &'static str, holds: bool);
    /// See [`Env::sometimes`](super::Env::sometimes).
    fn sometimes(&self, name: &'static str, happened: bool);
    /// See [`Env::mutant`](super::Env::mutant).
    fn mutant(&self, name: &'static str) -> bool;
}
