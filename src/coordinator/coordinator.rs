//! The coordinator of one node.

use std::sync::Arc;

use base::env::Env;
use model::read::Command;
use schema::Table;
use storage::Engine;

use crate::clock::Clock;
use crate::error::Error;
use crate::options::Options;
use crate::queue::Queues;
use crate::read::Read;
use crate::registry::Registry;
use crate::turn::Turn;

/// Reads and writes at a consistency level. A clone is the same coordinator.
#[derive(Clone)]
pub struct Coordinator {
    shared: Arc<Shared>,
}

struct Shared {
    env: Env,
    engine: Arc<Engine>,
    registry: Registry,
    clock: Clock,
    queues: Queues,
    options: Options,
}

impl Coordinator {
    /// A coordinator over an open engine.
    pub fn new(
        env: Env,
        engine: Arc<Engine>,
        registry: Registry,
        clock: Clock,
        options: Options,
    ) -> Self {
        let queues = Queues::new(options.queue_length_max);
        Coordinator {
            shared: Arc::new(Shared {
                env,
                engine,
                registry,
                clock,
                queues,
                options,
            }),
        }
    }

    /// A turn for a connection, or for an operation on its own.
    pub fn turn(&self) -> Turn {
        Turn::new(self.clone())
    }

    /// The live rows of `command` on `table`.
    pub fn read(&self, table: &Table, command: Command) -> Result<Read, Error> {
        let mut read = Read::default();
        *read.command_mut() = command;
        self.begin(&mut read, table)?;
        Ok(read)
    }

    /// Begins a read whose command was filled in ([`Read::command_mut`]), with the memory of those it was used for before.
    pub fn begin(&self, read: &mut Read, table: &Table) -> Result<(), Error> {
        read.begin(table, &self.shared.engine, &self.shared.registry)
    }

    /// Waits until the log is synced up to a position, if the log's mode promises that.
    pub fn synced(
        &self,
        position: storage::Position,
    ) -> impl Future<Output = Result<(), Error>> + Send + 'static {
        let synced = self.shared.engine.synced(position);
        async move { Ok(synced.await?) }
    }

    /// Whether an acknowledgement of writes up to this position has to wait for a sync.
    pub fn needs_sync(&self, position: storage::Position) -> bool {
        self.shared.engine.needs_sync(position)
    }

    /// The next timestamp of the hybrid clock for this wall time, in microseconds.
    pub fn timestamp(&self, wall_micros: i64) -> Result<i64, Error> {
        self.shared.clock.next(wall_micros)
    }

    /// The queues of operations that read before they write.
    pub fn queues(&self) -> &Queues {
        &self.shared.queues
    }

    /// The storage engine.
    pub fn engine(&self) -> &Arc<Engine> {
        &self.shared.engine
    }

    /// The node's environment.
    pub fn env(&self) -> &Env {
        &self.shared.env
    }

    /// The options.
    pub fn options(&self) -> &Options {
        &self.shared.options
    }
}
