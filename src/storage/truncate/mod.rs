//! Truncation: what a table held at that moment is gone, and what is written later is there, whatever timestamps either
//! has.
//!
//! 1. The gate is closed for a moment: no turn stands between the log and its memtables, so all below the log's end is
//!    in the table's memtables and files, and nothing above is. The table gets a new memtable.
//! 2. The manifest is told of the end and the time, and that the files are gone; then they and the old memtables go.
//!
//! A write that races it is below that end, and gone, or above, and there; a replay decides by the same end. It does
//! not ask whether the truncation or the write was answered first: both were under way.
//!
//! A truncation that was agreed on but not carried out, because the node died or the disk failed in between, has no such
//! end any more. It is finished by its time alone, at the next start or with the next change that storage follows:
//! cells as old as it go, and all that are newer stay, because they may have been acknowledged since.

mod newer;

use std::sync::Arc;

use base::env::Class;
use model::stream::{Direction, Merge};
use model::{TableId, Timestamp};

use self::newer::Newer;

use crate::commitlog::Position;
use crate::core::Core;
use crate::files::{self, Ended, Job};
use crate::manifest::Edit;
use crate::scan::Scan;
use crate::sieve::Sieve;
use crate::table::{File, Table};
use crate::{Error, Truncations, flush};

/// Whether a truncation that was agreed on is still to be carried out here.
pub(crate) fn is_due(core: &Core, id: TableId, at: Timestamp) -> bool {
    let known = core.manifest_table(id).and_then(|table| table.truncated_at);
    known < Some(at.0)
}

/// Drops what a table holds. If an attempt at the same truncation has failed, only what is as old as `at`.
pub(crate) async fn truncate(core: &Arc<Core>, id: TableId, at: Timestamp) -> Result<(), Error> {
    let _changing = core.changing.lock().await;
    let table = core.table(id)?;
    if table.begin_truncation(at.0) {
        drop_present(core, &table, at).await?;
    } else {
        finish_table(core, &table, at).await?;
    }
    table.end_truncation();
    core.free_segments().await
}

/// Drops what a table holds now.
async fn drop_present(core: &Arc<Core>, table: &Arc<Table>, at: Timestamp) -> Result<(), Error> {
    let _flushing = table.flushing.lock().await;
    let mut end = switch(core, table).await;
    if core.env.mutant("truncate: its position is not written") {
        end = Position::START;
    }
    // What was dropped must not come back because the log was shorter than the manifest said.
    core.log.synced(end).await?;
    drop_all(core, table, end, at).await
}

/// Gives the table a new memtable, and says where the log ends for the former ones.
async fn switch(core: &Arc<Core>, table: &Arc<Table>) -> Position {
    let (core, table) = (core.clone(), table.clone());
    let env = core.env.clone();
    let work = move || {
        let _gate = core.gate.write();
        let end = core.written();
        table.switch(end);
        end
    };
    env.blocking(Class::Flush, work).await
}

/// Drops all files and flushing memtables of a table.
async fn drop_all(
    core: &Arc<Core>,
    table: &Arc<Table>,
    end: Position,
    at: Timestamp,
) -> Result<(), Error> {
    let listing = table.listing.clone().lock_owned().await;
    let view = table.view();
    let mut gone = files::ids(&view.files);
    gone.extend(view.lost.iter().map(|lost| lost.meta.id));
    let removed = gone.iter().map(|file| Edit::Removed(table.id, *file));
    let edits = removed
        .chain([Edit::Truncated(table.id, end, at.0)])
        .collect();
    let bytes = view
        .flushing
        .iter()
        .map(|generation| generation.memtable.bytes())
        .sum();
    let (own_table, budget) = (table.clone(), core.budget.clone());
    let then = move || {
        own_table.update(|view| {
            let mut next = view.with_files(Vec::new());
            next.flushing.clear();
            next.lost.clear();
            next
        });
        own_table.large_rows.clear();
        budget.release(bytes);
        drop(listing);
    };
    core.commit_then(edits, then).await?;
    files::remove(core, table, gone).await;
    Ok(())
}

/// At a start, after the replay: carries out by their time the truncations that were agreed on and not carried out.
/// Nothing is changed for other tables, so it may be cut short anywhere.
pub(crate) async fn finish(core: &Arc<Core>, truncations: &Truncations) -> Result<(), Error> {
    for (id, at) in truncations {
        match core.table(*id) {
            Ok(table) if is_due(core, *id, *at) => {
                core.env.sometimes("truncate: a start carries it out", true);
                finish_table(core, &table, *at).await?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Carries out a truncation by its time: once everything is in files, those without anything newer go, and those with
/// both are written anew.
async fn finish_table(core: &Arc<Core>, table: &Arc<Table>, at: Timestamp) -> Result<(), Error> {
    flush::flush(core, Some(table.id)).await?;
    let _compacting = table.compacting.lock().await;
    let has_older = |file: &&Arc<File>| file.reader.statistics().timestamps.0 <= at;
    for file in table.view().files.iter().filter(has_older) {
        if !write_anew(core, table, file, at).await? {
            return Ok(());
        }
    }
    let edit = Edit::Truncated(table.id, Position::START, at.0);
    core.commit(vec![edit]).await
}

/// Writes what of a file is newer. False if the node drains, or the table ends, before it is done.
async fn write_anew(
    core: &Arc<Core>,
    table: &Arc<Table>,
    file: &Arc<File>,
    at: Timestamp,
) -> Result<bool, Error> {
    let inputs = std::slice::from_ref(file);
    let statistics = file.reader.statistics();
    let mut output = None;
    if statistics.timestamps.1 > at {
        let cursor = file.reader.cursor(Arc::new(Scan::everything().of_file()));
        let job = Job {
            core,
            table,
            class: Class::Compaction,
            inputs,
            level: file.meta.level,
            log_positions: statistics.log_positions,
            bytes_per_second: 0,
        };
        let merge = Merge::new([cursor], Direction::Forward);
        let newer = Sieve::new(merge, Newer::new(at));
        output = match job.write(newer).await? {
            Ended::File(file) => Some(file),
            Ended::Nothing => None,
            Ended::GivenUp => return Ok(false),
        };
    }
    files::publish_compaction(core, table, inputs, output).await?;
    Ok(true)
}
