//! The supply of segments: made ready ahead, used, sealed, freed, and used again.
//!
//! ```text
//! made or recycled -> ready -> active -> sealed -> free -> recycled
//! ```
//!
//! A task on the flush threads keeps segments ready, as long as the log's cap allows. Ids rise by one.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::Log;
use super::segment::{self, Segment};
use crate::Error;

/// Segments kept ready: at full speed one lasts longer than it takes to zero another. More are made for writes that were
/// refused because they need more at once.
const READY: usize = 1;

/// All segments but the active one.
pub(super) struct Supply {
    state: Mutex<State>,
    wanted: Notify,
    /// Held while segments are made.
    making: tokio::sync::Mutex<()>,
    /// No more segments are made: the engine drains.
    stopped: AtomicBool,
}

struct State {
    ready: VecDeque<Arc<Segment>>,
    /// How many are to be ready.
    wanted: usize,
    /// Ids whose frames may be needed, oldest first.
    sealed: VecDeque<u64>,
    free: Vec<u64>,
    /// The id that the next segment gets.
    next: u64,
    segments_max: u64,
    /// Why the last attempt to make one failed, until one succeeds.
    failure: Option<String>,
}

impl Supply {
    /// Segments found at a start: those sealed, those free, and the next id.
    pub fn new(sealed: Vec<u64>, free: Vec<u64>, next: u64, segments_max: u64) -> Supply {
        let state = State {
            ready: VecDeque::new(),
            wanted: READY,
            sealed: sealed.into(),
            free,
            next,
            segments_max,
            failure: None,
        };
        Supply {
            state: Mutex::new(state),
            wanted: Notify::new(),
            making: tokio::sync::Mutex::new(()),
            stopped: AtomicBool::new(false),
        }
    }

    /// Whether so many segments are ready. If not they are made.
    pub fn has_ready(&self, count: usize) -> bool {
        let mut state = self.state.lock();
        let ready = state.ready.len() >= count;
        if !ready {
            state.wanted = state.wanted.max(count);
            drop(state);
            self.wanted.notify_one();
        }
        ready
    }

    /// The next segment; the one it follows is sealed.
    pub fn take_next(&self, active: u64) -> Option<Arc<Segment>> {
        let mut state = self.state.lock();
        let next = state.ready.pop_front()?;
        state.wanted = READY;
        state.sealed.push_back(active);
        drop(state);
        self.wanted.notify_one();
        Some(next)
    }

    /// The oldest segment whose frames may be needed; the active one if no other.
    pub fn oldest_sealed(&self) -> Option<u64> {
        self.state.lock().sealed.front().copied()
    }

    /// Segments below `first` are no longer needed.
    pub fn free_below(&self, first: u64) {
        let mut state = self.state.lock();
        while let Some(&id) = state.sealed.front().filter(|&&id| id < first) {
            state.sealed.pop_front();
            state.free.push(id);
        }
        drop(state);
        self.wanted.notify_one();
    }

    /// Segments on disk, and of these the ones whose frames may be needed, the active one included.
    pub fn counts(&self) -> (u64, u64) {
        let state = self.state.lock();
        let needed = state.sealed.len() as u64 + 1;
        (
            needed + state.ready.len() as u64 + state.free.len() as u64,
            needed,
        )
    }

    pub fn segments_max(&self) -> u64 {
        self.state.lock().segments_max
    }

    /// Makes no more segments, and waits until none is being made.
    pub async fn stop(&self) {
        self.stopped.store(true, Relaxed);
        drop(self.making.lock().await);
    }

    /// Whether the engine drains.
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Relaxed)
    }

    /// What to do next: an id for a new segment, with the free one to take for it.
    fn plan(&self) -> Option<(u64, Option<u64>)> {
        let mut state = self.state.lock();
        if state.ready.len() >= state.wanted || self.is_stopped() {
            return None;
        }
        let files = 1 + state.ready.len() + state.sealed.len() + state.free.len();
        if state.free.is_empty() && files as u64 >= state.segments_max {
            return None;
        }
        Some((state.next, state.free.pop()))
    }

    fn made(&self, id: u64, result: &Result<Arc<Segment>, Error>) {
        let mut state = self.state.lock();
        // A free segment that could not be used again is removed, whatever name it has by now.
        match result {
            Ok(segment) => {
                state.next = id + 1;
                state.ready.push_back(segment.clone());
                state.failure = None;
            }
            Err(error) => state.failure = Some(error.to_string()),
        }
    }

    /// Why there is no segment, in a sentence.
    pub fn shortage(&self) -> String {
        match &self.state.lock().failure {
            Some(failure) => format!("the commit log cannot grow: {failure}"),
            None => "the commit log is full: tables are not flushed as fast as they are written"
                .to_owned(),
        }
    }
}

impl Log {
    /// Keeps segments ready. Runs as a task for the life of the log.
    pub(crate) async fn keep_supplied(self: Arc<Log>) {
        loop {
            if let Err(error) = self.make_ready().await {
                tracing::error!("{error}; trying again in a second");
                self.env.sleep(std::time::Duration::from_secs(1)).await;
                continue;
            }
            self.supply.wanted.notified().await;
        }
    }

    /// Makes as many segments ready as are missing.
    pub(crate) async fn make_ready(&self) -> Result<(), Error> {
        let _making = self.supply.making.lock().await;
        while let Some((id, old)) = self.supply.plan() {
            let made = match old {
                Some(old) => {
                    segment::recycle(&self.env, &self.dir, old, id, self.segment_bytes).await
                }
                None => segment::create_zeroed(&self.env, &self.dir, id, self.segment_bytes).await,
            };
            let made = made.map(Arc::new);
            self.supply.made(id, &made);
            if let Err(error) = made {
                self.remove_unfinished(id, old).await;
                return Err(error);
            }
        }
        Ok(())
    }

    /// A segment that could not be completed would be in the way of the next attempt.
    async fn remove_unfinished(&self, id: u64, old: Option<u64>) {
        let dir = self.dir.clone();
        let remove = move || {
            for id in [Some(id), old].into_iter().flatten() {
                let name = super::format::segment_name(id);
                if dir.exists(&name)? {
                    dir.remove(&name)?;
                }
            }
            Ok::<(), std::io::Error>(())
        };
        if let Err(error) = self.env.blocking(base::env::Class::Flush, remove).await {
            tracing::warn!("cannot remove an unfinished commit log segment: {error}");
        }
    }
}
