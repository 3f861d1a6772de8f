//! Following the catalog: tables that appear, change, are truncated, and go.

use std::sync::Arc;

use base::env::Class;
use model::TableId;

use crate::core::{Core, Tables};
use crate::generation::Generation;
use crate::manifest::Edit;
use crate::table::{self, Table};
use crate::{Error, Facts, open, truncate};

/// Makes the tables those of the catalog, and truncates what was truncated since.
pub(crate) async fn follow(core: &Arc<Core>, facts: Facts<'_>) -> Result<(), Error> {
    let changing = core.changing.lock().await;
    let mut tables = Tables::clone(&core.tables());
    let mut edits = Vec::new();
    let mut is_again = false;
    let catalog = facts.catalog;
    for schema in catalog.tables().filter(|table| table.is_stored()) {
        match tables.get(&schema.id) {
            Some(table) => table.set_schema(schema.clone()),
            None => {
                is_again |= core.known.state().dropped.contains_key(&schema.id);
                edits.push(Edit::Table(schema.id));
                tables.insert(
                    schema.id,
                    Arc::new(Table::new(schema.clone(), Vec::new(), Vec::new())),
                );
            }
        }
    }
    if facts.epoch > core.known.state().epoch {
        edits.push(Edit::Epoch(facts.epoch));
    }
    if is_again {
        // The manifest will say that the log is not replayed below where the former table of this id was dropped.
        core.log.synced(core.written()).await?;
    }
    // Known durably before its first write: a start tells tables that were dropped from those that never were, and
    // by the epoch a schema that never had them from one that has lost them.
    core.commit(edits).await?;
    // Flush periods may be others.
    core.flush_wanted.notify_one();
    let is_gone = |id: &TableId| {
        catalog
            .table_by_id(*id)
            .is_none_or(|table| !table.is_stored())
    };
    let gone: Vec<_> = tables
        .extract_if(.., |id, _| is_gone(id))
        .map(|(_, table)| table)
        .collect();
    let has_dropped = !gone.is_empty();
    core.set_tables(tables);
    for (index, table) in gone.iter().enumerate() {
        if let Err(error) = drop_table(core, table).await {
            keep(core, &gone[index..]);
            return Err(error);
        }
    }
    drop_forgotten(core).await?;
    drop(changing);
    if has_dropped {
        core.free_segments().await?;
    }
    for (id, at) in facts.truncations {
        if core.table(*id).is_ok() && truncate::is_due(core, *id, *at) {
            truncate::truncate(core, *id, *at).await?;
        }
    }
    Ok(())
}

/// Remembers tables that could not be dropped: following again drops them.
fn keep(core: &Core, tables: &[Arc<Table>]) {
    let mut all = Tables::clone(&core.tables());
    all.extend(tables.iter().map(|table| (table.id, table.clone())));
    core.set_tables(all);
}

/// Ends a table that nobody can look up any more, and removes its files.
async fn drop_table(core: &Arc<Core>, table: &Arc<Table>) -> Result<(), Error> {
    table.set_dropped();
    let _flushing = table.flushing.lock().await;
    let view = table.view();
    view.active.close(core.written());
    for generation in view.memtables() {
        generation.wait_for_writers().await;
    }
    // A compaction finds the table dropped at its next step, and leaves nothing.
    let _compacting = table.compacting.lock().await;
    let _listing = table.listing.lock().await;
    core.commit(vec![Edit::Dropped(table.id, core.written())])
        .await?;
    let bytes = table.memtable_bytes();
    let empty = Generation::new(1);
    table.update(|view| {
        let mut next = view.with_files(Vec::new());
        next.active = empty;
        next.flushing.clear();
        next.lost.clear();
        next
    });
    core.budget.release(bytes);
    let schema = table.schema();
    let (data, name) = (core.data.clone(), table::directory_name(&schema));
    let work = move || -> std::io::Result<()> {
        if !data.exists(&schema.keyspace)? {
            return Ok(());
        }
        let keyspace = data.dir(&schema.keyspace)?;
        if !keyspace.exists(&name)? {
            return Ok(());
        }
        open::remove_files(&*keyspace.dir(&name)?, |_| false)?;
        open::remove_if_empty(&*keyspace, &name);
        Ok(())
    };
    if let Err(error) = core.env.blocking(Class::Flush, work).await {
        tracing::warn!("files of a dropped table are left for the next start to remove: {error}");
    }
    Ok(())
}

/// Tables that the manifest has and the catalog had lost before this start: their files are gone already.
async fn drop_forgotten(core: &Arc<Core>) -> Result<(), Error> {
    let edits: Vec<_> = {
        let tables = core.tables();
        let known = core.known.state();
        let forgotten = known.tables.keys().filter(|id| !tables.contains_key(id));
        forgotten
            .map(|id| Edit::Dropped(*id, core.written()))
            .collect()
    };
    core.env
        .sometimes("drop: a start carries it out", !edits.is_empty());
    core.commit(edits).await
}
