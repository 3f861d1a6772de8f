//! Compaction: several files of a table become one.
//!
//! A strategy chooses (`strategy`, a pure function); the one task carries the choice out, in short steps on the
//! compaction threads, no faster than it may: merge of the inputs, `purged` of what may go, into a file; then the
//! manifest puts the file in the inputs' place. A drain stops it between two steps, and a truncation meanwhile makes
//! its result void.

mod purged;
pub mod strategy;

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use base::env::Class;
use model::TableId;
use model::stream::{Direction, Merge};

use self::purged::Purged;
use self::strategy::Candidate;
use crate::Error;
use crate::core::Core;
use crate::files::{self, Job};
use crate::scan::Scan;
use crate::table::{File, Table};

/// Between attempts after a failure.
const RETRY: Duration = Duration::from_secs(10);

/// Compacts what strategies choose, for as long as the engine lives.
pub(crate) async fn run(core: Arc<Core>) {
    loop {
        match compact_due(&core).await {
            Ok(true) => {}
            Ok(false) => core.compaction_wanted.notified().await,
            Err(error) => {
                tracing::error!("cannot compact: {error}; trying again in ten seconds");
                core.env.sleep(RETRY).await;
            }
        }
    }
}

/// Carries out the choice of the table that has most to do.
async fn compact_due(core: &Arc<Core>) -> Result<bool, Error> {
    if !core.options.auto_compaction || core.is_draining() {
        return Ok(false);
    }
    let mut most: Option<(Arc<Table>, Vec<u64>, usize)> = None;
    for table in core.all_tables() {
        let mut choices = choose(&table);
        table.pending.store(choices.len(), Relaxed);
        if choices.len() > most.as_ref().map_or(0, |most| most.2) {
            let count = choices.len();
            most = Some((table, choices.swap_remove(0), count));
        }
    }
    let Some((table, ids, backlog)) = most else {
        return Ok(false);
    };
    let _compacting = table.compacting.lock().await;
    let view = table.view();
    let inputs: Vec<_> = view
        .files
        .iter()
        .filter(|file| ids.contains(&file.meta.id))
        .cloned()
        .collect();
    if inputs.len() < ids.len() {
        return Ok(true);
    }
    // As fast as allowed while it keeps up; each compaction that waits behind allows as much again.
    let speed = core
        .options
        .compaction_bytes_per_second
        .saturating_mul(backlog as u64);
    merge(core, &table, inputs, speed).await?;
    Ok(true)
}

fn choose(table: &Table) -> Vec<Vec<u64>> {
    let view = table.peek();
    if view.files.len() < 2 {
        return Vec::new();
    }
    let candidates: Vec<_> = view
        .files
        .iter()
        .map(|file| Candidate {
            id: file.meta.id,
            bytes: file.meta.len,
        })
        .collect();
    let choices = strategy::choose(&candidates, &table.schema().options.compaction);
    choices.into_iter().map(|choice| choice.0).collect()
}

/// Merges all files of one table, or of each, into one.
pub(crate) async fn compact(core: &Arc<Core>, id: Option<TableId>) -> Result<(), Error> {
    let tables = match id {
        Some(id) => vec![core.table(id)?],
        None => core.all_tables(),
    };
    for table in &tables {
        let _compacting = table.compacting.lock().await;
        let inputs = table.view().files.clone();
        if !inputs.is_empty() {
            merge(
                core,
                table,
                inputs,
                core.options.compaction_bytes_per_second,
            )
            .await?;
        }
    }
    Ok(())
}

/// Merges these files into one, which takes their place.
async fn merge(
    core: &Arc<Core>,
    table: &Arc<Table>,
    inputs: Vec<Arc<File>>,
    bytes_per_second: u64,
) -> Result<(), Error> {
    reserve(core, table, &inputs).await?;
    let scan = Arc::new(Scan::everything().of_file());
    let cursors: Vec<_> = inputs
        .iter()
        .map(|file| file.reader.cursor(scan.clone()))
        .collect();
    let merge = Merge::new(cursors, Direction::Forward);
    let purged = Purged::new(
        merge,
        table.clone(),
        inputs.clone(),
        core.env.wall_seconds(),
    );
    let positions = inputs
        .iter()
        .filter_map(|file| file.reader.statistics().log_positions);
    let log_positions = positions.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
    let job = Job {
        core,
        table,
        class: Class::Compaction,
        log_positions,
        bytes_per_second,
        stops_at_drain: true,
    };
    let output = job.write(purged).await?;
    if core.is_draining() && output.is_none() {
        return Ok(());
    }
    if files::publish_compaction(core, table, &inputs, output.clone()).await? {
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
