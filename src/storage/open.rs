//! Starting: manifest, files, replay of the log, and only then a log to write to.
//!
//! 1. The manifest says which tables storage knew, at which epoch of the metadata log, and which files they have. A
//!    catalog of an older epoch is refused: nothing has been changed by then, and nothing below would be safe. Tables
//!    that the catalog has beyond those known are added to the manifest, with the catalog's epoch.
//! 2. The files of each table are opened. What else lies in the tables' directories was never finished, or is no
//!    longer needed, and is removed.
//! 3. The log is replayed into memtables. Records are skipped that lie below their table's replay position, which
//!    flushes and truncations move, or whose table was dropped. A table that neither catalog nor manifest ever knew
//!    stops the start: its data would be lost.
//! 4. A new segment is begun; tables that the catalog no longer has are dropped for good.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use base::env::{Class, Dir, Env};
use model::{TableId, mutation};
use schema::Catalog;
use sstable::{Cache, FileId};
use tokio::sync::Notify;

use crate::budget::Budget;
use crate::commitlog::replay::{self, ApplyError, Expected, Replayed, Target};
use crate::commitlog::{Log, Position, format};
use crate::core::{Core, Tables};
use crate::manifest::{self, Edit, Manifest, State};
use crate::options::Options;
use crate::table::{self, File, Lost, Table};
use crate::{Error, Facts};

/// Where an engine keeps its files. Missing directories are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// Tables and the manifest.
    pub data: PathBuf,
    /// Segments of the commit log.
    pub commit_log: PathBuf,
}

/// Opens everything but the tasks.
pub(crate) async fn open(
    env: &Env,
    paths: &Paths,
    options: Options,
    facts: Facts<'_>,
) -> Result<Core, Error> {
    options.validate().map_err(Error::Invalid)?;
    let data = make_dirs(env, &paths.data).await?;
    let log_dir = make_dirs(env, &paths.commit_log).await?;
    let cache = Cache::new(env, options.cache_bytes_max);
    let (own_env, own_data, own_cache) = (env.clone(), data.clone(), cache.clone());
    let (epoch, catalog) = (facts.epoch, facts.catalog.clone());
    let work = move || open_files(&own_env, &own_data, &own_cache, epoch, &catalog);
    let (mut manifest, tables) = env.blocking(Class::General, work).await?;
    let budget = Budget::new(options.memtable_bytes_max);
    let replayed = replay_log(env, &log_dir, &options, &manifest.state(), &tables).await?;
    budget.add(tables.values().map(|table| table.memtable_bytes()).sum());
    let replayed_mutations = replayed.mutations;
    let log_start = replayed.sealed.first().copied().unwrap_or(replayed.next);
    let flush_wanted = Arc::new(Notify::new());
    let log = Log::start(env, &log_dir, &options, replayed, flush_wanted.clone()).await?;
    if manifest.state().log_start < log_start {
        let work = move || {
            manifest
                .commit(&[Edit::LogStart(log_start)])
                .map(|()| manifest)
        };
        manifest = env.blocking(Class::General, work).await?;
    }
    let core = Core::new(
        env,
        options,
        data,
        log,
        manifest,
        cache,
        budget,
        tables,
        flush_wanted,
    );
    core.counters.replayed.store(replayed_mutations, Relaxed);
    Ok(core)
}

/// The newest epoch of the metadata log that storage under `paths` has followed; none if there is no storage yet. Changes
/// nothing, so whoever opens the metadata log can refuse an older one before anything is written to it.
pub async fn followed_epoch(env: &Env, paths: &Paths) -> Result<Option<u64>, Error> {
    let (own_env, path) = (env.clone(), paths.data.clone());
    let work = move || match own_env.dir(&path) {
        Ok(data) => manifest::epoch(&*data),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io(
            format_args!("cannot open {}", path.display()),
            &error,
        )),
    };
    env.blocking(Class::General, work).await
}

async fn make_dirs(env: &Env, path: &std::path::Path) -> Result<Arc<dyn Dir>, Error> {
    let (own_env, own_path) = (env.clone(), path.to_owned());
    let made = env
        .blocking(Class::General, move || own_env.make_dirs(&own_path))
        .await;
    made.map_err(|error| Error::io(format_args!("cannot open {}", path.display()), &error))
}

/// The first segment to replay.
fn first_segment(state: &State) -> u64 {
    state.log_start.max(1)
}

/// Files of tables without a manifest are not a new node's: without it nobody knows which of them are live.
fn refuse_lost_manifest(data: &dyn Dir) -> Result<(), Error> {
    let failed = |error| Error::io("cannot look for the manifest", &error);
    if data.exists(manifest::NAME).map_err(failed)? {
        return Ok(());
    }
    for table in table_dirs(data).map_err(failed)? {
        let files = table.open().and_then(|dir| dir.list()).map_err(failed)?;
        if files
            .iter()
            .any(|file| sstable::format::parse_file_name(&file.name).is_some())
        {
            let path = data.path().join(manifest::NAME).display().to_string();
            let what = format!(
                "it is missing, but there are files of tables, such as those in {}: restore it from a backup, or start on an empty directory",
                table.keyspace.path().join(&table.name).display()
            );
            return Err(Error::corrupt(path, 0, what));
        }
    }
    Ok(())
}

/// A directory that is where those of tables are.
struct TableDir {
    keyspace: Arc<dyn Dir>,
    name: String,
}

impl TableDir {
    fn open(&self) -> std::io::Result<Arc<dyn Dir>> {
        self.keyspace.dir(&self.name)
    }
}

/// The directories within those of the keyspaces.
fn table_dirs(data: &dyn Dir) -> std::io::Result<Vec<TableDir>> {
    let mut found = Vec::new();
    for keyspace in data.list()?.into_iter().filter(|entry| entry.is_dir) {
        let keyspace = data.dir(&keyspace.name)?;
        let tables = keyspace.list()?.into_iter().filter(|entry| entry.is_dir);
        found.extend(tables.map(|table| TableDir {
            keyspace: keyspace.clone(),
            name: table.name,
        }));
    }
    Ok(found)
}

/// Opens manifest and files, and removes what belongs to neither.
fn open_files(
    env: &Env,
    data: &Arc<dyn Dir>,
    cache: &Cache,
    epoch: u64,
    catalog: &Catalog,
) -> Result<(Manifest, Tables), Error> {
    refuse_lost_manifest(&**data)?;
    let mut manifest = Manifest::open(data.clone(), epoch)?;
    let stored = catalog.tables().filter(|table| table.is_stored());
    let stored: BTreeMap<TableId, Arc<schema::Table>> =
        stored.map(|table| (table.id, table.clone())).collect();
    let new = stored
        .keys()
        .filter(|id| !manifest.state().tables.contains_key(id));
    let mut edits: Vec<Edit> = new.map(|id| Edit::Table(*id)).collect();
    if epoch > manifest.state().epoch {
        edits.push(Edit::Epoch(epoch));
    }
    manifest.commit(&edits)?;
    let mut tables = Tables::new();
    for (id, schema) in stored {
        let known = manifest
            .state()
            .tables
            .get(&id)
            .cloned()
            .unwrap_or_default();
        let (mut files, mut lost) = (Vec::new(), Vec::new());
        if !known.files.is_empty() {
            let dir = data
                .dir(&schema.keyspace)
                .and_then(|dir| dir.dir(&table::directory_name(&schema)));
            let dir = dir.map_err(|error| {
                let (keyspace, name) = (&schema.keyspace, table::directory_name(&schema));
                let path = data.path().join(&**keyspace).join(name);
                Error::io(format_args!("cannot open {}", path.display()), &error)
            })?;
            for meta in known.files.values() {
                match open_file(env, &*dir, cache, *meta) {
                    Ok(file) => files.push(Arc::new(file)),
                    Err(error @ Error::Corrupt { .. }) => {
                        lost.push(set_aside(&schema, *meta, error))
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        tables.insert(id, Arc::new(Table::new(schema, files, lost)));
    }
    remove_orphans(&**data, &manifest, &tables)?;
    Ok((manifest, tables))
}

/// A file that is lost takes the reads of its table with it, and nothing else.
fn set_aside(schema: &schema::Table, meta: manifest::format::File, error: Error) -> Arc<Lost> {
    tracing::error!(
        "{error}; reads of {} fail until the file is restored from a backup and the node started again, or the table is \
         truncated or dropped",
        schema.qualified_name()
    );
    Arc::new(Lost { meta, error })
}

/// Opens one file, which must be the one that the manifest knows.
pub(crate) fn open_file(
    env: &Env,
    dir: &dyn Dir,
    cache: &Cache,
    meta: manifest::format::File,
) -> Result<File, Error> {
    let expected = sstable::Expected {
        len: meta.len,
        footer_crc: meta.footer_checksum,
    };
    let name = sstable::format::file_name(FileId(meta.id));
    if matches!(dir.exists(&name), Ok(false)) {
        let path = dir.path().join(name).display().to_string();
        return Err(Error::corrupt(path, 0, "it is missing"));
    }
    let reader = sstable::Reader::open_waiting(env, dir, FileId(meta.id), cache, Some(expected))?;
    Ok(File::new(reader, meta))
}

/// Removes files that no table has, in the directories of tables.
fn remove_orphans(data: &dyn Dir, manifest: &Manifest, tables: &Tables) -> Result<(), Error> {
    let failed = |error| Error::io("cannot remove files left behind", &error);
    let state = manifest.state();
    for table in table_dirs(data).map_err(failed)? {
        let Some(id) = table::directory_id(&table.name) else {
            continue;
        };
        let is_dropped = !tables.contains_key(&id);
        let known = state.tables.get(&id).filter(|_| !is_dropped);
        let is_live = |file: FileId| known.is_some_and(|table| table.files.contains_key(&file.0));
        table
            .open()
            .and_then(|dir| remove_files(&*dir, is_live))
            .map_err(failed)?;
        if is_dropped {
            remove_if_empty(&*table.keyspace, &table.name);
        }
    }
    Ok(())
}

/// Removes the SSTables of a directory that are not live, finished or not.
pub(crate) fn remove_files(dir: &dyn Dir, live: impl Fn(FileId) -> bool) -> std::io::Result<()> {
    for entry in dir.list()?.into_iter().filter(|entry| !entry.is_dir) {
        let finished = sstable::format::parse_file_name(&entry.name);
        let unfinished = sstable::format::parse_temporary_name(&entry.name);
        if unfinished.is_some() || finished.is_some_and(|id| !live(id)) {
            dir.remove(&entry.name)?;
        }
    }
    Ok(())
}

/// Removes a dropped table's directory unless something of someone else, such as a snapshot, lies in it.
pub(crate) fn remove_if_empty(dir: &dyn Dir, name: &str) {
    let is_empty = dir
        .dir(name)
        .and_then(|table| table.list())
        .is_ok_and(|entries| entries.is_empty());
    if is_empty && let Err(error) = dir.remove_dir(name) {
        tracing::warn!("cannot remove {}: {error}", dir.path().join(name).display());
    }
}

async fn replay_log(
    env: &Env,
    dir: &Arc<dyn Dir>,
    options: &Options,
    state: &State,
    tables: &Tables,
) -> Result<Replayed, Error> {
    let target = Box::new(IntoMemtables {
        tables: tables.clone(),
        state: state.clone(),
        row_bytes_max: options.row_bytes_max,
    });
    let flushed = state
        .tables
        .values()
        .map(|table| table.replay)
        .max()
        .unwrap_or_default();
    let expected = Expected {
        first: first_segment(state),
        is_begun: state.log_start > 0,
        // A flush syncs the log before it says how far a table is in files.
        synced: flushed,
        segment_bytes: options.segment_bytes,
        accepts_loss: options.accept_lost_log,
    };
    let (mut replayed, _) = replay::replay(env, dir, expected, target).await?;
    if replayed.mutations > 0 {
        tracing::info!(
            "replayed {} mutations of the commit log",
            replayed.mutations
        );
    }
    if flushed.segment() < replayed.next {
        return Ok(replayed);
    }
    let path = dir.path().join(format::segment_name(replayed.next));
    let path = path.display().to_string();
    let what = format!("the segment is missing, and tables were flushed up to {flushed}");
    if !options.accept_lost_log {
        return Err(Error::corrupt(path, 0, what));
    }
    tracing::warn!(
        "{path}: {what}; the commit log goes on behind it, as accept_lost_commitlog has it"
    );
    // Records of new segments below that position would be skipped by the next replay.
    replayed.next = flushed.segment() + 1;
    Ok(replayed)
}

/// Replays into memtables.
struct IntoMemtables {
    tables: Tables,
    state: State,
    row_bytes_max: usize,
}

impl Target for IntoMemtables {
    fn apply(&mut self, position: Position, record: &[u8]) -> Result<bool, ApplyError> {
        mutation::check(record).map_err(|damage| ApplyError::Damaged(damage.to_string()))?;
        let mutation = mutation::View::new(record);
        let id = mutation.table();
        let Some(table) = self.tables.get(&id) else {
            if id.0.as_bytes() == &mutation::format::NO_TABLE {
                return Ok(false);
            }
            if self.state.tables.contains_key(&id) || self.state.dropped.contains_key(&id) {
                return Ok(false);
            }
            return Err(ApplyError::Refused(Error::Invalid(format!(
                "the commit log has writes, at {position}, to a table of id {id} that the schema never had: \
                 the metadata log does not belong to this commit log"
            ))));
        };
        let replayed = self
            .state
            .tables
            .get(&id)
            .map_or(Position::START, |table| table.replay);
        if position < replayed {
            return Ok(false);
        }
        let view = table.peek();
        view.active.note(position);
        table.apply(&*view.active.memtable, &mutation, self.row_bytes_max);
        Ok(true)
    }
}
