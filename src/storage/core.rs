//! What the engine's handle, its turns and its tasks share.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};
use base::env::{Class, Dir, Env};
use model::TableId;
use parking_lot::{Mutex, RwLock};
use sstable::Cache;
use tokio::sync::Notify;

use crate::budget::Budget;
use crate::commitlog::{Log, Position};
use crate::manifest::{Edit, Manifest};
use crate::options::Options;
use crate::table::Table;
use crate::{Error, manifest};

/// The tables by id.
pub(crate) type Tables = BTreeMap<TableId, Arc<Table>>;

/// The shared part of an engine.
pub(crate) struct Core {
    pub env: Env,
    pub options: Options,
    pub data: Arc<dyn Dir>,
    pub log: Arc<Log>,
    /// Locked only where waiting for the disk is allowed.
    manifest: Arc<Mutex<Manifest>>,
    /// What the manifest says.
    pub known: Arc<manifest::Known>,
    pub cache: Cache,
    pub budget: Arc<Budget>,
    tables: ArcSwap<Tables>,
    /// Held for reading by each turn from its memtables' choice to its last insert. Whoever holds it for writing knows
    /// that each position of the log is either in a memtable, or still to be taken.
    pub gate: RwLock<()>,
    /// Held while tables appear, disappear, or are truncated.
    pub changing: tokio::sync::Mutex<()>,
    /// Held while segments are freed.
    freeing: tokio::sync::Mutex<()>,
    draining: AtomicBool,
    /// Wakes the flusher.
    pub flush_wanted: Arc<Notify>,
    /// Wakes the compactor.
    pub compaction_wanted: Notify,
    pub counters: Counters,
}

/// What storage has done since the start.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub replayed: AtomicU64,
    pub flushes: AtomicU64,
    pub flushed_bytes: AtomicU64,
    pub compactions: AtomicU64,
    pub compacted_bytes: AtomicU64,
}

impl Core {
    #[expect(
        clippy::too_many_arguments,
        reason = "one call, at the start, of what a start has made"
    )]
    pub fn new(
        env: &Env,
        options: Options,
        data: Arc<dyn Dir>,
        log: Arc<Log>,
        manifest: Manifest,
        cache: Cache,
        budget: Budget,
        tables: Tables,
        flush_wanted: Arc<Notify>,
    ) -> Core {
        Core {
            env: env.clone(),
            options,
            data,
            log,
            known: manifest.known(),
            manifest: Arc::new(Mutex::new(manifest)),
            cache,
            budget: Arc::new(budget),
            tables: ArcSwap::from_pointee(tables),
            gate: RwLock::new(()),
            changing: tokio::sync::Mutex::new(()),
            freeing: tokio::sync::Mutex::new(()),
            draining: AtomicBool::new(false),
            flush_wanted,
            compaction_wanted: Notify::new(),
            counters: Counters::default(),
        }
    }

    /// Waits until it is wanted, or this long.
    pub async fn wait(&self, wanted: &Notify, left: Option<Duration>) {
        let Some(left) = left else {
            return wanted.notified().await;
        };
        tokio::select! {
            biased;
            () = wanted.notified() => {}
            () = self.env.sleep(left) => {}
        }
    }

    /// All tables.
    pub fn tables(&self) -> Guard<Arc<Tables>> {
        self.tables.load()
    }

    /// All tables, to be kept while awaiting.
    pub fn all_tables(&self) -> Vec<Arc<Table>> {
        self.tables.load().values().cloned().collect()
    }

    /// Replaces the tables. Only under `changing`.
    pub fn set_tables(&self, tables: Tables) {
        self.tables.store(Arc::new(tables));
    }

    /// A table, or the error for one that is not there.
    pub fn table(&self, id: TableId) -> Result<Arc<Table>, Error> {
        let found = self.tables.load().get(&id).cloned();
        found.ok_or(Error::NoTable(id))
    }

    /// Whether writes are refused because the node stops.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Relaxed)
    }

    pub fn drain(&self) {
        self.draining.store(true, Relaxed);
    }

    /// Refuses writes that cannot be taken now.
    #[inline]
    pub fn check_writable(&self) -> Result<(), Error> {
        self.check_running()?;
        self.budget.check()
    }

    /// Refuses writes while the node stops.
    #[inline]
    pub fn check_running(&self) -> Result<(), Error> {
        if !self.is_draining() {
            return Ok(());
        }
        Err(Error::Unavailable(
            "the node is draining and takes no more writes".to_owned(),
        ))
    }

    /// Makes edits of the manifest durable. A manifest that failed for good takes the log with it: what is written
    /// from then on could not be flushed.
    pub async fn commit(&self, edits: Vec<Edit>) -> Result<(), Error> {
        self.commit_then(edits, || {}).await
    }

    /// As [`Core::commit`], and does `then` once the edits are durable. Whoever stops waiting halfway stops neither, so
    /// that what the manifest lists and what is read from cannot differ.
    pub async fn commit_then(
        &self,
        edits: Vec<Edit>,
        then: impl FnOnce() + Send + 'static,
    ) -> Result<(), Error> {
        let manifest = self.manifest.clone();
        let work = move || manifest.lock().commit(&edits).map(|()| then());
        let result = self.env.blocking(Class::Flush, work).await;
        if let Err(error @ Error::Unavailable(_)) = &result {
            self.log.fail(error);
        }
        result
    }

    /// Refuses to make files that the manifest could not list.
    pub fn check_manifest(&self) -> Result<(), Error> {
        self.known.check_usable()
    }

    /// Frees the segments that nobody needs any more.
    pub async fn free_segments(&self) -> Result<(), Error> {
        let _freeing = self.freeing.lock().await;
        // The log's end first: who is not seen below counts itself in later, and appends behind it.
        let written = self.log.written();
        let firsts = self.all_tables().into_iter().filter_map(|table| {
            table
                .peek()
                .memtables()
                .filter_map(|generation| generation.first())
                .min()
        });
        let mut needed = firsts.min().unwrap_or(written).min(written).segment();
        if self.env.mutant("free: what memtables need of the log") {
            needed = written.segment();
        }
        if needed <= self.log.oldest() {
            return Ok(());
        }
        let mut edits = vec![Edit::LogStart(needed)];
        {
            let state = self.known.state();
            let dropped = state.dropped.iter();
            let gone = dropped.filter(|(_, position)| position.segment() < needed);
            edits.extend(gone.map(|(id, _)| Edit::Forgotten(*id)));
        }
        self.commit(edits).await?;
        self.log.free_below(needed);
        Ok(())
    }

    /// An id for a new file.
    pub fn next_file(&self) -> u64 {
        self.known.next_file()
    }

    /// What the manifest says of a table.
    pub fn manifest_table(&self, id: TableId) -> Option<manifest::Table> {
        self.known.state().tables.get(&id).cloned()
    }

    /// Where the log ends.
    pub fn written(&self) -> Position {
        self.log.written()
    }
}
