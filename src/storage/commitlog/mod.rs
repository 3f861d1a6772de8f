//! The commit log: what makes an acknowledged write survive.
//!
//! A log is a chain of segment files of fixed length, written one behind the other. A turn's writes are one frame,
//! or several if it is long (`Frames`); a frame is with the kernel before its writes are applied to memtables, and
//! is synced before they are acknowledged, as the mode has it. A segment is used again when everything in it is in
//! SSTables.
//!
//! - [`format`](mod@format): the bytes
//! - `frames`: a turn's buffer
//! - `append`: one write for everyone that waits
//! - `sync`: one fdatasync for everyone that waits
//! - `supply`, `segment`: segments made ahead, and recycled
//! - `replay`: what a start reads
//!
//! It knows no tables: which segments are still needed it is told.

mod append;
pub mod format;
mod frames;
pub(crate) mod replay;
mod segment;
mod supply;
mod sync;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use base::env::{Class, Dir, Env};
use parking_lot::Mutex;
use tokio::sync::Notify;

pub use self::format::Position;
pub(crate) use self::frames::Frames;
pub use self::sync::Synced;
use crate::options::{LOG_FLUSH_PERCENT, Options, SyncMode};
use crate::{Error, commitlog::replay::Replayed};

/// The log of a running engine.
pub(crate) struct Log {
    env: Env,
    dir: Arc<dyn Dir>,
    mode: SyncMode,
    segment_bytes: u32,
    writer: Mutex<append::Writer>,
    queue: Mutex<append::Queue>,
    /// Where the log ends, as [`Position`].
    written: AtomicU64,
    /// What is durable of it, as [`Position`].
    synced: AtomicU64,
    /// Why it takes no more writes.
    failed: OnceLock<String>,
    waiters: Mutex<sync::Waiters>,
    /// A sync is running or about to.
    busy: AtomicBool,
    relay: Notify,
    supply: supply::Supply,
    /// Notified when a segment is begun, or none is left to begin: perhaps the oldest should be freed.
    switched: Arc<Notify>,
    counters: Counters,
}

#[derive(Default)]
struct Counters {
    writes: AtomicU64,
    bytes: AtomicU64,
    syncs: AtomicU64,
    acknowledged: AtomicU64,
}

/// What the log has done since the start, and how much room it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Status {
    /// Bytes of all segment files.
    pub disk_bytes: u64,
    /// Of these, bytes of segments whose frames may be needed.
    pub needed_bytes: u64,
    /// Write calls.
    pub writes: u64,
    /// Bytes written.
    pub written_bytes: u64,
    /// Syncs.
    pub syncs: u64,
    /// Acknowledgements that waited for a sync.
    pub acknowledged: u64,
    /// Where the log ends.
    pub written: Position,
    /// What is durable of it.
    pub synced: Position,
}

impl Log {
    /// A log that goes on after what was replayed, in a segment of its own.
    pub async fn start(
        env: &Env,
        dir: &Arc<dyn Dir>,
        options: &Options,
        replayed: Replayed,
        switched: Arc<Notify>,
    ) -> Result<Arc<Log>, Error> {
        let (id, bytes) = (replayed.next, options.segment_bytes);
        let target = dir.clone();
        let first = env
            .blocking(Class::Flush, move || segment::create(&*target, id, bytes))
            .await;
        let first = first.map_err(|error| {
            let path = dir.path().display();
            Error::io(
                format_args!("cannot create a commit log segment in {path}"),
                &error,
            )
        })?;
        let writer = append::Writer::new(Arc::new(first));
        let position = writer.position().0;
        let segments_max = options.log_bytes() / u64::from(bytes);
        Ok(Arc::new(Log {
            env: env.clone(),
            dir: dir.clone(),
            mode: options.sync,
            segment_bytes: bytes,
            writer: Mutex::new(writer),
            queue: Mutex::default(),
            written: AtomicU64::new(position),
            synced: AtomicU64::new(position),
            failed: OnceLock::new(),
            waiters: Mutex::default(),
            busy: AtomicBool::new(false),
            relay: Notify::new(),
            supply: supply::Supply::new(replayed.sealed, replayed.free, id + 1, segments_max),
            switched,
            counters: Counters::default(),
        }))
    }

    /// The mode it was started with.
    pub fn mode(&self) -> SyncMode {
        self.mode
    }

    /// The oldest segment that is kept for its frames.
    pub fn oldest(&self) -> u64 {
        self.supply
            .oldest_sealed()
            .unwrap_or_else(|| self.written().segment())
    }

    /// Segments below `first` are not needed any more. The manifest must say so durably before.
    pub fn free_below(&self, first: u64) {
        self.supply.free_below(first);
    }

    /// Whether the oldest segment should be freed: most of the cap is needed, or the next segment cannot be made.
    pub fn wants_flush(&self) -> bool {
        let (_, needed) = self.supply.counts();
        let max = self.supply.segments_max();
        needed * 100 >= max * LOG_FLUSH_PERCENT || needed + 1 >= max
    }

    /// Whether writes should wait: the active segment is half full, and none that follows is ready.
    pub fn is_short(&self) -> bool {
        self.written().offset() > self.segment_bytes / 2 && !self.supply.has_ready(1)
    }

    /// Makes no more segments, for a drain.
    pub async fn stop(&self) {
        self.supply.stop().await;
    }

    pub fn status(&self) -> Status {
        let (segments, needed) = self.supply.counts();
        let segment_bytes = u64::from(self.segment_bytes);
        Status {
            disk_bytes: segments * segment_bytes,
            needed_bytes: needed * segment_bytes,
            writes: self.counters.writes.load(Relaxed),
            written_bytes: self.counters.bytes.load(Relaxed),
            syncs: self.counters.syncs.load(Relaxed),
            acknowledged: self.counters.acknowledged.load(Relaxed),
            written: self.written(),
            synced: self.synced_position(),
        }
    }
}
