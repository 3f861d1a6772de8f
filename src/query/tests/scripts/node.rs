//! A node without its sockets: metadata log, engine, coordinator and query service on one folder.

use std::path::Path;
use std::sync::Arc;

use base::env::{Env, Task};
use coordinator::clock::Clock;
use coordinator::{Coordinator, Guard, Registry};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use metadata::{Committer, Local, Observer, State};
use query::{Options, Service};
use schema::virtual_table::Source;
use storage::{Engine, Facts};

fn facts(state: &State) -> Facts<'_> {
    Facts {
        epoch: state.epoch.0,
        catalog: &state.catalog,
        truncations: &state.truncations,
    }
}

/// Storage follows the catalog.
struct Follower(Arc<Engine>);

impl Observer for Follower {
    fn applied(&self, state: &Arc<State>) -> BoxFuture<'_, Result<(), String>> {
        let state = state.clone();
        async move {
            let facts = facts(&state);
            self.0
                .follow(facts)
                .await
                .map_err(|error| error.to_string())
        }
        .boxed()
    }
}

pub struct Node {
    engine: Arc<Engine>,
    pub service: Service,
    metadata: Arc<Local>,
    _clock: Task<()>,
}

impl Node {
    pub async fn start(folder: &Path) -> Node {
        let env = Env::real();
        let data = env.make_dirs(folder).expect("a folder");
        let metadata = Local::open(&env, data.clone(), metadata::Options::default())
            .await
            .expect("metadata");
        let state = metadata.state();
        let paths = storage::Paths {
            data: folder.join("data"),
            commit_log: folder.join("commitlog"),
        };
        let options = storage::Options {
            segment_bytes: 1 << 20,
            ..storage::Options::default()
        };
        let engine = Engine::open(&env, paths, options, facts(&state))
            .await
            .expect("an engine");
        metadata.add_observer(Arc::new(Follower(engine.clone())));
        let (clock, task) = Clock::open(&env, data).await.expect("a clock");
        let committer: Arc<dyn Committer> = metadata.clone();
        let catalog = metadata.clone();
        let mut sources: Vec<Arc<dyn Source>> =
            metadata::system::sources(&committer, metadata.number());
        sources.extend(schema::system_schema::sources(
            &(Arc::new(move || catalog.state().catalog.clone()) as schema::system_schema::Latest),
        ));
        let registry = Registry::new(sources);
        let coordinator = Coordinator::new(
            env.clone(),
            engine.clone(),
            registry,
            clock,
            coordinator::Options::default(),
        );
        let service = Service::new(env, coordinator, metadata.clone(), service_options());
        Node {
            engine,
            service,
            metadata,
            _clock: task,
        }
    }

    /// Holds the queue of a partition, as a modification does that takes its time.
    pub async fn hold(&self, keyspace: &str, table: &str, key: &[u8]) -> Guard {
        let catalog = self.metadata.state().catalog.clone();
        let table = catalog.table(keyspace, table).expect("a table").id;
        let queues = self.service.coordinator().queues();
        queues.enter(table, key).await.expect("nobody is there")
    }

    pub fn engine(&self) -> Arc<Engine> {
        self.engine.clone()
    }
}

/// Bounds on dead rows that a script can reach.
fn service_options() -> Options {
    Options {
        dead_rows_warn: 20,
        dead_rows_fail: 40,
        ..Options::default()
    }
}
