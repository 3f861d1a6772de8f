//! Flushing: memtables become files, and segments of the log become free.
//!
//! One task decides: the largest memtable when the active ones weigh too much, the tables that hold the log's oldest
//! segment when the log is too full, and those whose `memtable_flush_period_in_ms` is over. A table's memtables are written in the order in which they were switched,
//! so that its replay position only moves over what is in files.

use std::sync::Arc;
use std::time::Duration;

use base::env::Class;
use model::TableId;
use model::stream::{Direction, Merge};

use crate::Error;
use crate::core::Core;
use crate::files::{self, Job};
use crate::generation::Generation;
use crate::memtable;
use crate::scan::Scan;
use crate::table::Table;

/// Between attempts after a failure, such as a full disk.
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

/// Waits until a flush is wanted, or a table's period is over.
async fn wait(core: &Core) {
    let now = core.env.mono();
    let left = core
        .tables()
        .values()
        .filter_map(|table| table.period_left(now))
        .min();
    let wanted = core.flush_wanted.notified();
    match left {
        None => wanted.await,
        Some(left) => tokio::select! {
            biased;
            () = wanted => {}
            () = core.env.sleep(left) => {}
        },
    }
}

/// Flushes one table, if one should be.
async fn flush_due(core: &Arc<Core>) -> Result<bool, Error> {
    let tables = core.all_tables();
    // What is left of an attempt that failed.
    if let Some(table) = tables
        .iter()
        .find(|table| !table.peek().flushing.is_empty())
    {
        let _flushing = table.flushing.lock().await;
        return write_switched(core, table).await.map(|()| true);
    }
    let due = if core.budget.wants_flush(core.active_bytes()) {
        tables
            .iter()
            .max_by_key(|table| table.peek().active.memtable.bytes())
    } else if core.log.wants_flush() {
        // What nobody needs may still be held: its table was dropped, or freeing it failed.
        core.free_segments().await?;
        let written = core.written().segment();
        oldest(&tables)
            .filter(|(_, segment)| *segment < written)
            .map(|(table, _)| table)
    } else {
        let now = core.env.mono();
        tables.iter().find(|table| table.ends_period(now))
    };
    match due {
        None => Ok(false),
        Some(table) => flush_table(core, table).await.map(|()| true),
    }
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
        log_positions: Some((first.0, generation.end().0)),
        bytes_per_second: 0,
        stops_at_drain: false,
    };
    // A merge of one: it applies the deletions that the memtable holds.
    let file = job.write(Merge::new([cursor], Direction::Forward)).await?;
    files::count(&file, &core.counters.flushes, &core.counters.flushed_bytes);
    files::publish_flush(core, table, generation, file).await
}
