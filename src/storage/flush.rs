//! Flushing: memtables become files, and segments of the log become free.
//!
//! One task decides: the largest memtable when the active ones weigh too much, the tables that hold the log's oldest
//! segment when the log is too full, and those whose `memtable_flush_period_in_ms` is over. A table whose flush failed is
//! left alone for a while, so that it keeps none of the others from theirs. A table's memtables are written in the order
//! in which they were switched, so that its replay position only moves over what is in files.

use std::sync::Arc;
use std::time::Duration;

use base::env::Class;
use model::TableId;
use model::stream::{Direction, Merge};

use crate::Error;
use crate::core::Core;
use crate::files::{self, Ended, Job};
use crate::generation::Generation;
use crate::memtable;
use crate::scan::Scan;
use crate::table::Table;

/// Between attempts after a failure that is no table's own.
const RETRY: Duration = Duration::from_secs(1);

/// Flushes what the budget and the log want flushed, for as long as the engine lives.
pub(crate) async fn run(core: Arc<Core>) {
    loop {
        match flush_due(&core).await {
            Ok(true) => {}
            Ok(false) => wait(&core).await,
            Err(error) => {
                tracing::error!("cannot flush: {error}; trying again in a second");
                core.env.sleep(RETRY).await;
            }
        }
    }
}

/// Waits until a flush is wanted, a table's period is over, or a table that failed has rested.
async fn wait(core: &Core) {
    let now = core.env.mono();
    let left = |table: &Arc<Table>| table.flush_left(now);
    let left = core.tables().values().filter_map(left).min();
    core.wait(&core.flush_wanted, left).await;
}

/// Flushes one table, if one should be. One that fails rests, while others go on.
async fn flush_due(core: &Arc<Core>) -> Result<bool, Error> {
    let Some(table) = choose(core).await? else {
        return Ok(false);
    };
    if let Err(error) = flush_or_go_on(core, &table).await {
        let pause = table.flush_rest.fail(core.env.mono()).as_secs();
        let name = table.schema().qualified_name();
        core.env
            .sometimes("flush: one failed and is tried again", true);
        tracing::error!("cannot flush {name}: {error}; trying again in {pause} s");
    }
    Ok(true)
}

/// The table to flush now: what is left of an attempt that failed, the largest if the budget wants it, the one that
/// holds the log's oldest segment if the log wants it, or one whose period is over.
async fn choose(core: &Arc<Core>) -> Result<Option<Arc<Table>>, Error> {
    let now = core.env.mono();
    let tables = core.all_tables();
    let (resting, ready): (Vec<_>, Vec<_>) = tables
        .iter()
        .partition(|table| table.flush_rest.left(now).is_some());
    let is_begun = |table: &&&Arc<Table>| !table.peek().flushing.is_empty();
    if let Some(table) = ready.iter().find(is_begun) {
        return Ok(Some(Arc::clone(table)));
    }
    let active_bytes = |table: &Arc<Table>| table.peek().active.memtable.bytes();
    let active = ready.iter().map(|table| active_bytes(table)).sum();
    let held = resting.iter().map(|table| table.memtable_bytes()).sum();
    let is_written_to = |table: &&&Arc<Table>| table.peek().active.first().is_some();
    if core.budget.wants_flush(active, held) {
        let largest = ready.iter().filter(is_written_to);
        let largest = largest.max_by_key(|table| active_bytes(table));
        if let Some(table) = largest {
            return Ok(Some(Arc::clone(table)));
        }
    }
    if core.log.wants_flush() {
        // What nobody needs may still be held: its table was dropped, or freeing it failed.
        core.free_segments().await?;
        let written = core.written().segment();
        let oldest = oldest(&tables).filter(|(_, segment)| *segment < written);
        // While the one that holds the oldest segment rests, no other flush frees any.
        if let Some((table, _)) = oldest.filter(|(table, _)| table.flush_rest.left(now).is_none()) {
            return Ok(Some(table.clone()));
        }
    }
    let due = ready.into_iter().find(|table| table.ends_period(now));
    Ok(due.cloned())
}

/// The table that holds the oldest segment of the log, and which.
fn oldest(tables: &[Arc<Table>]) -> Option<(&Arc<Table>, u64)> {
    let first = |table: &Arc<Table>| {
        let firsts = table
            .peek()
            .memtables()
            .filter_map(|generation| generation.first())
            .min();
        firsts.map(|position| position.segment())
    };
    tables
        .iter()
        .filter_map(|table| Some((table, first(table)?)))
        .min_by_key(|(_, segment)| *segment)
}

/// Flushes one table, or all: a table that fails keeps none of the others from it.
pub(crate) async fn flush(core: &Arc<Core>, id: Option<TableId>) -> Result<(), Error> {
    let tables = match id {
        Some(id) => vec![core.table(id)?],
        None => core.all_tables(),
    };
    let mut result = Ok(());
    for table in &tables {
        let flushed = flush_table(core, table).await;
        result = result.and(flushed);
    }
    result
}

/// Writes the memtable that a table has now, or what is left of an attempt that failed.
async fn flush_or_go_on(core: &Arc<Core>, table: &Arc<Table>) -> Result<(), Error> {
    let _flushing = table.flushing.lock().await;
    if table.peek().flushing.is_empty() {
        table.switch(core.written());
    }
    write_switched(core, table).await
}

/// Writes the memtables that a table has now.
async fn flush_table(core: &Arc<Core>, table: &Arc<Table>) -> Result<(), Error> {
    let _flushing = table.flushing.lock().await;
    table.switch(core.written());
    write_switched(core, table).await
}

/// Writes the memtables that a table was switched away from, oldest first.
async fn write_switched(core: &Arc<Core>, table: &Arc<Table>) -> Result<(), Error> {
    for generation in &table.view().flushing {
        generation.wait_for_writers().await;
        write(core, table, generation).await?;
    }
    table.flush_rest.end();
    core.free_segments().await?;
    core.compaction_wanted.notify_one();
    Ok(())
}

async fn write(
    core: &Arc<Core>,
    table: &Arc<Table>,
    generation: &Arc<Generation>,
) -> Result<(), Error> {
    let cursor = memtable::Cursor::new(generation.memtable.clone(), Arc::new(Scan::everything()));
    let first = generation.first().unwrap_or_default();
    let job = Job {
        core,
        table,
        class: Class::Flush,
        inputs: &[],
        level: 0,
        log_positions: Some((first.0, generation.end().0)),
        bytes_per_second: 0,
    };
    // A merge of one: it applies the deletions that the memtable holds.
    let file = match job.write(Merge::new([cursor], Direction::Forward)).await? {
        Ended::File(file) => Some(file),
        Ended::Nothing => None,
        Ended::GivenUp => return Ok(()),
    };
    files::count(&file, &core.counters.flushes, &core.counters.flushed_bytes);
    tracing::debug!(
        "flushed a memtable of {} into {} bytes",
        table.schema().qualified_name(),
        file.as_ref().map_or(0, |file| file.meta.len)
    );
    files::publish_flush(core, table, generation, file).await
}
