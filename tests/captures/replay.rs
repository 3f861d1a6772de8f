//! Replays a capture against a node and writes down the dialogue.
//!
//! Steps are taken one by one: after each unit, the answers to all of its requests are awaited before the next is sent, so the
//! dialogue is the same in every run. A schema change is also awaited as an event on every connection that registered for it.
//!
//! In the dialogue, `N>` is a request on connection N, `N<` its answer, `N!` an event.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use base::env::{Env, Stream};
use bytes::BytesMut;
use protocol::Version;
use protocol::compress::Compression;
use protocol::event::{Event, Kind};
use protocol::frame::{Decoder, EVENT_STREAM, Envelope, Failure};
use protocol::request::{self, Request};
use protocol::response::{self, Response};
use protocol::result::Outcome;
use protocol::segment;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::capture::Step;
use super::render::Renderer;

/// Far more than a driver ever sends in its first second.
const REQUEST_BYTES_MAX: usize = 1 << 20;
/// Far beyond what an answer takes, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// The dialogue of a capture with the node at this address.
pub async fn replay(env: &Env, node: SocketAddr, steps: &[Step]) -> String {
    let mut replay = Replay {
        connections: BTreeMap::new(),
        renderer: Renderer::new(node.port()),
        lines: Vec::new(),
    };
    for step in steps {
        match step {
            Step::Open(number) => {
                let stream = env.connect(node).await.expect("the node listens");
                replay
                    .connections
                    .insert(*number, Connection::new(env.clone(), stream));
                replay.say(*number, " ", &["open".into()]);
            }
            Step::Send(number, unit) => replay.send(*number, unit).await,
            Step::Close(number) => {
                replay.connections.remove(number);
                replay.say(*number, " ", &["close".into()]);
            }
        }
    }
    replay.lines.join("\n") + "\n"
}

struct Replay {
    connections: BTreeMap<usize, Connection>,
    renderer: Renderer,
    lines: Vec<String>,
}

impl Replay {
    fn say(&mut self, number: usize, sign: &str, lines: &[String]) {
        let lines = lines.iter().flat_map(|line| line.lines());
        self.lines
            .extend(lines.map(|line| format!("{number}{sign} {line}").trim_end().to_owned()));
    }

    async fn send(&mut self, number: usize, unit: &[u8]) {
        let connection = self
            .connections
            .get_mut(&number)
            .expect("the capture was checked");
        let asked = connection.requests_in(unit);
        connection
            .stream
            .write_all(unit)
            .await
            .expect("the node reads");
        for asked in asked {
            self.answer(number, asked).await;
        }
    }

    async fn answer(&mut self, number: usize, asked: Asked) {
        let connection = self.connections.get_mut(&number).expect("it was there");
        let answer = connection.answer(asked.stream()).await;
        match asked {
            Asked::OtherVersion { version, .. } => {
                connection.await_end().await;
                let answer = self.renderer.answer(&answer, None);
                self.say(number, ">", &[format!("version {version}")]);
                self.say(number, "<", &answer);
                self.say(number, "<", &["closed".into()]);
            }
            Asked::Request(envelope) => {
                let request = request::decode(
                    envelope.version,
                    envelope.flags,
                    envelope.opcode,
                    &envelope.body,
                );
                let request = request.expect("drivers send well-formed requests");
                connection.follow(&request, &answer);
                let question = self.renderer.request(&request);
                let lines = self.renderer.answer(&answer, Some(&request));
                self.say(number, ">", &[question]);
                self.say(number, "<", &lines);
                if is_schema_change(&answer) {
                    self.await_events().await;
                }
            }
        }
    }

    async fn await_events(&mut self) {
        let mut told = Vec::new();
        for (number, connection) in &mut self.connections {
            if connection.hears_of_schema {
                told.push((*number, self.renderer.event(&connection.event().await)));
            }
        }
        for (number, line) in told {
            self.say(number, "!", &[line]);
        }
    }
}

/// A request, or the beginning of one in a version that is not spoken.
enum Asked {
    Request(Envelope),
    OtherVersion { stream: i16, version: u8 },
}

impl Asked {
    fn stream(&self) -> i16 {
        match self {
            Asked::Request(envelope) => envelope.stream,
            Asked::OtherVersion { stream, .. } => *stream,
        }
    }
}

/// One connection: it sends bytes as they are, and understands what goes to and fro.
struct Connection {
    env: Env,
    stream: Stream,
    requests: Decoder,
    answers: Decoder,
    input: BytesMut,
    /// Answers that came while another was awaited.
    early: BTreeMap<i16, Envelope>,
    events: VecDeque<Event>,
    hears_of_schema: bool,
}

impl Connection {
    fn new(env: Env, stream: Stream) -> Connection {
        Connection {
            env,
            stream,
            requests: Decoder::of_requests(REQUEST_BYTES_MAX),
            answers: Decoder::of_responses(),
            input: BytesMut::new(),
            early: BTreeMap::new(),
            events: VecDeque::new(),
            hears_of_schema: false,
        }
    }

    fn requests_in(&mut self, unit: &[u8]) -> Vec<Asked> {
        let mut bytes = BytesMut::from(unit);
        let mut found = Vec::new();
        loop {
            match self.requests.decode(&mut bytes) {
                Ok(Some(envelope)) => found.push(Asked::Request(envelope)),
                Ok(None) => return found,
                Err(Failure::UnsupportedVersion { stream, .. }) => {
                    found.push(Asked::OtherVersion {
                        stream,
                        version: unit[0],
                    });
                    return found;
                }
                Err(failure) => panic!("the capture is damaged: {failure}"),
            }
        }
    }

    /// Takes over what a request and its answer agree on.
    fn follow(&mut self, request: &Request<'_>, answer: &Envelope) {
        match request {
            Request::Startup(startup) => {
                let compression = startup
                    .compression(answer.version)
                    .expect("a driver's options");
                match (answer.version, compression) {
                    (Version::V4, None) => {}
                    (Version::V4, Some(compression)) => {
                        self.requests.use_compression(compression);
                        self.answers.use_compression(compression);
                    }
                    (Version::V5, compression) => self.use_segments(compression),
                }
            }
            Request::Register(kinds) => self.hears_of_schema |= kinds.contains(&Kind::SchemaChange),
            _ => {}
        }
    }

    fn use_segments(&mut self, compression: Option<Compression>) {
        let format = match compression {
            Some(_) => segment::Format::Lz4,
            None => segment::Format::Uncompressed,
        };
        self.requests.use_segments(format);
        self.answers.use_segments(format);
    }

    async fn answer(&mut self, stream: i16) -> Envelope {
        loop {
            if let Some(envelope) = self.early.remove(&stream) {
                return envelope;
            }
            assert!(
                self.receive().await,
                "the node closed the connection instead of answering on stream {stream}"
            );
        }
    }

    async fn event(&mut self) -> Event {
        loop {
            if let Some(event) = self.events.pop_front() {
                return event;
            }
            assert!(
                self.receive().await,
                "the node closed the connection instead of sending an event"
            );
        }
    }

    async fn await_end(&mut self) {
        while self.receive().await {}
        assert!(self.early.is_empty(), "no request was left to answer");
    }

    /// Reads once; false at the end.
    async fn receive(&mut self) -> bool {
        let read = self
            .env
            .timeout(PATIENCE, self.stream.read_buf(&mut self.input))
            .await;
        if read
            .expect("an answer in time")
            .expect("the connection holds")
            == 0
        {
            return false;
        }
        while let Some(envelope) = self
            .answers
            .decode(&mut self.input)
            .expect("a readable answer")
        {
            if envelope.stream != EVENT_STREAM {
                let stream = envelope.stream;
                assert!(
                    self.early.insert(stream, envelope).is_none(),
                    "two answers on stream {stream}"
                );
                continue;
            }
            match response::decode(&envelope)
                .expect("a readable event")
                .response
            {
                Response::Event(event) => self.events.push_back(event),
                other => panic!("{} on the stream of events", other.opcode().name()),
            }
        }
        true
    }
}

fn is_schema_change(answer: &Envelope) -> bool {
    let received = response::decode(answer).expect("a readable answer");
    matches!(
        received.response,
        Response::Result(Outcome::SchemaChange(_))
    )
}
