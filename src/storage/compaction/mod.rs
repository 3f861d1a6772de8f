//! Compaction: several files of a table become one.
//!
//! A strategy chooses (`strategy`, a pure function); the one task carries the choice out, in short steps on the
//! compaction threads, no faster than it may: merge of the inputs, `purged` of what may go, into a file; then the
//! manifest puts the file in the inputs' place. A drain, a truncation, or the table's end stops it between two steps.
//!
//! A file in which it finds damage is left out from then on, and so is the largest of those that together make a row
//! larger than a file takes; a table that fails for another reason is left alone for a while. None of this keeps other
//! files or tables from being compacted.

mod purged;
pub mod strategy;

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use base::env::Class;
use model::TableId;
use model::stream::{Direction, Merge};

use self::purged::Purged;
use self::strategy::{Candidate, Choice};
use crate::Error;
use crate::core::Core;
use crate::files::{self, Ended, Job};
use crate::scan::Scan;
use crate::sieve::Sieve;
use crate::table::{File, Table};

/// Compacts what strategies choose, for as long as the engine lives.
pub(crate) async fn run(core: Arc<Core>) {
    loop {
        if !compact_due(&core).await {
            wait(&core).await;
        }
    }
}

/// Waits until there may be something to do, or a table that failed has rested.
async fn wait(core: &Core) {
    let now = core.env.mono();
    let left = |table: &Arc<Table>| table.compaction_rest.left(now);
    let left = core.tables().values().filter_map(left).min();
    core.wait(&core.compaction_wanted, left).await;
}

/// A compaction that is due.
struct Due {
    table: Arc<Table>,
    choice: Choice,
    /// How many compactions of the table are due.
    backlog: usize,
}

/// Carries out the choice of the table that has most to do, but for those that rest after a failure.
async fn compact_due(core: &Arc<Core>) -> bool {
    if !core.options.auto_compaction || core.is_draining() {
        return false;
    }
    let now = core.env.mono();
    let mut most: Option<Due> = None;
    for table in core.all_tables() {
        let mut choices = choose(&table);
        let backlog = choices.len();
        table.pending.store(backlog, Relaxed);
        let is_ready = table.compaction_rest.left(now).is_none();
        if is_ready && backlog > most.as_ref().map_or(0, |most| most.backlog) {
            let choice = choices.swap_remove(0);
            most = Some(Due {
                table,
                choice,
                backlog,
            });
        }
    }
    let Some(due) = most else {
        return false;
    };
    carry_out(core, &due).await;
    true
}

async fn carry_out(core: &Arc<Core>, due: &Due) {
    let table = &due.table;
    let _compacting = table.compacting.lock().await;
    let mut inputs = table.view().files.clone();
    inputs.retain(|file| due.choice.inputs.contains(&file.meta.id));
    if inputs.len() < due.choice.inputs.len() {
        return;
    }
    // As fast as allowed while it keeps up; each compaction that waits behind allows as much again.
    let speed = core
        .options
        .compaction_bytes_per_second
        .saturating_mul(due.backlog as u64);
    match merge(core, table, inputs.clone(), due.choice.level, speed).await {
        Ok(_) => table.compaction_rest.end(),
        Err(error) if set_aside(&inputs, &error).is_some() => {}
        Err(error) => {
            let pause = table.compaction_rest.fail(core.env.mono()).as_secs();
            let name = table.schema().qualified_name();
            tracing::error!("cannot compact {name}: {error}; trying again in {pause} s");
        }
    }
}

/// Leaves one of the inputs out of compactions from now on, if the error is its fault. It stays where it is: what it
/// holds is read, and tombstones that cover something in it are kept.
fn set_aside(inputs: &[Arc<File>], error: &Error) -> Option<Arc<File>> {
    match error {
        Error::Corrupt { file: path, .. } => {
            let file = inputs.iter().find(|input| input.reader.path() == path)?;
            file.set_damaged(error.clone());
            tracing::error!(
                "{error}; it is not compacted any more, and reads of what is damaged fail: stop the node and restore the \
                 file from a backup, or truncate the table"
            );
            Some(file.clone())
        }
        Error::Invalid(_) => {
            let file = inputs.iter().max_by_key(|input| input.meta.len)?;
            file.set_unmergeable();
            tracing::error!(
                "{error}; {} is not compacted with others until the row is deleted and the table compacted on demand",
                file.reader.path()
            );
            Some(file.clone())
        }
        _ => None,
    }
}

fn choose(table: &Table) -> Vec<Choice> {
    let view = table.peek();
    let sound = view.files.iter().filter(|file| file.is_mergeable());
    let candidates: Vec<_> = sound
        .map(|file| {
            let statistics = file.reader.statistics();
            Candidate {
                id: file.meta.id,
                bytes: file.meta.len,
                level: file.meta.level,
                tokens: (statistics.first.token, statistics.last.token),
                timestamps: statistics.timestamps,
            }
        })
        .collect();
    if candidates.len() < 2 {
        return Vec::new();
    }
    strategy::choose(&candidates, &table.schema().options.compaction)
}

/// Merges all files of one table, or of each, into one. A table that fails keeps none of the others from it.
pub(crate) async fn compact(core: &Arc<Core>, id: Option<TableId>) -> Result<(), Error> {
    let tables = match id {
        Some(id) => vec![core.table(id)?],
        None => core.all_tables(),
    };
    let mut result = Ok(());
    for table in &tables {
        core.check_running()?;
        let compacted = compact_table(core, table).await;
        result = result.and(compacted);
    }
    result
}

/// Merges all files of a table but those that cannot be; why not is the error then.
async fn compact_table(core: &Arc<Core>, table: &Arc<Table>) -> Result<(), Error> {
    let _compacting = table.compacting.lock().await;
    let speed = core.options.compaction_bytes_per_second;
    let mut failed = Ok(());
    let mut left_out: Vec<Arc<File>> = Vec::new();
    loop {
        let mut inputs = table.view().files.clone();
        inputs.retain(|file| {
            !file.is_damaged() && !left_out.iter().any(|out| Arc::ptr_eq(out, file))
        });
        let merged = match inputs.is_empty() {
            true => Ok(()),
            false => merge(core, table, inputs.clone(), 0, speed).await,
        };
        let Err(error) = merged else {
            return failed.and_then(|()| refuse_damaged(table));
        };
        let Some(file) = set_aside(&inputs, &error) else {
            return Err(error);
        };
        left_out.push(file);
        failed = failed.and(Err(error));
    }
}

/// Says which file was left out.
fn refuse_damaged(table: &Table) -> Result<(), Error> {
    let view = table.peek();
    if let Some(lost) = view.lost.first() {
        return Err(lost.error.clone());
    }
    let damage = view.files.iter().find_map(|file| file.damage());
    damage.map_or(Ok(()), |damage| Err(damage.clone()))
}

/// Merges these files into one, which takes their place.
async fn merge(
    core: &Arc<Core>,
    table: &Arc<Table>,
    inputs: Vec<Arc<File>>,
    level: u32,
    bytes_per_second: u64,
) -> Result<(), Error> {
    reserve(core, table, &inputs).await?;
    if inputs.len() == table.peek().files.len() {
        // All of it is measured anew.
        table.large_rows.clear();
    }
    let scan = Arc::new(Scan::everything().of_file());
    let cursors: Vec<_> = inputs
        .iter()
        .map(|file| file.reader.cursor(scan.clone()))
        .collect();
    let merge = Merge::new(cursors, Direction::Forward);
    let purged = Purged::new(&core.env, table.clone(), inputs.clone());
    let positions = inputs
        .iter()
        .filter_map(|file| file.reader.statistics().log_positions);
    let log_positions = positions.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
    let job = Job {
        core,
        table,
        class: Class::Compaction,
        inputs: &inputs,
        level,
        log_positions,
        bytes_per_second,
    };
    let output = match job.write(Sieve::new(merge, purged)).await? {
        Ended::File(file) => Some(file),
        Ended::Nothing => None,
        // Of a table that was dropped or truncated there is nothing left to merge.
        Ended::GivenUp => {
            core.env.sometimes("compaction: it was given up", true);
            return core.check_running();
        }
    };
    if files::publish_compaction(core, table, &inputs, output.clone()).await? {
        tracing::debug!(
            "compacted {} files of {} into {} bytes",
            inputs.len(),
            table.schema().qualified_name(),
            output.as_ref().map_or(0, |file| file.meta.len)
        );
        files::count(
            &output,
            &core.counters.compactions,
            &core.counters.compacted_bytes,
        );
    }
    Ok(())
}

/// Refuses a compaction that the disk may have no room for: its output can be as large as its inputs.
async fn reserve(core: &Arc<Core>, table: &Arc<Table>, inputs: &[Arc<File>]) -> Result<(), Error> {
    let dir = table.dir(&core.env, &core.data).await?;
    let needed: u64 = inputs.iter().map(|file| file.meta.len).sum();
    let target = dir.clone();
    let space = core
        .env
        .blocking(Class::Compaction, move || target.space())
        .await;
    let space = space.map_err(|error| Error::io("cannot ask for disk space", &error))?;
    if space.available >= needed {
        return Ok(());
    }
    Err(Error::Io(format!(
        "compaction needs {needed} bytes in {}, which has {}",
        dir.path().display(),
        space.available
    )))
}
