//! A node without its sockets, and a client that hands it requests: what a connection's turn does, and nothing around it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base::env::{Env, Task};
use bytes::{Bytes, BytesMut};
use coordinator::clock::Clock;
use coordinator::{Coordinator, Registry, Turn};
use futures_util::future::BoxFuture;
use metadata::{Local, Observer, State};
use protocol::frame::{Decoder, Envelope, Opcode};
use protocol::request::{self, Bindings, Execute, Parameters, Prepare, Query, Request, Value};
use protocol::response::{self, Response};
use protocol::result::Outcome;
use protocol::{Consistency, Version};
use query::{Apart, Output, Progress, Service, Session};
use storage::{Engine, Facts, SyncMode};
use tokio::runtime::Runtime;

/// Requests that share a turn, as pipelined requests do.
pub const REQUESTS_PER_TURN: u64 = 16;

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
        Box::pin(async move {
            let facts = facts(&state);
            self.0
                .follow(facts)
                .await
                .map_err(|error| error.to_string())
        })
    }
}

/// A service on a folder of its own.
pub struct Node {
    runtime: Runtime,
    engine: Arc<Engine>,
    service: Service,
    _metadata: Arc<Local>,
    _clock: Task<()>,
}

impl Node {
    /// Starts on an empty folder, with periodic sync.
    pub fn start(name: &str) -> Node {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let folder = folder(name);
        let (service, engine, metadata, clock) = runtime.block_on(open(&folder));
        Node {
            runtime,
            engine,
            service,
            _metadata: metadata,
            _clock: clock,
        }
    }

    /// Writes all memtables to files.
    pub fn flush(&self) {
        self.runtime
            .block_on(self.engine.flush(None))
            .expect("a flush");
    }
}

async fn open(folder: &Path) -> (Service, Arc<Engine>, Arc<Local>, Task<()>) {
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
        sync: SyncMode::Periodic(Duration::from_secs(10)),
        memtable_bytes_max: 1 << 30,
        auto_compaction: false,
        ..storage::Options::default()
    };
    let engine = Engine::open(&env, paths, options, facts(&state))
        .await
        .expect("an engine");
    metadata.add_observer(Arc::new(Follower(engine.clone())));
    let (clock, task) = Clock::open(&env, data).await.expect("a clock");
    let registry = Registry::new(Vec::new());
    let coordinator = Coordinator::new(
        env.clone(),
        engine.clone(),
        registry,
        clock,
        coordinator::Options::default(),
    );
    let service = Service::new(
        env,
        coordinator,
        metadata.clone(),
        query::Options::default(),
    );
    (service, engine, metadata, task)
}

/// An empty folder below target/tmp.
#[expect(
    clippy::disallowed_methods,
    reason = "the folder is emptied before there is an environment"
)]
fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("hot_paths-{name}"));
    let _ = std::fs::remove_dir_all(&folder);
    folder
}

/// One connection on v4.
pub struct Client {
    node: Node,
    session: Session,
    turn: Turn,
    out: Output,
}

impl Client {
    /// Connects.
    pub fn new(node: Node) -> Client {
        let (session, turn) = (node.service.session(Version::V4), node.service.turn());
        Client {
            node,
            session,
            turn,
            out: Output::default(),
        }
    }

    /// The node.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// Executes a text, and waits for its end.
    pub fn query(&mut self, text: &str) {
        let parameters = Parameters::new(Consistency::LocalOne);
        let envelope = self.request(&Request::Query(Query { text, parameters }));
        assert_ne!(
            envelope.opcode,
            Opcode::Error,
            "{text}: {:?}",
            response::decode(&envelope)
        );
    }

    /// Prepares a text: its id.
    pub fn prepare(&mut self, text: &str) -> Vec<u8> {
        let envelope = self.request(&Request::Prepare(Prepare {
            text,
            keyspace: None,
        }));
        match response::decode(&envelope).map(|received| received.response) {
            Ok(Response::Result(Outcome::Prepared(prepared))) => prepared.id.to_vec(),
            other => panic!("{text}: {other:?}"),
        }
    }

    fn request(&mut self, request: &Request<'_>) -> Envelope {
        self.turn.begin();
        let progress = self.node.service.start(
            &mut self.turn,
            &mut self.session,
            request,
            1,
            false,
            &mut self.out,
        );
        let answer = self.finish(progress);
        self.turn.commit().expect("the log takes it");
        let mut bytes = answer.unwrap_or_else(|| self.out.answers.split());
        bytes.extend_from_slice(&self.out.acknowledgements.split());
        let envelope = Decoder::of_responses().decode(&mut bytes);
        envelope.expect("a valid answer").expect("a whole answer")
    }

    fn finish(&mut self, mut progress: Progress) -> Option<BytesMut> {
        loop {
            progress = match progress {
                Progress::Answered | Progress::Acknowledged => return None,
                Progress::Later(later) => match self.node.runtime.block_on(later) {
                    Apart::Answer(answer) => return Some(answer),
                    Apart::Read(parked) => Progress::Parked(parked),
                },
                Progress::Parked(mut parked) => {
                    if let Some(wait) = parked.take_wait() {
                        self.node.runtime.block_on(wait);
                    }
                    self.turn.begin();
                    parked.resume(&mut self.turn, &mut self.out)
                }
            };
        }
    }

    /// Executes a request made by [`execute`]: the hot path. Turns begin and end as on a busy connection: after some
    /// requests, or when the turn's work is used up.
    pub fn execute(&mut self, body: &Bytes, number: u64) {
        if number.is_multiple_of(REQUESTS_PER_TURN) || self.turn.meter().exhausted() {
            self.end_turn();
            self.turn.begin();
        }
        let request =
            request::decode(Version::V4, 0, Opcode::Execute, body).expect("a valid request");
        let progress = self.node.service.start(
            &mut self.turn,
            &mut self.session,
            &request,
            1,
            false,
            &mut self.out,
        );
        self.finish(progress);
    }

    /// Ends the turn of the last requests.
    pub fn end_turn(&mut self) {
        self.turn.commit().expect("the log takes it");
        self.out.answers.clear();
        self.out.acknowledgements.clear();
        self.out.written.clear();
    }

    /// How many bytes of answers wait for the turn's end.
    pub fn answer_bytes(&self) -> usize {
        self.out.answers.len()
    }
}

/// The body of an EXECUTE with these values.
pub fn execute(id: &[u8], values: &[&[u8]]) -> Bytes {
    let values = Bindings::of(values.iter().map(|value| Value::Set(value)));
    let mut parameters = Parameters::new(Consistency::LocalOne);
    parameters.values = values.values();
    parameters.skip_metadata = true;
    let mut body = BytesMut::new();
    Request::Execute(Execute {
        id,
        result_metadata_id: None,
        parameters,
    })
    .encode_body(Version::V4, &mut body);
    body.freeze()
}
