//! Files that appear and disappear: writing one from a stream, and changing the list of live ones.
//!
//! A change of the list is: the manifest's edit, synced; the view, in one piece with it; and only then the removal of
//! files, which readers that still hold them keep reading. What a crash leaves behind in between is removed at the next start.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use base::env::{Class, Dir};
use base::meter::{Limit, Meter};
use model::key::RangeTombstoneRef;
use model::stream::{self, Partition, Row, Step, Stream};
use sstable::{FileId, Pull, Writer};

use crate::Error;
use crate::commitlog::Position;
use crate::core::Core;
use crate::generation::Generation;
use crate::large_rows::STORED_FACTOR;
use crate::manifest::{Edit, format};
use crate::open::open_file;
use crate::table::{File, Table};

/// Work of one step on a flush or compaction thread, in the meter's nanoseconds.
const STEP: Limit = Limit {
    requests: u64::MAX,
    answer_bytes: u64::MAX,
    nanos: 1_000_000,
};

/// A stream on its way to a file: charged for what it gives, so that a step ends, and its rows measured.
struct Paced<S> {
    stream: S,
    table: Arc<Table>,
    row_bytes_max: usize,
}

impl<S: Stream> Paced<S> {
    fn measure(&self, clustering: Option<&[u8]>, image: &[u8]) {
        if image.len() < self.row_bytes_max / 4 {
            return;
        }
        let row = (self.stream.partition().key, clustering);
        let schema = self.table.schema();
        self.table
            .large_rows
            .measure(&schema, row, image, self.row_bytes_max);
    }
}

impl<S: Stream> Stream for Paced<S> {
    fn step(&mut self, meter: &mut Meter) -> Result<Step, stream::Error> {
        if meter.exhausted() {
            return Ok(Step::Yield);
        }
        let step = self.stream.step(meter)?;
        match &step {
            Step::Row => {
                let row = self.stream.row();
                meter.charge(1, 0, (row.clustering.len() + row.image.len()) as u64);
                self.measure(Some(row.clustering), row.image);
            }
            Step::Partition => {
                meter.charge(1, 0, 0);
                if let Some(image) = self.stream.partition().static_row {
                    self.measure(None, image);
                }
            }
            Step::RangeTombstone => meter.charge(1, 0, 0),
            _ => {}
        }
        Ok(step)
    }

    fn partition(&self) -> Partition<'_> {
        self.stream.partition()
    }

    fn row(&self) -> Row<'_> {
        self.stream.row()
    }

    fn range_tombstone(&self) -> RangeTombstoneRef<'_> {
        self.stream.range_tombstone()
    }

    fn skip_partition(&mut self) {
        self.stream.skip_partition();
    }
}

/// How a file is written.
pub(crate) struct Job<'a> {
    pub core: &'a Arc<Core>,
    pub table: &'a Arc<Table>,
    pub class: Class,
    /// The files that the new one is to take the place of; none for a flush, which is never given up.
    pub inputs: &'a [Arc<File>],
    /// Where the table's strategy puts the file.
    pub level: u32,
    /// Log positions that the contents lie between.
    pub log_positions: Option<(u64, u64)>,
    /// Bytes to write in a second; 0 is as many as it can.
    pub bytes_per_second: u64,
}

/// What became of a job.
pub(crate) enum Ended {
    /// A file, complete and durable, not yet live.
    File(Arc<File>),
    /// The stream gave nothing: there is no file.
    Nothing,
    /// The node drains, or the table was dropped or truncated: there is no file.
    GivenUp,
}

struct Building<S> {
    writer: Writer,
    stream: Paced<S>,
}

impl Job<'_> {
    /// Writes a stream to a file.
    pub async fn write<S: Stream + 'static>(&self, stream: S) -> Result<Ended, Error> {
        let env = &self.core.env;
        self.core.check_manifest()?;
        let dir = self.table.dir(env, &self.core.data).await?;
        let (id, options) = (FileId(self.core.next_file()), self.options());
        let target = dir.clone();
        let writer = env
            .blocking(self.class, move || Writer::create(target, id, options))
            .await?;
        let mut building = Building {
            writer,
            stream: Paced {
                stream,
                table: self.table.clone(),
                row_bytes_max: self.core.options.row_bytes_max,
            },
        };
        loop {
            if self.is_void() {
                self.abandon(building.writer).await;
                return Ok(Ended::GivenUp);
            }
            let before = building.writer.len();
            let work = move || {
                let pulled = building
                    .writer
                    .pull(&mut building.stream, &mut Meter::new(STEP));
                (building, pulled)
            };
            let pulled;
            (building, pulled) = env.blocking(self.class, work).await;
            match pulled {
                Ok(Pull::End) => break,
                Ok(Pull::Yield) => self.pause(building.writer.len() - before).await,
                Ok(Pull::Wait(wait)) => wait.await,
                Err(error) => {
                    self.abandon(building.writer).await;
                    return Err(error.into());
                }
            }
        }
        self.finish(building.writer, dir).await
    }

    /// Whether nobody wants the file any more.
    fn is_void(&self) -> bool {
        let is_wanted = || !self.table.is_dropped() && self.table.peek().has_all(self.inputs);
        !self.inputs.is_empty() && (self.core.is_draining() || !is_wanted())
    }

    async fn finish(&self, writer: Writer, dir: Arc<dyn Dir>) -> Result<Ended, Error> {
        let (core, level) = (self.core.clone(), self.level);
        let work = move || -> Result<_, Error> {
            let Some(summary) = writer.finish()? else {
                return Ok(Ended::Nothing);
            };
            let meta = format::File {
                id: summary.id.0,
                len: summary.len,
                footer_checksum: summary.footer_crc,
                level,
            };
            let opened = open_file(&core.env, &*dir, &core.cache, meta);
            if opened.is_err() {
                remove_file(&*dir, meta.id);
            }
            opened.map(|file| Ended::File(Arc::new(file)))
        };
        self.core.env.blocking(self.class, work).await
    }

    async fn abandon(&self, writer: Writer) {
        if let Err(error) = self
            .core
            .env
            .blocking(self.class, move || writer.abandon())
            .await
        {
            tracing::warn!("an unfinished file is left for the next start to remove: {error}");
        }
    }

    /// Waits as long as writing so many bytes should have taken.
    async fn pause(&self, bytes: u64) {
        if self.bytes_per_second > 0 && bytes > 0 {
            let nanos = bytes.saturating_mul(1_000_000_000) / self.bytes_per_second;
            self.core.env.sleep(Duration::from_nanos(nanos)).await;
        }
    }

    fn options(&self) -> sstable::Options {
        let schema = self.table.schema();
        let columns = schema.statics.iter().chain(&schema.regulars);
        let compression = &schema.options.compression;
        sstable::Options {
            block_bytes: compression.block_bytes(),
            codec: compression.codec(),
            filter_bits: filter_bits(schema.options.bloom_filter_fp_chance),
            columns: columns
                .map(|column| (column.id, column.ty.clone()))
                .collect(),
            log_positions: self.log_positions,
            row_bytes_max: STORED_FACTOR * self.core.options.row_bytes_max,
            ..sstable::Options::new(self.table.id)
        }
    }
}

/// Bits per partition for a filter that says "maybe" wrongly with this chance: log2(1/chance) / ln 2, and a bit more
/// because a blocked filter's lines do not fill evenly.
fn filter_bits(chance: f64) -> u32 {
    if chance >= 1.0 {
        return 0;
    }
    let bits = -chance.log2() / std::f64::consts::LN_2;
    (bits + 0.5).round().clamp(2.0, 24.0) as u32
}

/// Makes a flushed memtable's file live, in place of the memtable.
pub(crate) async fn publish_flush(
    core: &Arc<Core>,
    table: &Arc<Table>,
    generation: &Arc<Generation>,
    file: Option<Arc<File>>,
) -> Result<(), Error> {
    let written = core.written();
    core.env.sometimes(
        "flush: writes go on meanwhile",
        written > generation.end() && table.peek().active.first().is_some(),
    );
    let is_late = core
        .env
        .mutant("flush: the log is replayed from where it ends by now");
    let replay = replay_position(core, if is_late { written } else { generation.end() }).await;
    let listing = table.listing.clone().lock_owned().await;
    let is_this = |other: &Arc<Generation>| Arc::ptr_eq(other, generation);
    if !table.view().flushing.iter().any(is_this) {
        // An attempt that nobody waited for any more has made it live.
        remove(core, table, ids(&file)).await;
        return Ok(());
    }
    let mut edits = Vec::new();
    edits.extend(file.iter().map(|file| Edit::Added(table.id, file.meta)));
    edits.push(Edit::Replay(table.id, replay));
    let (own_table, generation) = (table.clone(), generation.clone());
    let (budget, added) = (core.budget.clone(), file.clone());
    let then = move || {
        own_table.update(|view| {
            let files = view.files.iter().chain(&added).cloned().collect();
            let mut next = view.with_files(files);
            next.flushing
                .retain(|other| !Arc::ptr_eq(other, &generation));
            next
        });
        budget.release(generation.memtable.bytes());
        drop(listing);
    };
    let committed = core.commit_then(edits, then).await;
    remove_unlisted(core, table, &file, &committed).await;
    committed
}

/// From where the log is replayed for what was flushed up to `end`. It must be durable in the log first: after a power
/// failure a log that ends below could not be told from one of which segments were taken away. A log that has failed
/// is replayed from further back, which merging makes harmless.
async fn replay_position(core: &Core, end: Position) -> Position {
    if core
        .env
        .mutant("flush: the log is not synced up to the replay position")
    {
        return end;
    }
    match core.log.synced(end).await {
        Ok(()) => end,
        Err(_) => end.min(core.log.synced_position()),
    }
}

/// Puts a compaction's file in place of its inputs. False if these are not what they were when it began.
pub(crate) async fn publish_compaction(
    core: &Arc<Core>,
    table: &Arc<Table>,
    inputs: &[Arc<File>],
    output: Option<Arc<File>>,
) -> Result<bool, Error> {
    let listing = table.listing.clone().lock_owned().await;
    if table.is_dropped() || !table.view().has_all(inputs) {
        remove(core, table, ids(&output)).await;
        return Ok(false);
    }
    if core
        .env
        .mutant("compaction: its inputs go before the manifest says so")
    {
        remove(core, table, ids(inputs)).await;
    }
    let mut edits: Vec<_> = inputs
        .iter()
        .map(|file| Edit::Removed(table.id, file.meta.id))
        .collect();
    edits.extend(output.iter().map(|file| Edit::Added(table.id, file.meta)));
    let (own_table, own_inputs, added) = (table.clone(), inputs.to_vec(), output.clone());
    let then = move || {
        own_table.update(|view| {
            let is_input = |file: &Arc<File>| own_inputs.iter().any(|i| Arc::ptr_eq(i, file));
            let kept = view.files.iter().filter(|file| !is_input(file));
            view.with_files(kept.chain(&added).cloned().collect())
        });
        drop(listing);
    };
    let committed = core.commit_then(edits, then).await;
    remove_unlisted(core, table, &output, &committed).await;
    committed?;
    remove(core, table, ids(inputs)).await;
    Ok(true)
}

/// The ids of these files.
pub(crate) fn ids<'a>(files: impl IntoIterator<Item = &'a Arc<File>>) -> Vec<u64> {
    files.into_iter().map(|file| file.meta.id).collect()
}

/// Removes a file that the manifest could not list: another attempt writes its own. After a failure that is final it
/// stays, because the manifest may list it.
async fn remove_unlisted(
    core: &Arc<Core>,
    table: &Arc<Table>,
    file: &Option<Arc<File>>,
    committed: &Result<(), Error>,
) {
    if matches!(committed, Err(Error::Io(_))) {
        remove(core, table, ids(file)).await;
    }
}

/// Removes files that are not live, or no longer.
pub(crate) async fn remove(core: &Arc<Core>, table: &Arc<Table>, files: Vec<u64>) {
    if files.is_empty() {
        return;
    }
    let Ok(dir) = table.dir(&core.env, &core.data).await else {
        return;
    };
    let cache = core.cache.clone();
    let work = move || {
        for file in files {
            remove_file(&*dir, file);
            cache.forget(FileId(file));
        }
    };
    core.env.blocking(Class::Flush, work).await;
}

fn remove_file(dir: &dyn Dir, id: u64) {
    let name = sstable::format::file_name(FileId(id));
    match dir.remove(&name) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            let path = dir.path().join(name);
            tracing::warn!(
                "{} is left for the next start to remove: {error}",
                path.display()
            );
        }
        _ => {}
    }
}

/// Counts a finished file.
pub(crate) fn count(
    file: &Option<Arc<File>>,
    files: &std::sync::atomic::AtomicU64,
    bytes: &std::sync::atomic::AtomicU64,
) {
    files.fetch_add(1, Relaxed);
    bytes.fetch_add(file.as_ref().map_or(0, |file| file.meta.len), Relaxed);
}
