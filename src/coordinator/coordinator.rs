//! The coordinator of one node.

use std::sync::Arc;

use base::env::Env;
use model::read::{Command, Rows};
use model::stream::Stream;
use schema::Table;
use schema::virtual_table::Cursor;
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
    pub fn read(&self, table: &Arc<Table>, command: Command) -> Result<Read, Error> {
        let stream: Box<dyn Stream> = if table.is_stored() {
            Box::new(self.shared.engine.read(&command)?)
        } else {
            let source = self.shared.registry.get(table.id).ok_or_else(|| {
                Error::Unavailable(format!(
                    "nothing computes the rows of {} on this node",
                    table.qualified_name()
                ))
            })?;
            Box::new(Cursor::new(source.clone(), &command))
        };
        Ok(Read::new(Rows::new(stream, command)))
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
