//! One table as storage has it: its memtables, its files, and what is happening to them.
//!
//! Readers take the [`View`], an immutable list, and keep what is in it alive. Whoever changes the list makes a new
//! one under the table's lock. A table has at most one flush and one compaction at a time.

use std::sync::atomic::{
    AtomicBool, AtomicU64, AtomicUsize,
    Ordering::{Relaxed, SeqCst},
};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};
use base::env::{Dir, Env};
use model::mutation::{self, Element};
use model::{Columns, TableId};
use parking_lot::Mutex;

use crate::commitlog::Position;
use crate::generation::Generation;
use crate::large_rows::LargeRows;
use crate::memtable::{Memtable, PointRow};
use crate::options::{COMPACTION_REST, FLUSH_REST, SHARDS};
use crate::rest::Rest;
use crate::{Error, manifest};

/// A table.
pub(crate) struct Table {
    pub id: TableId,
    shape: ArcSwap<Shape>,
    view: ArcSwap<View>,
    change: Mutex<()>,
    /// Held while memtables are written to files.
    pub flushing: tokio::sync::Mutex<()>,
    /// Held while files are merged.
    pub compacting: tokio::sync::Mutex<()>,
    /// After a flush that failed.
    pub flush_rest: Rest,
    /// After a compaction that failed.
    pub compaction_rest: Rest,
    /// Rows that take no more.
    pub large_rows: LargeRows,
    /// Held while the list of files changes, on disk and in the view.
    pub listing: Arc<tokio::sync::Mutex<()>>,
    /// Compactions that are due but not begun.
    pub pending: AtomicUsize,
    /// When the current flush period began, in milliseconds of the monotonic clock.
    period_began_millis: AtomicU64,
    /// The time in microseconds of a truncation that was begun and has not ended.
    truncation: Mutex<Option<i64>>,
    dropped: AtomicBool,
    shards: usize,
    dir: tokio::sync::OnceCell<Arc<dyn Dir>>,
}

/// A table's definition, and what reads need of it, made once for each version.
pub(crate) struct Shape {
    pub schema: Arc<schema::Table>,
    /// The types of its clustering columns.
    pub clustering: Vec<(types::Type, model::key::Order)>,
    /// The columns to keep, if the table has dropped some.
    pub kept: Option<Columns>,
}

impl Shape {
    fn new(schema: Arc<schema::Table>) -> Shape {
        let of = |column: &schema::Column| (column.ty.clone(), column.order);
        Shape {
            clustering: schema.clustering.iter().map(of).collect(),
            kept: columns_left(&schema),
            schema,
        }
    }
}

/// What a table consists of at one moment.
pub(crate) struct View {
    /// Takes the writes.
    pub active: Arc<Generation>,
    /// Being written to files, oldest first.
    pub flushing: Vec<Arc<Generation>>,
    /// By descending largest timestamp.
    pub files: Vec<Arc<File>>,
    /// Files that cannot be opened: nobody knows what they hold, so nothing of the table can be read.
    pub lost: Vec<Arc<Lost>>,
}

/// A live file.
pub(crate) struct File {
    pub reader: Arc<sstable::Reader>,
    pub meta: manifest::format::File,
    damage: OnceLock<Error>,
    unmergeable: AtomicBool,
}

/// A live file that is missing, or of which not even the ends can be read.
pub(crate) struct Lost {
    pub meta: manifest::format::File,
    pub error: Error,
}

impl File {
    pub fn new(reader: Arc<sstable::Reader>, meta: manifest::format::File) -> File {
        File {
            reader,
            meta,
            damage: OnceLock::new(),
            unmergeable: AtomicBool::new(false),
        }
    }

    /// Whether a compaction found damage in it. It stays live, for what can still be read, and is not merged: that
    /// would fail again.
    pub fn is_damaged(&self) -> bool {
        self.damage.get().is_some()
    }

    pub fn set_damaged(&self, damage: Error) {
        // The first that was found is as good as any.
        let _ = self.damage.set(damage);
    }

    /// With others it makes a row that is larger than a file takes.
    pub fn set_unmergeable(&self) {
        self.unmergeable.store(true, Relaxed);
    }

    /// Whether a compaction that nobody asked for may take it.
    pub fn is_mergeable(&self) -> bool {
        !self.is_damaged() && !self.unmergeable.load(Relaxed)
    }

    /// What was found wrong.
    pub fn damage(&self) -> Option<&Error> {
        self.damage.get()
    }
}

impl View {
    /// All memtables, newest first.
    pub fn memtables(&self) -> impl Iterator<Item = &Arc<Generation>> {
        std::iter::once(&self.active).chain(self.flushing.iter().rev())
    }

    /// A view with other files, in their order.
    pub fn with_files(&self, mut files: Vec<Arc<File>>) -> View {
        files.sort_by_key(|file| {
            std::cmp::Reverse((file.reader.statistics().timestamps.1, file.meta.id))
        });
        View {
            active: self.active.clone(),
            flushing: self.flushing.clone(),
            files,
            lost: self.lost.clone(),
        }
    }

    /// Whether all these files are live.
    pub fn has_all(&self, files: &[Arc<File>]) -> bool {
        let is_live = |file: &Arc<File>| self.files.iter().any(|live| Arc::ptr_eq(live, file));
        files.iter().all(is_live)
    }
}

impl Table {
    /// A table with these files. Tables of the system keyspaces are small: they get one shard.
    pub fn new(schema: Arc<schema::Table>, files: Vec<Arc<File>>, lost: Vec<Arc<Lost>>) -> Table {
        let shards = if schema::system::is_system(&schema.keyspace) {
            1
        } else {
            SHARDS
        };
        let empty = View {
            active: Generation::new(shards),
            flushing: Vec::new(),
            files: Vec::new(),
            lost,
        };
        Table {
            id: schema.id,
            shape: ArcSwap::from_pointee(Shape::new(schema)),
            view: ArcSwap::from_pointee(empty.with_files(files)),
            change: Mutex::new(()),
            flushing: tokio::sync::Mutex::new(()),
            compacting: tokio::sync::Mutex::new(()),
            flush_rest: Rest::new(FLUSH_REST.0, FLUSH_REST.1),
            compaction_rest: Rest::new(COMPACTION_REST.0, COMPACTION_REST.1),
            large_rows: LargeRows::default(),
            listing: Arc::default(),
            pending: AtomicUsize::new(0),
            period_began_millis: AtomicU64::new(0),
            truncation: Mutex::default(),
            dropped: AtomicBool::new(false),
            shards,
            dir: tokio::sync::OnceCell::new(),
        }
    }

    /// The table's definition.
    pub fn schema(&self) -> Arc<schema::Table> {
        self.shape.load().schema.clone()
    }

    /// The table's definition, with what reads need of it.
    pub fn shape(&self) -> Arc<Shape> {
        self.shape.load_full()
    }

    /// The table was altered.
    pub fn set_schema(&self, schema: Arc<schema::Table>) {
        self.shape.store(Arc::new(Shape::new(schema)));
    }

    /// What it consists of now.
    pub fn view(&self) -> Arc<View> {
        self.view.load_full()
    }

    /// As [`Table::view`], for a short look.
    pub fn peek(&self) -> Guard<Arc<View>> {
        self.view.load()
    }

    /// Replaces the view by what `change` makes of it.
    pub fn update(&self, change: impl FnOnce(&View) -> View) {
        let _guard = self.change.lock();
        let view = change(&self.view.load());
        self.view.store(Arc::new(view));
    }

    /// The memtable that takes writes now, with the caller counted in.
    pub fn enter(&self) -> Arc<Generation> {
        loop {
            let active = self.view.load().active.clone();
            active.enter();
            if Arc::ptr_eq(&active, &self.view.load().active) {
                return active;
            }
            active.leave();
        }
    }

    /// Applies a mutation to one of the table's memtables. Returns by how many bytes that grew, which may wrap.
    #[inline]
    pub fn apply(
        &self,
        memtable: &dyn Memtable,
        mutation: &mutation::View<'_>,
        row_bytes_max: usize,
    ) -> u64 {
        let applied = memtable.apply(mutation);
        if applied.largest_moved > row_bytes_max {
            self.measure_rows(memtable, mutation, row_bytes_max);
        }
        applied.grown
    }

    /// Refuses a mutation that adds to a row that takes no more.
    #[inline]
    pub fn check_large_rows(&self, mutation: &mutation::View<'_>) -> Result<(), Error> {
        if self.large_rows.is_empty() {
            return Ok(());
        }
        self.large_rows.check(&self.schema(), mutation)
    }

    /// Measures the rows that a mutation wrote. Copies them, which is rare: those that are too large take no more.
    #[cold]
    fn measure_rows(
        &self,
        memtable: &dyn Memtable,
        mutation: &mutation::View<'_>,
        row_bytes_max: usize,
    ) {
        let (schema, key) = (self.schema(), mutation.key());
        for element in mutation.elements() {
            let clustering = match element {
                Element::Static(_) => None,
                Element::Row { clustering, .. } => Some(clustering),
                _ => continue,
            };
            let mut found = PointRow::default();
            memtable.point(key, clustering, &mut found);
            let image = found.row().unwrap_or_default();
            self.large_rows
                .measure(&schema, (key, clustering), image, row_bytes_max);
        }
    }

    /// Gives the table a new memtable if the active one holds anything; `end` is where the log ended just before.
    pub fn switch(&self, end: Position) {
        self.update(|view| {
            let mut next = view.with_files(view.files.clone());
            if view.active.first().is_some() {
                next.flushing.push(view.active.clone());
                next.active = Generation::new(self.shards);
                view.active.close(end);
            }
            next
        });
    }

    /// How long until the table's flush period is over; none if it has no period.
    pub fn period_left(&self, now: Duration) -> Option<Duration> {
        let period = self.shape.load().schema.options.memtable_flush_period_ms;
        let began = Duration::from_millis(self.period_began_millis.load(Relaxed));
        let end = began + Duration::from_millis(u64::from(period));
        (period > 0).then(|| end.saturating_sub(now))
    }

    /// How long until the table may have to be flushed by itself: while it rests after a failure it is not, also if its
    /// period is over.
    pub fn flush_left(&self, now: Duration) -> Option<Duration> {
        let rest = self.flush_rest.left(now);
        rest.or_else(|| self.period_left(now))
    }

    /// Begins a new flush period if one is over. True if the memtable that was written to meanwhile is due.
    pub fn ends_period(&self, now: Duration) -> bool {
        if self.period_left(now).is_none_or(|left| !left.is_zero()) {
            return false;
        }
        self.period_began_millis
            .store(now.as_millis() as u64, Relaxed);
        self.peek().active.first().is_some()
    }

    /// Refuses to read while a file is lost: what it held could be the answer.
    pub fn check_readable(&self) -> Result<(), Error> {
        match self.peek().lost.first() {
            None => Ok(()),
            Some(lost) => Err(lost.error.clone()),
        }
    }

    /// Begins a truncation. False if it was begun before, and has failed.
    pub fn begin_truncation(&self, at_micros: i64) -> bool {
        self.truncation.lock().replace(at_micros) != Some(at_micros)
    }

    /// The truncation that was begun is carried out.
    pub fn end_truncation(&self) {
        *self.truncation.lock() = None;
    }

    /// Whether the table was dropped.
    pub fn is_dropped(&self) -> bool {
        self.dropped.load(SeqCst)
    }

    /// The table is dropped: from here on nobody new writes to it.
    pub fn set_dropped(&self) {
        self.dropped.store(true, SeqCst);
    }

    /// Bytes of all memtables.
    pub fn memtable_bytes(&self) -> u64 {
        self.peek()
            .memtables()
            .map(|generation| generation.memtable.bytes())
            .sum()
    }

    /// The table's directory, made when first needed.
    pub async fn dir(&self, env: &Env, data: &Arc<dyn Dir>) -> Result<Arc<dyn Dir>, Error> {
        let open = || async {
            let (schema, data, own_env) = (self.schema(), data.clone(), env.clone());
            let path = data
                .path()
                .join(&*schema.keyspace)
                .join(directory_name(&schema));
            let opened = env.blocking(base::env::Class::Flush, {
                let path = path.clone();
                move || own_env.make_dirs(&path)
            });
            let failed =
                |error| Error::io(format_args!("cannot create {}", path.display()), &error);
            opened.await.map_err(failed)
        };
        self.dir.get_or_try_init(open).await.cloned()
    }
}

/// The columns to keep of a row, if the table has dropped some.
pub(crate) fn columns_left(schema: &schema::Table) -> Option<Columns> {
    let columns = schema.statics.iter().chain(&schema.regulars);
    (!schema.dropped.is_empty()).then(|| Columns::only(columns.map(|column| column.id)))
}

/// `<table>-<id without dashes>`: what tools for backups look for.
pub(crate) fn directory_name(schema: &schema::Table) -> String {
    format!("{}-{}", schema.name, schema.id.0.simple())
}

/// The table's id in a directory's name.
pub(crate) fn directory_id(name: &str) -> Option<TableId> {
    let (_, id) = name.rsplit_once('-')?;
    if id.len() != 32 {
        return None;
    }
    uuid::Uuid::try_parse(id).ok().map(TableId)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_rests_is_not_due_though_its_period_is_over() {
        let local = schema::system::table(schema::system::SYSTEM, "local").expect("it is built in");
        let mut schema = schema::Table::clone(&local);
        schema.options.memtable_flush_period_ms = 3_000;
        let table = Table::new(Arc::new(schema), Vec::new(), Vec::new());
        let at = Duration::from_secs;
        assert_eq!(table.flush_left(at(1)), Some(at(2)));
        assert_eq!(table.flush_left(at(4)), Some(Duration::ZERO));
        let pause = table.flush_rest.fail(at(4));
        assert_eq!(table.flush_left(at(4)), Some(pause));
        table.flush_rest.end();
        assert!(!table.ends_period(at(5)), "nothing was written");
        assert_eq!(table.flush_left(at(5)), Some(at(3)));
    }
}
