//! Truncation: what a table held at that moment is gone, and so is what was written at or before its time, wherever
//! that comes from later.
//!
//! 1. The time is set: what arrives from here on is cut by it before it reaches a memtable, so a late writer brings
//!    nothing back.
//! 2. The gate is closed for a moment: no turn stands between the log and its memtables, so all below the log's end is
//!    in the table's memtables and files, and nothing above is. The table gets a new memtable.
//! 3. The manifest is told of the end and the time, and that the files are gone; then they and the old memtables go.
//!
//! A write that races it is below that end, and gone, or above, and there; a replay decides by the same end and time.
//! It does not ask whether the truncation or the write was answered first: both were under way.
//!
//! A truncation that was agreed on but not carried out, because the node died in between, has no such end. The start
//! goes by the time alone ([`finish`]): whatever is newer may have been acknowledged.

mod cut;
mod newer;

use std::sync::Arc;

use base::env::Class;
use model::stream::{Direction, Merge};
use model::{Deletion, TableId, Timestamp};

pub(crate) use self::cut::apply;
use self::newer::Newer;

use crate::Error;
use crate::commitlog::Position;
use crate::core::Core;
use crate::files::{self, Ended, Job};
use crate::manifest::Edit;
use crate::scan::Scan;
use crate::table::{File, Table};

/// Drops what a table holds, and from here on everything written at or before `at`.
pub(crate) async fn truncate(core: &Arc<Core>, id: TableId, at: Timestamp) -> Result<(), Error> {
    let _changing = core.changing.lock().await;
    let table = core.table(id)?;
    let _flushing = table.flushing.lock().await;
    table.set_truncated_at(at.0);
    let end = switch(core, &table).await;
    // What was dropped must not come back because the log was shorter than the manifest said.
    core.log.synced(end).await?;
    drop_all(core, &table, end, at).await?;
    core.free_segments().await
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
        budget.release(bytes);
        drop(listing);
    };
    core.commit_then(edits, then).await?;
    files::remove(core, table, gone).await;
    Ok(())
}

/// At a start, after the replay: carries out by their time the truncations that were agreed on and not carried out.
/// Files without anything newer go, and those with both are written anew. Nothing is changed for the others, so it may
/// be cut short anywhere.
pub(crate) async fn finish(core: &Arc<Core>) -> Result<(), Error> {
    for table in core.all_tables() {
        let at = table.truncated_at();
        let has_older = |file: &&Arc<File>| file.reader.statistics().timestamps.0.0 <= at;
        let view = table.view();
        for file in view.files.iter().filter(has_older) {
            let _compacting = table.compacting.lock().await;
            if table.peek().has_all(std::slice::from_ref(file)) {
                write_anew(core, &table, file, at).await?;
            }
        }
        let known = core.manifest_table(table.id);
        if at > i64::MIN && known.is_some_and(|known| known.truncated_at < Some(at)) {
            let edit = Edit::Truncated(table.id, Position::START, at);
            core.commit(vec![edit]).await?;
        }
    }
    Ok(())
}

/// Writes what of a file is newer.
async fn write_anew(
    core: &Arc<Core>,
    table: &Arc<Table>,
    file: &Arc<File>,
    truncated_at: i64,
) -> Result<(), Error> {
    let inputs = std::slice::from_ref(file);
    let statistics = file.reader.statistics();
    let mut output = None;
    if statistics.timestamps.1.0 > truncated_at {
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
        let newer = Newer::new(Merge::new([cursor], Direction::Forward), truncated_at);
        output = match job.write(newer).await? {
            Ended::File(file) => Some(file),
            Ended::Nothing => None,
            Ended::GivenUp => return Ok(()),
        };
    }
    files::publish_compaction(core, table, inputs, output)
        .await
        .map(drop)
}

/// A truncation as a deletion, which covers its own time.
fn truncation(truncated_at: i64) -> Deletion {
    Deletion {
        timestamp: Timestamp(truncated_at),
        local_seconds: 0,
    }
}
