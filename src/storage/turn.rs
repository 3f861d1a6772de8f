//! A turn: the writes of one connection that go to the log together.
//!
//! 1. Each mutation is encoded straight into the turn's frame ([`Turn::mutate`]), and finished by [`Write::finish`].
//! 2. [`Turn::commit`] counts itself into the memtables of all tables written to, appends the frames to the log, applies
//!    the same bytes to the memtables, and leaves. If the append fails nothing was applied. All of this happens behind
//!    the engine's gate, which a truncation closes for a moment to know where the log ends for its table.
//! 3. The answer waits for the position returned: [`Engine::synced`](crate::Engine::synced).
//!
//! A turn is kept and used again, with its buffers.

use std::ops::{Deref, DerefMut, Range};
use std::sync::Arc;

use base::meter::Meter;
use model::mutation::{self, Encoder};
use model::{PartitionKeyRef, TableId};

use crate::Error;
use crate::commitlog::{Frames, Position};
use crate::core::Core;
use crate::generation::Generation;
use crate::table::Table;

/// Tables that a turn remembers beyond its commit, so that the next one need not look them up.
const TABLES_KEPT_MAX: usize = 16;

/// The writes of one turn. Made by [`Engine::turn`](crate::Engine::turn).
pub struct Turn {
    core: Arc<Core>,
    frames: Frames,
    records: Vec<Record>,
    tables: Vec<Target>,
    /// The mutation being encoded.
    open: Option<Open>,
    /// How many records there were when the batch began.
    batch: Option<usize>,
    /// What the turn has done.
    pub meter: Meter,
}

struct Record {
    table: usize,
    mutation: Range<usize>,
}

struct Target {
    table: Arc<Table>,
    /// The memtable this turn is counted into.
    generation: Option<Arc<Generation>>,
    /// The table was dropped since the mutations were encoded: they go with it.
    is_gone: bool,
}

struct Open {
    table: usize,
    is_finished: bool,
}

/// A mutation being encoded. It counts only once it is finished.
pub struct Write<'a> {
    encoder: Encoder<'a>,
    table: &'a Table,
    is_finished: &'a mut bool,
    bytes_max: usize,
}

impl<'a> Deref for Write<'a> {
    type Target = Encoder<'a>;

    fn deref(&self) -> &Encoder<'a> {
        &self.encoder
    }
}

impl<'a> DerefMut for Write<'a> {
    fn deref_mut(&mut self) -> &mut Encoder<'a> {
        &mut self.encoder
    }
}

impl Write<'_> {
    /// Ends the mutation: its length in bytes. One beyond a limit leaves nothing behind, nor does one that adds to a row
    /// that takes no more.
    pub fn finish(self) -> Result<usize, Error> {
        self.table.check_large_rows(&self.encoder.view())?;
        let bytes = self
            .encoder
            .finish()
            .map_err(|error| Error::Invalid(error.to_string()))?;
        if bytes > self.bytes_max {
            return Err(Error::Invalid(format!(
                "Mutation of {bytes} bytes is too large for the maximum size of {}",
                self.bytes_max
            )));
        }
        *self.is_finished = true;
        Ok(bytes)
    }

    /// Takes the mutation back.
    pub fn abandon(self) {
        self.encoder.abandon();
    }
}

impl Turn {
    pub(crate) fn new(core: Arc<Core>) -> Turn {
        let frames = Frames::new(core.options.frame_bytes_max());
        Turn {
            core,
            frames,
            records: Vec::new(),
            tables: Vec::new(),
            open: None,
            batch: None,
            meter: Meter::default(),
        }
    }

    /// Begins a mutation of one partition.
    pub fn mutate(&mut self, table: TableId, key: PartitionKeyRef<'_>) -> Result<Write<'_>, Error> {
        self.settle()?;
        self.core.check_writable()?;
        let index = self.target(table)?;
        let bytes_max = self.core.options.frame_bytes_max();
        let open = self.open.insert(Open {
            table: index,
            is_finished: false,
        });
        let encoder = Encoder::new(self.frames.begin_record(), table, key);
        Ok(Write {
            encoder,
            table: &self.tables[index].table,
            is_finished: &mut open.is_finished,
            bytes_max,
        })
    }

    /// From here on mutations share one frame: after a crash all of them are there, or none.
    pub fn begin_batch(&mut self) -> Result<(), Error> {
        self.settle()?;
        self.frames.begin_batch();
        self.batch = Some(self.records.len());
        Ok(())
    }

    /// Ends the batch. One that is too large is taken back as a whole.
    pub fn end_batch(&mut self) -> Result<(), Error> {
        self.settle()?;
        let ended = self.frames.end_batch();
        if let (Some(records), Err(_)) = (self.batch.take(), &ended) {
            self.records.truncate(records);
        }
        ended
    }

    /// Takes back the mutations since the batch began.
    pub fn abandon_batch(&mut self) {
        self.open = None;
        self.frames.abandon_batch();
        if let Some(records) = self.batch.take() {
            self.records.truncate(records);
        }
    }

    /// Whether there is nothing to commit.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && !self.open.as_ref().is_some_and(|open| open.is_finished)
    }

    /// Forgets all mutations that were not committed.
    pub fn clear(&mut self) {
        self.frames.clear();
        self.records.clear();
        self.open = None;
        self.batch = None;
    }

    /// Writes the turn's mutations to the log, applies them, and says which position must be synced before they are
    /// acknowledged. After an error nothing was applied, and all of them are forgotten.
    pub fn commit(&mut self) -> Result<Option<Position>, Error> {
        let result = self.write();
        self.clear();
        if self.tables.len() > TABLES_KEPT_MAX {
            self.tables.clear();
        }
        result
    }

    fn write(&mut self) -> Result<Option<Position>, Error> {
        self.settle()?;
        if self.records.is_empty() {
            return Ok(None);
        }
        self.core.check_running()?;
        let core = self.core.clone();
        let _gate = core.gate.read();
        self.enter();
        let appended = core.log.append(self.frames.finish());
        if appended.is_ok()
            || core
                .env
                .mutant("turn: applied though the log has refused it")
        {
            self.apply();
        }
        self.leave();
        appended.map(Some)
    }

    /// Counts the turn into the memtables of its tables. What is for a table that was dropped meanwhile is made void:
    /// it would be gone anyway, and takes nothing else of the turn with it.
    fn enter(&mut self) {
        let written = self.core.written();
        for record in &self.records {
            let target = &mut self.tables[record.table];
            if target.generation.is_none() {
                let generation = target.generation.insert(target.table.enter());
                // Counted in first: who drops the table waits for those that are, and the rest see it here.
                target.is_gone = target.table.is_dropped();
                if !target.is_gone {
                    generation.note(written);
                }
            }
            if target.is_gone {
                self.frames.void(record.mutation.clone());
            }
        }
    }

    fn apply(&mut self) {
        let mut grown = 0u64;
        for record in &self.records {
            let target = &self.tables[record.table];
            let Some(generation) = target.generation.as_ref().filter(|_| !target.is_gone) else {
                continue;
            };
            let mutation = mutation::View::new(self.frames.record(record.mutation.clone()));
            let row_bytes_max = self.core.options.row_bytes_max;
            let table = &target.table;
            let more = table.apply(&*generation.memtable, &mutation, row_bytes_max);
            grown = grown.wrapping_add(more);
        }
        self.core.budget.add(grown);
        // Chunks are large: most commits grow nothing, and need not look at the whole.
        if grown != 0 && self.core.budget.wants_flush(self.core.budget.used(), 0) {
            self.core.flush_wanted.notify_one();
        }
    }

    fn leave(&mut self) {
        for target in &mut self.tables {
            if let Some(generation) = target.generation.take() {
                generation.leave();
            }
        }
    }

    /// Ends the mutation being encoded, or takes it back if it was not finished.
    fn settle(&mut self) -> Result<(), Error> {
        let Some(open) = self.open.take() else {
            return Ok(());
        };
        if !open.is_finished {
            self.frames.abandon_record();
            return Ok(());
        }
        let mutation = self.frames.end_record()?;
        self.records.push(Record {
            table: open.table,
            mutation,
        });
        Ok(())
    }

    /// The table's place among the turn's tables.
    fn target(&mut self, id: TableId) -> Result<usize, Error> {
        // One that was dropped may have been made again under its id.
        let is_it = |target: &Target| target.table.id == id && !target.table.is_dropped();
        if let Some(index) = self.tables.iter().position(is_it) {
            return Ok(index);
        }
        let table = self.core.table(id)?;
        self.tables.push(Target {
            table,
            generation: None,
            is_gone: false,
        });
        Ok(self.tables.len() - 1)
    }
}
