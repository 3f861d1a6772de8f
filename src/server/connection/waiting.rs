//! What a connection waits for, all in one set: answers in the making, syncs, blocks, events, timers, the drain.
//!
//! | Waits for | As |
//! |---|---|
//! | its next turn | a read in the queue `runnable`, oldest first |
//! | a block | a read in a slot of `blocked`, and a future that names the slot |
//! | a sync | the acknowledgements of one turn in a slot of `unsynced`, and a future that names the slot |
//! | something long: DDL, TRUNCATE, looking up a statement | a future that gives the answer, or the read that makes it |
//!
//! A read whose deadline passes while it waits for its turn or a block, and writes whose deadline passes while they wait for a sync, are
//! taken out and answered; a slot stays taken until the future ends (`slots`).

use std::collections::VecDeque;
use std::future::Future;
use std::task::{Context, Poll};
use std::time::Duration;

use base::env::BoxFuture;
use bytes::BytesMut;
use futures_util::stream::{FuturesUnordered, StreamExt};
use protocol::event::Event;
use query::{Apart, Parked};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::events;
use super::output::Acknowledgements;
use super::slots::{Ended, Slots};

/// Something that was waited for has come.
pub(crate) enum Signal {
    /// An answer, complete.
    Answer(BytesMut),
    /// The log is synced, or never will be, up to these writes.
    Synced(Acknowledgements, Result<(), coordinator::Error>),
    /// A read can go on, and is in the queue; or what was given up has ended.
    Woken,
    /// A read was found that waits for its turn or a block, until this time.
    Parked(Duration),
    /// An event, and where the next comes from.
    Event(Receiver<Event>, Result<Event, RecvError>),
    /// The listener drains.
    Drain,
    /// It is this late.
    Timer(Duration),
}

/// What a future of the set gives.
enum Outcome {
    Signal(Signal),
    /// What a request that weighed so much has come to.
    Apart(Apart, usize),
    /// The read in this slot can go on.
    Woken(usize),
    /// The writes in this slot are synced, or never will be.
    Synced(usize, Result<(), coordinator::Error>),
}

/// The requests that wait, and what else the connection listens to.
#[derive(Default)]
pub(crate) struct Waiting {
    futures: FuturesUnordered<BoxFuture<'static, Outcome>>,
    runnable: VecDeque<Parked>,
    blocked: Slots<Parked>,
    unsynced: Slots<Acknowledgements>,
    requests: usize,
    bytes: usize,
}

impl Waiting {
    /// Requests that were started and not answered, and those that were given up and still have their place.
    pub(crate) fn requests(&self) -> usize {
        self.requests
    }

    /// Bytes of these requests, and of what they have of their answers.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether every request was answered.
    pub(crate) fn is_idle(&self) -> bool {
        self.requests == self.blocked.given_up() + self.unsynced.given_up()
    }

    /// How many reads only wait for their turn.
    pub(crate) fn runnable(&self) -> usize {
        self.runnable.len()
    }

    /// A read that cannot go on in this turn. Gives the time at which `expired_read` must look.
    pub(crate) fn park(&mut self, mut parked: Parked) -> Duration {
        self.requests += 1;
        self.bytes += parked.held_bytes();
        let deadline = parked.deadline();
        let Some(wait) = parked.take_wait() else {
            self.runnable.push_back(parked);
            return deadline;
        };
        let slot = self.blocked.put(parked, deadline, 1);
        self.push(async move {
            wait.await;
            Outcome::Woken(slot)
        });
        deadline
    }

    /// Puts the read that was parked last, which only waits for its turn, before the others.
    pub(crate) fn first_again(&mut self) {
        if let Some(last) = self.runnable.pop_back() {
            self.runnable.push_front(last);
        }
    }

    /// The read whose turn is next.
    pub(crate) fn next_runnable(&mut self) -> Option<Parked> {
        let parked = self.runnable.pop_front()?;
        self.requests -= 1;
        self.bytes -= parked.held_bytes();
        Some(parked)
    }

    /// Takes one read that waits for its turn or a block beyond its deadline.
    pub(crate) fn expired_read(&mut self, now: Duration) -> Option<Parked> {
        let late = self.runnable.iter().position(|read| read.deadline() <= now);
        let parked = match late.and_then(|place| self.runnable.remove(place)) {
            Some(parked) => {
                self.requests -= 1;
                parked
            }
            None => self.blocked.expired(now)?,
        };
        self.bytes -= parked.held_bytes();
        Some(parked)
    }

    /// Takes writes that wait for their sync beyond their deadline.
    pub(crate) fn expired_writes(&mut self, now: Duration) -> Option<Acknowledgements> {
        self.unsynced.expired(now)
    }

    /// The earliest deadline of what waits for its turn, a block or a sync.
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        let slots = [self.blocked.next_deadline(), self.unsynced.next_deadline()];
        let runnable = self.runnable.iter().map(Parked::deadline);
        slots.into_iter().flatten().chain(runnable).min()
    }

    /// Something that takes long, asked for by a request of this many bytes.
    pub(crate) fn later(&mut self, later: BoxFuture<'static, Apart>, bytes: usize) {
        self.requests += 1;
        self.bytes += bytes;
        self.push(async move { Outcome::Apart(later.await, bytes) });
    }

    /// Acknowledgements that wait for a sync, until `deadline` at most.
    pub(crate) fn sync(
        &mut self,
        synced: impl Future<Output = Result<(), coordinator::Error>> + Send + 'static,
        acknowledgements: Acknowledgements,
        deadline: Duration,
    ) {
        let writes = acknowledgements.writes.len();
        self.requests += writes;
        let slot = self.unsynced.put(acknowledgements, deadline, writes);
        self.push(async move { Outcome::Synced(slot, synced.await) });
    }

    /// The next event of a subscription.
    pub(crate) fn event(&mut self, subscription: Receiver<Event>) {
        self.push(async move {
            let (subscription, event) = events::next(subscription).await;
            Outcome::Signal(Signal::Event(subscription, event))
        });
    }

    /// The beginning of the listener's drain.
    pub(crate) fn drain(&mut self, mut drain: Receiver<()>) {
        self.push(async move {
            // It ends with a message, or with the listener.
            let _ = drain.recv().await;
            Outcome::Signal(Signal::Drain)
        });
    }

    /// This time of the clock, which `sleep` ends at.
    pub(crate) fn timer(&mut self, at: Duration, sleep: BoxFuture<'static, ()>) {
        self.push(async move {
            sleep.await;
            Outcome::Signal(Signal::Timer(at))
        });
    }

    fn push(&mut self, future: impl Future<Output = Outcome> + Send + 'static) {
        self.futures.push(Box::pin(future));
    }

    /// The next thing that has come.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Signal> {
        let Poll::Ready(Some(outcome)) = self.futures.poll_next_unpin(context) else {
            return Poll::Pending;
        };
        Poll::Ready(match outcome {
            Outcome::Signal(signal) => signal,
            Outcome::Apart(apart, bytes) => {
                self.requests -= 1;
                self.bytes -= bytes;
                match apart {
                    Apart::Answer(envelope) => Signal::Answer(envelope),
                    Apart::Read(parked) => Signal::Parked(self.park(parked)),
                }
            }
            Outcome::Woken(slot) => {
                match self.blocked.end(slot) {
                    Ended::InTime(parked) => self.runnable.push_back(parked),
                    Ended::GivenUp(requests) => self.requests -= requests,
                }
                Signal::Woken
            }
            Outcome::Synced(slot, result) => match self.unsynced.end(slot) {
                Ended::InTime(acknowledgements) => {
                    self.requests -= acknowledgements.writes.len();
                    Signal::Synced(acknowledgements, result)
                }
                Ended::GivenUp(requests) => {
                    self.requests -= requests;
                    Signal::Woken
                }
            },
        })
    }

    /// Gives back memory that nothing is in.
    pub(crate) fn release(&mut self) {
        if self.runnable.is_empty() {
            self.runnable = VecDeque::new();
        }
        self.blocked.release();
        self.unsynced.release();
    }
}
