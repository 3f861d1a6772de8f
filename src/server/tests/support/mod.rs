//! A whole node with its listener in a simulated environment, and a raw client that sees answers in their order.

#![allow(dead_code, reason = "each test binary uses its part")]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base::env::{BoxFuture, Env, Stream, Task};
use bytes::{Buf, BytesMut};
use coordinator::clock::Clock;
use coordinator::{Coordinator, Registry};
use metadata::{Committer, Local, Observer, State};
use protocol::client::{Client, Options as ClientOptions, Page};
use protocol::compress::Compression;
use protocol::frame::{Decoder, Envelope, Opcode};
use protocol::request::{Parameters, Query, Request, Startup};
use protocol::response::{self, Response};
use protocol::version::Version;
use protocol::{Consistency, Error};
use query::Service;
use schema::system_schema;
use schema::virtual_table::Source;
use server::{Clients, Options, Server};
use storage::{Engine, Facts, SyncMode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

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
            let applied = self.0.follow(facts).await;
            applied.map_err(|error| error.to_string())
        })
    }
}

/// A node and its listener.
pub struct Node {
    pub env: Env,
    pub engine: Arc<Engine>,
    pub server: Server,
    _clock: Task<()>,
}

/// What a test changes of a node.
pub struct Settings {
    pub server: Options,
    pub sync: SyncMode,
    pub read_timeout: Duration,
    pub folder: PathBuf,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            server: Options {
                address: "127.0.0.1:9042".parse().expect("an address"),
                ..Options::default()
            },
            sync: SyncMode::Group,
            read_timeout: Duration::from_secs(5),
            folder: "/node".into(),
        }
    }
}

impl Node {
    /// A node on an empty disk.
    pub async fn start(env: &Env, settings: Settings) -> Node {
        let folder = &settings.folder;
        let data = env.make_dirs(folder).expect("a folder");
        let metadata = Local::open(env, data.clone(), metadata::Options::default())
            .await
            .expect("metadata");
        let state = metadata.state();
        let paths = storage::Paths {
            data: folder.join("data"),
            commit_log: folder.join("commitlog"),
        };
        let options = storage::Options {
            segment_bytes: 1 << 20,
            sync: settings.sync,
            ..storage::Options::default()
        };
        let engine = Engine::open(env, paths, options, facts(&state))
            .await
            .expect("an engine");
        metadata.add_observer(Arc::new(Follower(engine.clone())));
        let (clock, task) = Clock::open(env, data).await.expect("a clock");
        let clients = Clients::new();
        let registry = Registry::new(sources(&metadata, &clients));
        let options = coordinator::Options {
            read_timeout: settings.read_timeout,
            ..coordinator::Options::default()
        };
        let coordinator = Coordinator::new(env.clone(), engine.clone(), registry, clock, options);
        let service = Service::new(
            env.clone(),
            coordinator,
            metadata,
            query::Options::default(),
        );
        let server = Server::start(env.clone(), service, settings.server, clients)
            .await
            .expect("a listener");
        Node {
            env: env.clone(),
            engine,
            server,
            _clock: task,
        }
    }

    /// A stream to the listener.
    pub async fn connect(&self) -> Stream {
        self.env
            .connect(self.server.local_addr())
            .await
            .expect("the listener accepts")
    }

    /// A client that has opened its connection.
    pub async fn client(&self, options: ClientOptions) -> Client<Stream> {
        Client::open(self.connect().await, options)
            .await
            .expect("a handshake")
    }

    /// A raw client after STARTUP, v4 without compression.
    pub async fn raw(&self, startup: &[(&str, &str)]) -> Raw {
        let mut raw = Raw::new(self.connect().await);
        let mut options = vec![("CQL_VERSION", "3.4.7")];
        options.extend_from_slice(startup);
        raw.request(&Request::Startup(Startup::new(options)), 0)
            .await;
        assert_eq!(raw.next().await.opcode, Opcode::Ready);
        raw
    }

    /// Creates the table `ks.t (k int, c int, v text)`.
    pub async fn with_table(&self) -> Client<Stream> {
        let mut client = self.client(ClientOptions::default()).await;
        for text in [
            "CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
            "CREATE TABLE ks.t (k int, c int, v text, PRIMARY KEY (k, c))",
        ] {
            client.run(text).await.expect("a schema change");
        }
        client
    }
}

fn sources(metadata: &Arc<Local>, clients: &Arc<Clients>) -> Vec<Arc<dyn Source>> {
    let committer: Arc<dyn Committer> = metadata.clone();
    let catalog = metadata.clone();
    let latest: system_schema::Latest = Arc::new(move || catalog.state().catalog.clone());
    let mut sources = metadata::system::sources(&committer, metadata.number());
    sources.extend(system_schema::sources(&latest));
    sources.push(clients.clone());
    sources
}

/// A client that sends any bytes and receives envelopes in the order in which they come.
pub struct Raw {
    pub stream: Stream,
    input: BytesMut,
    decoder: Decoder,
}

impl Raw {
    /// Over a new stream.
    pub fn new(stream: Stream) -> Raw {
        Raw {
            stream,
            input: BytesMut::new(),
            decoder: Decoder::of_responses(),
        }
    }

    /// From now on, answers may be compressed so.
    pub fn decoder_uses(&mut self, compression: Compression) {
        self.decoder.use_compression(compression);
    }

    /// Sends bytes. What a closed connection does not take is gone.
    pub async fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes).await;
    }

    /// Sends a request in version 4.
    pub async fn request(&mut self, request: &Request<'_>, stream: i16) {
        let mut bytes = BytesMut::new();
        request.encode(Version::V4, 0, stream, &mut bytes);
        self.send(&bytes).await;
    }

    /// The next envelope, or none at the end.
    pub async fn try_next(&mut self) -> Option<Envelope> {
        loop {
            let next = self
                .decoder
                .decode(&mut self.input)
                .expect("the server speaks the protocol");
            if next.is_some() {
                return next;
            }
            match self.stream.read_buf(&mut self.input).await {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// The next envelope.
    pub async fn next(&mut self) -> Envelope {
        self.try_next().await.expect("an answer")
    }

    /// The next envelope, which must be an error.
    pub async fn next_error(&mut self) -> (i16, Error, String) {
        let envelope = self.next().await;
        error_of(&envelope).unwrap_or_else(|| panic!("{:?} is no error", envelope.opcode))
    }

    /// Whether the server closes the connection within this time, whatever it sends before.
    pub async fn is_closed_within(&mut self, env: &Env, time: Duration) -> bool {
        env.timeout(time, async {
            let mut bytes = [0; 4096];
            while !matches!(self.stream.read(&mut bytes).await, Ok(0) | Err(_)) {}
        })
        .await
        .is_some()
    }

    /// Bytes that came and are no whole envelope yet.
    pub fn held_bytes(&self) -> usize {
        self.input.remaining()
    }
}

/// Stream, error and words of an envelope with an error.
pub fn error_of(envelope: &Envelope) -> Option<(i16, Error, String)> {
    match response::decode(envelope)
        .expect("the server speaks the protocol")
        .response
    {
        Response::Error(error, message) => Some((envelope.stream, error, message.to_owned())),
        _ => None,
    }
}

/// A QUERY of this text at level ONE.
pub fn query(text: &str) -> Request<'_> {
    Request::Query(Query {
        text,
        parameters: Parameters::new(Consistency::One),
    })
}

/// The first column of the rows, as text.
pub fn texts(page: &Page) -> Vec<String> {
    let first = page
        .rows
        .iter()
        .map(|row| row[0].clone().unwrap_or_default());
    first
        .map(|cell| String::from_utf8_lossy(&cell).into_owned())
        .collect()
}
