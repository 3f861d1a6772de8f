//! One node, alone: an executor with virtual time around one simulated disk, cheap enough for thousands of runs.
//!
//! Tests are plain `#[test]` functions. The short form:
//!
//! ```
//! use base::env::Class;
//! use std::path::Path;
//! use std::time::Duration;
//!
//! let waited = sim::local::block_on(7, |env| async move {
//!     let dir = env.clone();
//!     env.blocking(Class::General, move || dir.make_dirs(Path::new("/data")).map(drop)).await.unwrap();
//!     env.sleep(Duration::from_secs(3600)).await; // takes no real time
//!     env.mono()
//! });
//! assert!(waited >= Duration::from_secs(3600));
//! ```
//!
//! A [`Machine`] keeps its disk, clock and trace over many runs; each run is a life of the node. Between them the power
//! may fail, and within one at a chosen step:
//!
//! ```
//! use sim::local::Machine;
//! use std::path::Path;
//!
//! let machine = Machine::new(7);
//! machine.run(|env| async move {
//!     let file = env.make_dirs(Path::new("/data")).unwrap().create("log").unwrap();
//!     file.append(b"synced ").unwrap();
//!     file.sync_data().unwrap();
//!     env.dir(Path::new("/data")).unwrap().sync_dir().unwrap();
//!     file.append(b"perhaps").unwrap();
//! }).unwrap();
//! machine.disk().power_failure();
//! let bytes = machine.run(|env| async move {
//!     env.dir(Path::new("/data")).unwrap().open("log").unwrap().read_all(100).unwrap()
//! }).unwrap();
//! assert!(bytes.starts_with(b"synced "));
//! ```
//!
//! [`crash_sweep`] repeats a trial with the power failing at its first change of the disk, its second, and so on;
//! [`error_sweep`] with an error at its first call, its second, and so on.
//! Tests without async code take a [`Machine::env`] and call files directly.
//!
//! How it runs: of the tasks that can go on, a seeded choice is polled next; when none can, time moves to the next
//! timer; when there is none, the run panics with the names of the tasks that wait for ever. A power failure ends the
//! run at once with [`PowerFailure`]. A panic in a detached task is a panic of the run.

mod executor;
mod network;
mod timers;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use base::env::Env;
use parking_lot::Mutex;

use crate::clock::Clock;
use crate::disk::{Disk, PowerFailure};
use crate::node::{Driver, Life, Node, Parts};
use crate::properties::Properties;
use crate::seed::derive;
use crate::trace::Trace;
use executor::Executor;

/// Runs `main` on a new node of `seed` and gives its result.
pub fn block_on<T, F: Future<Output = T>>(seed: u64, main: impl FnOnce(Env) -> F) -> T {
    Machine::new(seed)
        .run(main)
        .expect("the power does not fail by itself")
}

/// Repeats `trial` on new machines with the power failing at change 1, 2, 3 and so on, until a trial ends without
/// having come so far. Gives the number of trials. A failure names the seed and the step, which
/// [`crash_at`] repeats.
///
/// A trial runs its work, which a power failure may end anywhere, and then runs again and checks what is left.
/// The second run may be hit too if the first did not come so far; run it in a loop until it succeeds:
///
/// ```
/// use sim::local::{Machine, crash_sweep};
/// use std::path::Path;
///
/// let trials = crash_sweep(1, |machine| {
///     let work = || machine.run(|env| async move { env.make_dirs(Path::new("/data")).map(drop) });
///     while work().is_err() {}
///     let found = machine.run(|env| async move { env.dir(Path::new("/data")).map(drop) });
///     assert!(found.unwrap().is_ok(), "it is there");
/// });
/// assert_eq!(trials, 3, "at make_dir, at sync_dir, and not at all");
/// ```
///
/// The work passes errors on: after the power failure each file call gives one, which
/// [`is_power_failure`](crate::disk::is_power_failure) knows.
pub fn crash_sweep(seed: u64, mut trial: impl FnMut(&Machine)) -> u64 {
    for step in 1.. {
        if !crash_at(seed, step, &mut trial) {
            return step;
        }
    }
    unreachable!("a trial that never ends")
}

/// As [`crash_sweep`], but `work` is killed at its change 1, 2, 3 and so on, and nothing is lost by that. `after` gets what
/// `work` gave and goes on with what a kill may lead to: a life that trusts what it finds, and then a power failure.
pub fn kill_sweep<T>(
    seed: u64,
    mut work: impl FnMut(&Machine) -> T,
    mut after: impl FnMut(&Machine, T),
) -> u64 {
    for step in 1.. {
        let machine = Machine::new(derive(seed, "kill", step));
        machine.disk().kill_at(step);
        let blame = Blame {
            function: "kill_sweep",
            seed,
            step,
        };
        let given = work(&machine);
        let is_over = machine.disk().cancel_power_failure();
        after(&machine, given);
        std::mem::forget(blame);
        if is_over {
            return step;
        }
    }
    unreachable!("a trial that never ends")
}

/// As [`crash_sweep`], but the disk's call 1, 2, 3 and so on, reads included, fails once with an error, and the node
/// goes on. Gives the number of trials.
pub fn error_sweep(seed: u64, mut trial: impl FnMut(&Machine)) -> u64 {
    for call in 1.. {
        let machine = Machine::new(derive(seed, "error", call));
        machine.disk().error_in(call);
        let blame = Blame {
            function: "error_sweep",
            seed,
            step: call,
        };
        trial(&machine);
        std::mem::forget(blame);
        if machine.disk().cancel_error() {
            return call;
        }
    }
    unreachable!("a trial that never ends")
}

/// One trial of [`crash_sweep`]: whether the power failed in it.
pub fn crash_at(seed: u64, step: u64, mut trial: impl FnMut(&Machine)) -> bool {
    let machine = Machine::new(derive(seed, "crash", step));
    machine.disk().power_failure_at(step);
    let blame = Blame {
        function: "crash_at",
        seed,
        step,
    };
    trial(&machine);
    std::mem::forget(blame);
    !machine.disk().cancel_power_failure()
}

/// Names the trial when it panics.
struct Blame {
    function: &'static str,
    seed: u64,
    step: u64,
}

impl Drop for Blame {
    fn drop(&mut self) {
        eprintln!(
            "failed in sim::local::{}, seed {}, step {}",
            self.function, self.seed, self.step
        );
    }
}

/// A node's hardware: a disk, clocks, and what the seed has in store for them.
pub struct Machine {
    seed: u64,
    disk: Disk,
    clock: Clock,
    trace: Trace,
    properties: Properties,
    strict: bool,
    progress: Mutex<Progress>,
}

#[derive(Default)]
struct Progress {
    lives: u64,
    /// Virtual time at which the last life ended.
    now: Duration,
}

impl Machine {
    /// A machine with an empty disk.
    pub fn new(seed: u64) -> Machine {
        Machine::with_disk(seed, Disk::new(seed))
    }

    /// A machine with this disk, perhaps a [`Disk::copy`] of another's.
    pub fn with_disk(seed: u64, disk: Disk) -> Machine {
        Machine {
            seed,
            disk,
            clock: Clock::new(),
            trace: Trace::new(),
            properties: Properties::new(seed, true),
            strict: false,
            progress: Mutex::default(),
        }
    }

    /// File calls outside `Env::blocking` panic, save those that are allowed there.
    pub fn strict(self) -> Machine {
        Machine {
            strict: true,
            ..self
        }
    }

    /// With these properties instead: without `buggify`, or with mutants.
    pub fn with_properties(self, properties: Properties) -> Machine {
        Machine { properties, ..self }
    }

    /// The disk, to let it fail and to look at it.
    pub fn disk(&self) -> &Disk {
        &self.disk
    }

    /// The clocks, to skew them.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// What happened in all lives so far.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// What the code said of itself.
    pub fn properties(&self) -> &Properties {
        &self.properties
    }

    /// A new life without an executor: files, clocks and randomness work; tasks, sleeps and blocking closures are
    /// queued for ever. It ends the life before.
    pub fn env(&self) -> Env {
        self.start().0
    }

    /// A life of the node: starts it on the disk as it is, and ends it with `main`'s result, or when the power fails.
    /// Tasks that are left are dropped; what was written and not synced is still there, as after the end of a
    /// process.
    pub fn run<T, F: Future<Output = T>>(
        &self,
        main: impl FnOnce(Env) -> F,
    ) -> Result<T, PowerFailure> {
        let (env, life, executor) = self.start();
        let result = executor.run(main(env), || life.is_alive());
        self.progress.lock().now = executor.now();
        // Whoever kept a handle does not reach the disk any more, and locks are free.
        self.disk.mount();
        result
    }

    fn start(&self) -> (Env, Life, Arc<Executor>) {
        let mut progress = self.progress.lock();
        progress.lives += 1;
        let seed = derive(self.seed, "life", progress.lives);
        let executor = Executor::new(seed, progress.now, self.trace.clone());
        let (env, life) = Node::start(Parts {
            seed: self.seed,
            number: 0,
            life: progress.lives,
            disk: self.disk.clone(),
            clock: self.clock.clone(),
            trace: self.trace.clone(),
            properties: self.properties.clone(),
            strict: self.strict,
            driver: executor.clone(),
        });
        (env, life, executor)
    }
}

#[cfg(test)]
mod tests;
