//! Threads for one class of blocking work.
//!
//! A thread starts when a job arrives and no thread is idle, up to the class's bound, and then stays. Dropping the
//! pool lets the threads finish what is queued and waits for them; a job that holds the last owner of the pool drops
//! it on a pool thread, which cannot wait for itself and is left to end alone.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use parking_lot::{Condvar, Mutex};

use super::super::{Class, Job};

/// How much processor time background work leaves to requests; 0 is normal, 19 the most polite.
const BACKGROUND_NICE: i32 = 10;

pub(super) struct Pool {
    class: Class,
    threads_max: usize,
    queue: Arc<Queue>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    work: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    idle: usize,
    closed: bool,
}

impl Pool {
    pub(super) fn new(class: Class, threads_max: usize) -> Pool {
        Pool {
            class,
            threads_max,
            queue: Arc::default(),
            threads: Mutex::default(),
        }
    }

    pub(super) fn submit(&self, job: Job) {
        let short_of_threads = {
            let mut state = self.queue.state.lock();
            state.jobs.push_back(job);
            state.idle < state.jobs.len()
        };
        if short_of_threads {
            self.add_thread();
        }
        self.queue.work.notify_one();
    }

    fn add_thread(&self) {
        let mut threads = self.threads.lock();
        if threads.len() >= self.threads_max {
            return;
        }
        let queue = self.queue.clone();
        let polite = matches!(self.class, Class::Flush | Class::Compaction);
        let builder =
            thread::Builder::new().name(format!("{}-{}", self.class.name(), threads.len()));
        let started = builder.spawn(move || {
            if polite {
                // Being refused politeness is harmless.
                let _ = rustix::process::nice(BACKGROUND_NICE);
            }
            queue.run();
        });
        match started {
            Ok(handle) => threads.push(handle),
            // The threads already there will get to it; without any, nothing ever would.
            Err(error) => assert!(
                !threads.is_empty(),
                "cannot start a {} thread: {error}",
                self.class.name()
            ),
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.queue.state.lock().closed = true;
        self.queue.work.notify_all();
        let this = thread::current().id();
        for handle in self.threads.get_mut().drain(..) {
            if handle.thread().id() != this {
                // Jobs catch their panics, so a thread ends by returning.
                let _ = handle.join();
            }
        }
    }
}

impl Queue {
    fn run(&self) {
        while let Some(job) = self.next() {
            // A job delivers its own panic; this guards against one in the drop of what it captured.
            let _ = catch_unwind(AssertUnwindSafe(|| job()()));
        }
    }

    /// The next job, or `None` once the pool is closed and all are done.
    fn next(&self) -> Option<Job> {
        let mut state = self.state.lock();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                return Some(job);
            }
            if state.closed {
                return None;
            }
            state.idle += 1;
            self.work.wait(&mut state);
            state.idle -= 1;
        }
    }
}
