//! A node: every service, built in order and given what it depends on.
//!
//! Starting goes from what can fail without a trace to what serves:
//! 1. the ports, so that a second node on them changes nothing;
//! 2. the directories: ours or empty, locked (`directories`);
//! 3. the metadata log, which gives identity and schema: not one older than what storage has followed;
//! 4. storage, which replays its log; from here on it follows the schema, before anyone else sees a change;
//! 5. the log's lines of changes (`news`), clock, virtual tables (`sources`), coordinator, query;
//! 6. the listeners, for clients and for operators (`operations`).
//!
//! Stopping goes the other way, in [`Node::drain`]. Dropping a node ends its
//! tasks and writes nothing, as if the process had been killed.
//!
//! There are no globals: two nodes can live in one process, on a real or a simulated environment. A node reads no file
//! of settings and sets up no log; that is for who starts it.

mod directories;
mod error;
mod mark;
mod news;
mod operations;
mod options;
mod ready;
mod sources;
mod target;
#[cfg(test)]
mod tests;
mod views;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use base::env::{BoxFuture, Class, Dir, Env, Listener, Task};
use coordinator::Coordinator;
use coordinator::clock::{Clock, format::FILE_NAME as CLOCK_FILE};
use metadata::{Epoch, Local, Observer, State};
use schema::system;
use server::{Clients, Server};
use storage::{Engine, Facts};

use crate::config::Settings;
use directories::Directories;
use operations::Operations;

pub use error::Error;
pub use ready::Ready;

/// A running node.
pub struct Node {
    ready: Ready,
    operations: Arc<Operations>,
    admin: admin::Running,
    _clock_task: Task<()>,
    _news_task: Task<()>,
    _directories: Directories,
}

impl Node {
    /// Starts a node; when this returns it serves.
    pub async fn start(env: Env, settings: Settings) -> Result<Node, Error> {
        let native = bind(&env, settings.native_transport(), "native_transport_port").await?;
        let admin = bind(&env, settings.admin(), "admin_port").await?;
        let native_address = address(&*native, settings.native_transport())?;
        let directories = directories::open(&env, &settings).await?;

        let paths = options::paths(&settings);
        let followed = storage::followed_epoch(&env, &paths).await?;
        let metadata_options = metadata::Options {
            epoch_min: Epoch(followed.unwrap_or_default()),
            ..options::metadata(&settings, native_address)
        };
        let metadata = Local::open(&env, directories.metadata.clone(), metadata_options).await?;
        let state = metadata.state();
        if followed.is_none() {
            refuse_lost_storage(&state, &paths)?;
        }
        let engine = Engine::open(&env, paths, options::storage(&settings), facts(&state)).await?;
        metadata.add_observer(Arc::new(StorageFollows {
            env: env.clone(),
            engine: engine.clone(),
        }));

        let news = news::write(metadata.clone(), metadata.subscribe());
        let news_task = env.spawn("news", news);

        let root = directories.root.clone();
        if !metadata.is_new() {
            warn_of_lost_clock(&env, root.clone()).await;
        }
        let (clock, clock_task) = Clock::open(&env, root)
            .await
            .map_err(|error| Error::directory(&settings.data_dir.join(CLOCK_FILE), error))?;
        let clients = Clients::new();
        let registry = sources::registry(&metadata, &engine, &clients, &settings);
        let coordinator_options = options::coordinator(&settings);
        let coordinator = Coordinator::new(
            env.clone(),
            engine.clone(),
            registry,
            clock.clone(),
            coordinator_options,
        );
        let service = query::Service::new(
            env.clone(),
            coordinator,
            metadata.clone(),
            options::query(&settings),
        );

        let listening = Server::on(
            env.clone(),
            native,
            service,
            options::server(&settings),
            clients,
        );
        let server =
            listening.map_err(|source| port(native_address, "native_transport_port", source))?;
        let ready = Ready {
            native: native_address,
            chosen_admin: (settings.admin_port == 0)
                .then(|| address(&*admin, settings.admin()))
                .transpose()?,
            data_dir: settings.data_dir.clone(),
            tables: (!metadata.is_new()).then(|| user_tables(&state)),
        };
        let operations = Arc::new(Operations {
            ready_at: env.mono(),
            env: env.clone(),
            metadata,
            engine,
            server,
            clock,
            data_dir: settings.data_dir.display().to_string(),
            drain_time: options::drain_time(&settings),
            draining: operations::Draining::default(),
        });
        let admin = admin::serve(&env, admin, operations.clone())
            .map_err(|source| port(settings.admin(), "admin_port", source))?;
        Ok(Node {
            ready,
            operations,
            admin,
            _clock_task: clock_task,
            _news_task: news_task,
            _directories: directories,
        })
    }

    /// The line that says it is ready.
    pub fn ready(&self) -> &Ready {
        &self.ready
    }

    /// Where clients connect, with the port in use.
    pub fn native_address(&self) -> SocketAddr {
        self.ready.native
    }

    /// Where operators connect, with the port in use.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin.address()
    }

    /// Takes no more requests, finishes those that were begun, writes everything to files. Health is answered on.
    pub async fn drain(&self) -> Result<(), Error> {
        Ok(self.operations.drain().await?)
    }

    /// Drains, and ends everything.
    pub async fn stop(self) -> Result<(), Error> {
        self.drain().await
    }
}

/// Each start of a node that is not new finds the clock's file.
async fn warn_of_lost_clock(env: &Env, root: Arc<dyn Dir>) {
    let look = move || {
        if matches!(root.exists(CLOCK_FILE), Ok(false)) {
            coordinator::clock::warn_of_loss(&*root, "missing");
        }
    };
    env.blocking(Class::General, look).await;
}

async fn bind(
    env: &Env,
    address: SocketAddr,
    setting: &'static str,
) -> Result<Box<dyn Listener>, Error> {
    env.bind(address)
        .await
        .map_err(|source| port(address, setting, source))
}

fn address(listener: &dyn Listener, asked: SocketAddr) -> Result<SocketAddr, Error> {
    listener
        .local_addr()
        .map_err(|source| port(asked, "native_transport_port", source))
}

fn port(address: SocketAddr, setting: &'static str, source: std::io::Error) -> Error {
    Error::Port {
        address,
        setting,
        source,
    }
}

fn user_tables(state: &State) -> usize {
    let of_users = |table: &&Arc<schema::Table>| !system::is_system(&table.keyspace);
    state.catalog.tables().filter(of_users).count()
}

/// Tables are made only once storage is there: one that is gone was not a new node's.
fn refuse_lost_storage(state: &State, paths: &storage::Paths) -> Result<(), Error> {
    let tables = user_tables(state);
    if tables == 0 {
        return Ok(());
    }
    Err(Error::Mismatch {
        path: paths.data.clone(),
        what: format!(
            "the manifest is missing, though the metadata log has {tables} tables; mount or restore the directory, or \
             start on an empty one with --data-dir"
        ),
    })
}

fn facts(state: &State) -> Facts<'_> {
    Facts {
        epoch: state.epoch.0,
        catalog: &state.catalog,
        truncations: &state.truncations,
    }
}

/// Storage has a table before the first write to it can come.
struct StorageFollows {
    env: Env,
    engine: Arc<Engine>,
}

/// Between attempts of storage to follow: a full disk may have room again.
const FOLLOW_RETRY: Duration = Duration::from_secs(1);

impl Observer for StorageFollows {
    fn applied(&self, state: &Arc<State>) -> BoxFuture<'_, Result<(), String>> {
        let state = state.clone();
        Box::pin(async move {
            loop {
                match self.engine.follow(facts(&state)).await {
                    Err(error @ storage::Error::Io(_)) => {
                        tracing::error!(
                            "storage cannot follow the schema: {error}; trying again in a second"
                        );
                        self.env.sleep(FOLLOW_RETRY).await;
                    }
                    followed => return followed.map_err(|error| error.to_string()),
                }
            }
        })
    }
}
