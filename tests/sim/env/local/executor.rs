//! An executor of one thread with virtual time and a seeded choice of what runs next.
//!
//! 1. While tasks are ready, one of them is chosen at random and polled. The main future is number 0.
//! 2. When none is ready, time moves to the earliest timer, and all timers of that moment wake their tasks.
//! 3. With no timer either, everything waits for ever: the run panics and names the tasks.
//!
//! It all happens inside one poll of a tokio runtime that does nothing else, because that is what seeds the random
//! choices of tokio's own macros.

use std::collections::{BTreeMap, BTreeSet};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use base::env::{BoxFuture, Listener, Rng, Stream};
use futures_util::FutureExt;
use parking_lot::Mutex;
use tokio::runtime::{Builder, RngSeed};

use super::network::Network;
use super::timers::Timers;
use crate::disk::PowerFailure;
use crate::node::Driver;
use crate::seed::rng;
use crate::trace::{Event, Trace};

/// Polls of one life; beyond it, some task spins without waiting for anything.
const POLLS_MAX: u64 = 50_000_000;

/// The main future's number.
const MAIN: u64 = 0;

pub(super) struct Executor {
    seed: u64,
    trace: Trace,
    ready: Arc<Ready>,
    timers: Arc<Timers>,
    network: Arc<Network>,
    state: Mutex<State>,
}

struct State {
    rng: Rng,
    tasks: BTreeMap<u64, Task>,
    next_task: u64,
    /// Set at the end: tasks that are spawned while others are dropped are dropped too.
    closed: bool,
}

struct Task {
    name: &'static str,
    /// Taken out while it is polled.
    body: Option<BoxFuture<'static, ()>>,
}

/// The numbers of tasks that were woken, each once, in the order of their waking.
#[derive(Default)]
struct Ready(Mutex<Woken>);

#[derive(Default)]
struct Woken {
    list: Vec<u64>,
    listed: BTreeSet<u64>,
}

impl Ready {
    fn add(&self, number: u64) {
        let mut woken = self.0.lock();
        if woken.listed.insert(number) {
            woken.list.push(number);
        }
    }

    /// Takes the one of which `choose` gives the index.
    fn take(&self, choose: impl FnOnce(usize) -> usize) -> Option<u64> {
        let mut woken = self.0.lock();
        if woken.list.is_empty() {
            return None;
        }
        let index = choose(woken.list.len());
        let number = woken.list.swap_remove(index);
        woken.listed.remove(&number);
        Some(number)
    }
}

struct TaskWaker {
    number: u64,
    ready: Arc<Ready>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.ready.add(self.number);
    }
}

impl Executor {
    pub(super) fn new(seed: u64, now: Duration, trace: Trace) -> Arc<Executor> {
        let rng = rng(seed, "executor", 0);
        let state = State {
            rng,
            tasks: BTreeMap::new(),
            next_task: MAIN + 1,
            closed: false,
        };
        Arc::new(Executor {
            seed,
            trace,
            ready: Arc::default(),
            timers: Timers::new(now),
            network: Network::new(),
            state: Mutex::new(state),
        })
    }

    /// Runs until `main` is done or the node is dead, then drops all tasks.
    pub(super) fn run<T>(
        self: &Arc<Executor>,
        main: impl Future<Output = T>,
        is_alive: impl Fn() -> bool,
    ) -> Result<T, PowerFailure> {
        let runtime = Builder::new_current_thread()
            .rng_seed(RngSeed::from_bytes(&self.seed.to_le_bytes()))
            .build()
            .expect("a runtime without drivers needs nothing from the system");
        let _clean_up = CleanUp(self);
        let mut main = pin!(main);
        // Unconstrained: tokio's budget would make its channels wait for a runtime that never gets its turn.
        runtime.block_on(tokio::task::unconstrained(poll_fn(|_| {
            Poll::Ready(self.drive(main.as_mut(), &is_alive))
        })))
    }

    fn drive<T>(
        &self,
        mut main: Pin<&mut impl Future<Output = T>>,
        is_alive: &impl Fn() -> bool,
    ) -> Result<T, PowerFailure> {
        self.ready.add(MAIN);
        for _ in 0..POLLS_MAX {
            let Some(number) = self.next() else {
                assert!(
                    self.timers.advance(),
                    "deadlock: nothing left to wait for (seed {}); tasks: {:?}",
                    self.seed,
                    self.names()
                );
                continue;
            };
            let output = if number == MAIN {
                self.poll_main(main.as_mut())
            } else {
                self.poll_task(number)
            };
            if !is_alive() {
                return Err(PowerFailure);
            }
            if let Some(output) = output {
                return Ok(output);
            }
        }
        panic!(
            "livelock after {POLLS_MAX} polls (seed {}); tasks: {:?}",
            self.seed,
            self.names()
        );
    }

    /// A seeded choice of the tasks that are ready.
    fn next(&self) -> Option<u64> {
        self.ready
            .take(|count| self.state.lock().rng.below(count as u64) as usize)
    }

    fn poll_main<T>(&self, main: Pin<&mut impl Future<Output = T>>) -> Option<T> {
        let waker = self.waker(MAIN);
        match main.poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        }
    }

    fn poll_task<T>(&self, number: u64) -> Option<T> {
        // None: a late wake of a task that is done.
        let mut body = self
            .state
            .lock()
            .tasks
            .get_mut(&number)
            .and_then(|task| task.body.take())?;
        self.trace.record(Event {
            at: self.now(),
            node: 0,
            what: "poll",
            detail: [number, 0],
        });
        let waker = self.waker(number);
        let done = body
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_ready();
        let mut state = self.state.lock();
        if done {
            state.tasks.remove(&number);
            // Its drop may spawn or wake.
            drop(state);
            drop(body);
        } else if let Some(task) = state.tasks.get_mut(&number) {
            task.body = Some(body);
        }
        None
    }

    fn waker(&self, number: u64) -> Waker {
        Arc::new(TaskWaker {
            number,
            ready: self.ready.clone(),
        })
        .into()
    }

    fn names(&self) -> Vec<&'static str> {
        self.state
            .lock()
            .tasks
            .values()
            .map(|task| task.name)
            .collect()
    }
}

/// Drops what is left of a run, also when it panics: tasks and executor own each other.
struct CleanUp<'a>(&'a Executor);

impl Drop for CleanUp<'_> {
    fn drop(&mut self) {
        let tasks = {
            let mut state = self.0.state.lock();
            state.closed = true;
            std::mem::take(&mut state.tasks)
        };
        drop(tasks);
        self.0.timers.clear();
    }
}

impl Driver for Executor {
    fn now(&self) -> Duration {
        self.timers.now()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.timers.sleep(duration).boxed()
    }

    fn spawn(&self, name: &'static str, body: BoxFuture<'static, ()>) {
        let mut state = self.state.lock();
        if state.closed {
            drop(state);
            drop(body);
            return;
        }
        let number = state.next_task;
        state.next_task += 1;
        state.tasks.insert(
            number,
            Task {
                name,
                body: Some(body),
            },
        );
        drop(state);
        self.ready.add(number);
    }

    fn connect(
        &self,
        address: std::net::SocketAddr,
    ) -> BoxFuture<'static, std::io::Result<Stream>> {
        let result = self.network.connect(address);
        async move { result }.boxed()
    }

    fn bind(
        &self,
        address: std::net::SocketAddr,
    ) -> BoxFuture<'static, std::io::Result<Box<dyn Listener>>> {
        let result = self.network.bind(address);
        async move { result }.boxed()
    }
}
