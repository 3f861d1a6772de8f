//! What storage holds and does, for operators.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use model::TableId;

use crate::commitlog;
use crate::core::Core;

/// What storage holds and does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Each table, by keyspace and name.
    pub tables: Vec<TableStatus>,
    /// Bytes of all memtables.
    pub memtable_bytes: u64,
    /// What they may have.
    pub memtable_bytes_max: u64,
    /// The commit log.
    pub log: commitlog::Status,
    /// The block cache.
    pub cache: sstable::Usage,
    /// Mutations that the start took from the commit log because they were in no file.
    pub replayed: u64,
    /// Memtables written to files since the start.
    pub flushes: u64,
    /// Bytes of these files.
    pub flushed_bytes: u64,
    /// Compactions since the start.
    pub compactions: u64,
    /// Bytes that they wrote.
    pub compacted_bytes: u64,
    /// Compactions that are due but not begun.
    pub pending_compactions: u64,
    /// Whether writes are refused because the node stops.
    pub is_draining: bool,
}

/// What storage holds of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableStatus {
    /// The table's id.
    pub id: TableId,
    /// Its keyspace.
    pub keyspace: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// Bytes in memtables.
    pub memtable_bytes: u64,
    /// Rows in memtables.
    pub memtable_rows: u64,
    /// Files.
    pub sstables: u64,
    /// Of these, files that are damaged: not compacted, or not readable at all.
    pub damaged: u64,
    /// Bytes of these files.
    pub disk_bytes: u64,
    /// Partitions in these files, each file's counted.
    pub partitions: u64,
    /// Compactions that are due but not begun.
    pub pending_compactions: u64,
}

impl Status {
    pub(crate) fn of(core: &Core) -> Status {
        let mut tables: Vec<_> = core
            .tables()
            .values()
            .map(|table| TableStatus::of(table))
            .collect();
        tables.sort_by(|a, b| (&a.keyspace, &a.name).cmp(&(&b.keyspace, &b.name)));
        Status {
            pending_compactions: tables.iter().map(|table| table.pending_compactions).sum(),
            tables,
            memtable_bytes: core.budget.used(),
            memtable_bytes_max: core.budget.bytes_max(),
            log: core.log.status(),
            cache: core.cache.usage(),
            replayed: core.counters.replayed.load(Relaxed),
            flushes: core.counters.flushes.load(Relaxed),
            flushed_bytes: core.counters.flushed_bytes.load(Relaxed),
            compactions: core.counters.compactions.load(Relaxed),
            compacted_bytes: core.counters.compacted_bytes.load(Relaxed),
            is_draining: core.is_draining(),
        }
    }
}

impl TableStatus {
    fn of(table: &crate::table::Table) -> TableStatus {
        let (schema, view) = (table.schema(), table.view());
        let live = view.files.iter().map(|file| file.meta);
        let lost = view.lost.iter().map(|lost| lost.meta);
        TableStatus {
            id: table.id,
            keyspace: schema.keyspace.clone(),
            name: schema.name.clone(),
            memtable_bytes: table.memtable_bytes(),
            memtable_rows: view
                .memtables()
                .map(|generation| generation.memtable.rows())
                .sum(),
            sstables: (view.files.len() + view.lost.len()) as u64,
            damaged: view.files.iter().filter(|file| file.is_damaged()).count() as u64
                + view.lost.len() as u64,
            disk_bytes: live.chain(lost).map(|meta| meta.len).sum(),
            partitions: view
                .files
                .iter()
                .map(|file| file.reader.statistics().counts.partitions)
                .sum(),
            pending_compactions: table.pending.load(Relaxed) as u64,
        }
    }
}
