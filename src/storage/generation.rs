//! One memtable of a table's life, with those who are writing to it.
//!
//! A turn counts itself in before its frame goes to the log and leaves after its inserts, without awaiting between.
//! Whoever switched the table to a new memtable closes the old one and waits until nobody is left in it: then it is
//! complete for all log positions below the one noted at the switch.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};

use tokio::sync::Notify;

use crate::commitlog::Position;
use crate::memtable::{BTree, Memtable};

/// A memtable with its writers and log positions.
pub(crate) struct Generation {
    pub memtable: Arc<dyn Memtable>,
    /// A log position not above any whose mutation it holds; the largest while it holds none.
    first: AtomicU64,
    writers: AtomicUsize,
    closed: AtomicBool,
    left: Notify,
    /// Where the log ended when it was switched away from.
    end: AtomicU64,
}

impl Generation {
    /// A new memtable of this many shards.
    pub fn new(shards: usize) -> Arc<Generation> {
        Arc::new(Generation {
            memtable: Arc::new(BTree::new(shards)),
            first: AtomicU64::new(u64::MAX),
            writers: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
            left: Notify::new(),
            end: AtomicU64::new(0),
        })
    }

    /// Counts a writer in.
    pub fn enter(&self) {
        self.writers.fetch_add(1, SeqCst);
    }

    /// Counts a writer out.
    pub fn leave(&self) {
        if self.writers.fetch_sub(1, SeqCst) == 1 && self.closed.load(SeqCst) {
            self.left.notify_waiters();
        }
    }

    /// Notes that a mutation will be appended to the log at `position` or behind it.
    pub fn note(&self, position: Position) {
        if self.first.load(SeqCst) > position.0 {
            self.first.fetch_min(position.0, SeqCst);
        }
    }

    /// The first log position it needs; none if it holds nothing.
    pub fn first(&self) -> Option<Position> {
        let first = self.first.load(SeqCst);
        (first != u64::MAX).then_some(Position(first))
    }

    /// Says that no more writers will come, and where the log ended before.
    pub fn close(&self, end: Position) {
        self.end.store(end.0, SeqCst);
        self.closed.store(true, SeqCst);
    }

    /// Where the log ended when it was closed.
    pub fn end(&self) -> Position {
        Position(self.end.load(SeqCst))
    }

    /// Waits until all writers have left a closed memtable.
    pub async fn wait_for_writers(&self) {
        loop {
            let left = self.left.notified();
            tokio::pin!(left);
            left.as_mut().enable();
            if self.writers.load(SeqCst) == 0 {
                return;
            }
            left.await;
        }
    }
}
