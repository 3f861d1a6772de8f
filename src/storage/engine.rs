//! The engine's handle: what the layers above call.

use std::sync::Arc;
use std::time::Duration;

use base::env::{Env, Task};
use model::read::Command;
use model::{TableId, Timestamp};

use crate::commitlog::{Position, Synced};
use crate::core::Core;
use crate::open::{self, Paths};
use crate::options::{DELAY_MAX, Options, SyncMode};
use crate::read::Cursor;
use crate::status::Status;
use crate::turn::Turn;
use crate::{Error, Facts, change, compaction, flush, truncate};

/// Local storage. Dropping it stops its tasks and writes nothing; [`Engine::drain`] stops it in order.
pub struct Engine {
    core: Arc<Core>,
    /// Dropped with the engine, which cancels them.
    _tasks: Vec<Task<()>>,
}

impl Engine {
    /// Opens what is under `paths`, or begins there, and replays the commit log. Facts older than those that were
    /// followed before are refused, and nothing is changed.
    pub async fn open(
        env: &Env,
        paths: Paths,
        options: Options,
        facts: Facts<'_>,
    ) -> Result<Arc<Engine>, Error> {
        let core = open::open(env, &paths, options, facts).await?;
        let core = Arc::new(core);
        let engine = Arc::new(Engine {
            _tasks: start_tasks(&core),
            core,
        });
        truncate::finish(&engine.core, facts.truncations).await?;
        engine.follow(facts).await?;
        engine.core.free_segments().await?;
        Ok(engine)
    }

    /// Follows the catalog: tables appear, change, and go with their files; truncations that are new are carried out.
    /// A table takes writes once this has returned.
    pub async fn follow(&self, facts: Facts<'_>) -> Result<(), Error> {
        change::follow(&self.core, facts).await
    }

    /// A turn for one connection, to be kept and used again.
    pub fn turn(&self) -> Turn {
        Turn::new(self.core.clone())
    }

    /// How long to wait before writing, because memtables or log are nearly full.
    pub fn delay(&self) -> Option<Duration> {
        // Waiting helps nobody when nothing more will be written.
        self.core.log.check_usable().ok()?;
        let log_delay = || self.core.log.is_short().then_some(DELAY_MAX);
        self.core.budget.delay().or_else(log_delay)
    }

    /// Whether writes at `position` are acknowledged only after a sync that has not happened yet.
    pub fn needs_sync(&self, position: Position) -> bool {
        self.core.log.waits() && self.core.log.synced_position() < position
    }

    /// Waits until writes at `position` may be acknowledged: in periodic mode not at all.
    pub fn synced(&self, position: Position) -> Synced {
        self.core.log.acknowledged(position)
    }

    /// Waits until `position` is durable, whatever the mode.
    pub fn durable(&self, position: Position) -> Synced {
        self.core.log.synced(position)
    }

    /// When writes are acknowledged.
    pub fn sync_mode(&self) -> SyncMode {
        self.core.log.mode()
    }

    /// A stream of what the command reads.
    pub fn read(&self, command: impl Into<Arc<Command>>) -> Result<Cursor, Error> {
        let mut cursor = Cursor::default();
        self.open_cursor(&mut cursor, command.into())?;
        Ok(cursor)
    }

    /// As [`Engine::read`], with a cursor that was used before, and its memory.
    pub fn open_cursor(&self, cursor: &mut Cursor, command: Arc<Command>) -> Result<(), Error> {
        let tables = self.core.tables();
        let Some(table) = tables.get(&command.table) else {
            return Err(Error::NoTable(command.table));
        };
        table.check_readable()?;
        cursor.open(table, command);
        Ok(())
    }

    /// Writes memtables to files: one table's, or all.
    pub async fn flush(&self, table: Option<TableId>) -> Result<(), Error> {
        flush::flush(&self.core, table).await
    }

    /// Merges all files of a table, or of each, into one.
    pub async fn compact(&self, table: Option<TableId>) -> Result<(), Error> {
        compaction::compact(&self.core, table).await
    }

    /// Drops what the table holds. What is written later is there, whatever its timestamp, also after a restart.
    pub async fn truncate(&self, table: TableId, at: Timestamp) -> Result<(), Error> {
        truncate::truncate(&self.core, table, at).await
    }

    /// Takes no more writes, gives up compactions, and writes everything to files. Reads go on.
    pub async fn drain(&self) -> Result<(), Error> {
        self.core.drain();
        let flushed = flush::flush(&self.core, None).await;
        let written = self.core.written();
        let synced = self.core.log.synced(written).await;
        self.core.log.stop().await;
        for table in self.core.all_tables() {
            // Whoever compacts sees the drain at its next step.
            drop(table.compacting.lock().await);
        }
        flushed.and(synced)
    }

    /// What storage holds and does.
    pub fn status(&self) -> Status {
        Status::of(&self.core)
    }
}

fn start_tasks(core: &Arc<Core>) -> Vec<Task<()>> {
    let env = &core.env;
    let mut tasks = vec![
        env.spawn("commitlog-relay", core.log.clone().relay()),
        env.spawn("commitlog-supply", core.log.clone().keep_supplied()),
        env.spawn("flush", flush::run(core.clone())),
        env.spawn("compaction", compaction::run(core.clone())),
    ];
    if let SyncMode::Periodic(period) = core.log.mode() {
        tasks.push(env.spawn(
            "commitlog-period",
            core.log.clone().sync_periodically(period),
        ));
    }
    tasks
}
