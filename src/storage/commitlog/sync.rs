//! Syncing: one fdatasync for everyone who waits at that moment.
//!
//! 1. Who needs a position synced registers it with a waker in one list and, if no sync is running, notifies the one
//!    *relay* task.
//! 2. The relay yields once, so that turns that are ready can join, takes what is written as its goal, runs the sync
//!    on a sync thread (segments that were ended since the last one first), publishes the goal, and wakes each
//!    waiting turn once, inside the runtime.
//! 3. If more was written meanwhile it goes on at once, else it sleeps.
//! 4. A frame names what was synced before it, so the last one lies above all that the log says of itself, and damage in
//!    it would read as a torn tail. When nothing has followed for a while, the relay writes a *witness*, a frame without
//!    records, and syncs it. What it was written for needs no other, so an idle log stays as it is.
//!
//! So a sync costs two wakes across threads whatever the number of connections. What always holds: `synced` never
//! exceeds what a successful sync covered, and after a failed sync nobody is ever told that theirs succeeded.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use base::env::{Class, give_way};

use super::Log;
use super::format::Position;
use crate::Error;
use crate::options::SyncMode;

/// How long nothing may follow a synced frame before it gets a witness.
const WITNESS_AFTER: Duration = Duration::from_millis(500);

/// Those who wait for a position to be synced.
#[derive(Default)]
pub(super) struct Waiters {
    list: Vec<Waiter>,
    next: u64,
}

struct Waiter {
    id: u64,
    position: Position,
    waker: Waker,
}

/// Resolves when the log is synced up to a position. Made by [`Engine::synced`](crate::Engine::synced).
#[must_use = "a future does nothing unless awaited"]
pub struct Synced {
    log: Arc<Log>,
    position: Position,
    /// Nobody waits in periodic mode.
    waits: bool,
    registered: Option<u64>,
}

impl Future for Synced {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if !self.waits || self.log.synced_position() >= self.position {
            return Poll::Ready(Ok(()));
        }
        if let Err(error) = self.log.check_usable() {
            return Poll::Ready(Err(error));
        }
        let registered = self
            .log
            .register(self.registered, self.position, context.waker());
        self.registered = Some(registered);
        // The relay publishes before it empties the list, so a look after registering misses nothing.
        if self.log.synced_position() >= self.position {
            return Poll::Ready(Ok(()));
        }
        if let Err(error) = self.log.check_usable() {
            return Poll::Ready(Err(error));
        }
        self.log.start_relay();
        Poll::Pending
    }
}

impl Log {
    /// Waits for `position` to be synced, whatever the mode.
    pub(crate) fn synced(self: &Arc<Log>, position: Position) -> Synced {
        Synced {
            log: self.clone(),
            position,
            waits: true,
            registered: None,
        }
    }

    /// Waits as the mode has it.
    pub(crate) fn acknowledged(self: &Arc<Log>, position: Position) -> Synced {
        let waits = self.waits();
        Synced {
            log: self.clone(),
            position,
            waits,
            registered: None,
        }
    }

    /// Whether an acknowledgement waits for a sync.
    pub(crate) fn waits(&self) -> bool {
        !matches!(self.mode, SyncMode::Periodic(_))
    }

    /// Everything below is durable.
    pub(crate) fn synced_position(&self) -> Position {
        Position(self.synced.load(Acquire))
    }

    fn register(&self, former: Option<u64>, position: Position, waker: &Waker) -> u64 {
        let mut waiters = self.waiters.lock();
        if let Some(id) = former
            && let Some(waiter) = waiters.list.iter_mut().find(|waiter| waiter.id == id)
        {
            waiter.waker.clone_from(waker);
            return id;
        }
        let id = waiters.next;
        waiters.next += 1;
        waiters.list.push(Waiter {
            id,
            position,
            waker: waker.clone(),
        });
        id
    }

    fn start_relay(&self) {
        if !self.busy.swap(true, SeqCst) {
            self.relay.notify_one();
        }
    }

    /// Syncs when asked to. Runs as a task for the life of the log.
    pub(crate) async fn relay(self: Arc<Log>) {
        loop {
            self.wait_until_asked().await;
            loop {
                if self.mode == SyncMode::Group {
                    give_way().await;
                }
                if let Err(error) = self.sync_now().await {
                    self.fail(&error);
                    return;
                }
                if self.more_to_sync() {
                    continue;
                }
                self.busy.store(false, SeqCst);
                if !self.more_to_sync() || self.busy.swap(true, SeqCst) {
                    break;
                }
            }
        }
    }

    /// Waits until there is something to sync: what others ask for, or the witness of what was synced last.
    async fn wait_until_asked(&self) {
        while self.wants_witness() {
            let asked = self.env.timeout(WITNESS_AFTER, self.relay.notified());
            if asked.await.is_some() {
                return;
            }
            match self.write_witness() {
                // Whoever was first to ask has notified the relay.
                Ok(true) if !self.busy.swap(true, SeqCst) => return,
                Ok(_) => {}
                Err(error) => tracing::warn!("the end of the commit log has no witness: {error}"),
            }
        }
        self.relay.notified().await;
    }

    fn more_to_sync(&self) -> bool {
        let waiting = !self.waiters.lock().list.is_empty();
        waiting || (self.waits() && self.written() > self.synced_position())
    }

    /// One sync of everything written so far.
    async fn sync_now(&self) -> Result<(), Error> {
        let (mut segments, goal) = {
            let mut writer = self.writer.lock();
            let mut segments = std::mem::take(&mut writer.unsynced);
            segments.push(writer.active.clone());
            (segments, writer.position())
        };
        if self.env.mutant("sync: nothing is") {
            segments.clear();
        }
        if self
            .env
            .mutant("sync: not what lies in segments that were ended")
        {
            segments = segments.split_off(segments.len().saturating_sub(1));
        }
        if goal > self.synced_position() {
            let work = move || {
                let sync = |segment: &Arc<super::segment::Segment>| {
                    segment
                        .file
                        .sync_data()
                        .map_err(|error| (segment.id, error))
                };
                segments.iter().try_for_each(sync)
            };
            let done = self.env.blocking(Class::Sync, work).await;
            done.map_err(|(id, error)| {
                let name = super::format::segment_name(id);
                Error::io(
                    format_args!("cannot sync {name} in {}", self.dir.path().display()),
                    &error,
                )
            })?;
            self.counters.syncs.fetch_add(1, Relaxed);
            self.synced.store(goal.0, Release);
        }
        self.wake(goal);
        Ok(())
    }

    fn wake(&self, synced: Position) {
        let mut waiters = self.waiters.lock();
        let done: Vec<_> = waiters
            .list
            .extract_if(.., |waiter| waiter.position <= synced)
            .collect();
        drop(waiters);
        self.env
            .sometimes("sync: one for several who wait", done.len() > 1);
        self.counters
            .acknowledged
            .fetch_add(done.len() as u64, Relaxed);
        for waiter in done {
            waiter.waker.wake();
        }
    }

    /// A failed sync is final: what it should have made durable may be gone although a later one succeeds.
    pub(crate) fn fail(&self, error: &Error) {
        tracing::error!("{error}; no more writes are accepted until a restart");
        let message = format!("the commit log failed and takes no more writes: {error}");
        let _ = self.failed.set(message);
        self.wake(Position(u64::MAX));
    }

    /// Refuses once the log has failed.
    pub(crate) fn check_usable(&self) -> Result<(), Error> {
        match self.failed.get() {
            None => Ok(()),
            Some(message) => Err(Error::Unavailable(message.clone())),
        }
    }

    /// Syncs each time `period` has passed. Runs as a task for the life of the log, in periodic mode.
    pub(crate) async fn sync_periodically(self: Arc<Log>, period: Duration) {
        loop {
            self.env.sleep(period).await;
            let written = self.written();
            if self.synced(written).await.is_err() {
                return;
            }
        }
    }
}
