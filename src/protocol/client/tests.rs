//! The client against a server in the same process: handshakes, pages, batches, captures.

use std::borrow::Cow;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use types::Type;

use super::*;
use crate::compress::Compression;
use crate::consistency::Consistency;
use crate::event::{self, Change, Event, SchemaChange, Target};
use crate::frame::{self, Decoder, Encoder, Envelope};
use crate::request::{self, Batch, BatchBuilder, BatchKind, Bindings, Parameters, Request, Value};
use crate::response::{self, Head, Response};
use crate::result::{self, ColumnSpec, Metadata, MetadataChoice, Prepared, RowsWriter};
use crate::segment;
use crate::version::Version;

const PASSWORD_AUTHENTICATOR: &str = "org.apache.cassandra.auth.PasswordAuthenticator";
const ID: &[u8] = b"0123456789abcdef";

/// A server of a few fixed answers, made of the same parts as a real one.
struct Server {
    decoder: Decoder,
    encoder: Encoder,
    format: segment::Format,
    asks_for_password: bool,
}

impl Server {
    fn new(asks_for_password: bool) -> Server {
        Server {
            decoder: Decoder::of_requests(1 << 20),
            encoder: Encoder::new(),
            format: segment::Format::Uncompressed,
            asks_for_password,
        }
    }

    async fn serve(mut self, mut stream: DuplexStream) {
        let mut input = BytesMut::new();
        while stream.read_buf(&mut input).await.unwrap() > 0 {
            while let Some(envelope) = self.decoder.decode(&mut input).unwrap() {
                self.answer(&envelope);
            }
            stream.write_all_buf(self.encoder.output()).await.unwrap();
        }
    }

    fn answer(&mut self, envelope: &Envelope) {
        let Envelope {
            version,
            flags,
            opcode,
            stream,
            ..
        } = *envelope;
        let head = Head::new(version, stream);
        match request::decode(version, flags, opcode, &envelope.body).unwrap() {
            Request::Startup(startup) => self.open(&startup, &head),
            Request::AuthResponse(Some(b"\0cassandra\0secret")) => {
                self.put(&head, &Response::AuthSuccess(None))
            }
            Request::AuthResponse(_) => self.refuse(
                &head,
                crate::Error::BadCredentials(
                    "Provided username x and/or password are incorrect".to_owned(),
                ),
            ),
            Request::Register(kinds) => {
                assert_eq!(kinds, [event::Kind::SchemaChange]);
                response::encode_event(&created(), version, self.encoder.buffer());
                self.put(&head, &Response::Ready);
            }
            Request::Query(query) if query.text == "numbers" => {
                self.put_numbers(&head, &query.parameters)
            }
            Request::Query(query) if query.text.starts_with("USE ") => {
                self.put(
                    &head,
                    &Response::Result(result::Outcome::SetKeyspace(&query.text[4..])),
                );
            }
            Request::Query(query) => {
                self.refuse(&head, crate::Error::Syntax(format!("no {}", query.text)))
            }
            Request::Prepare(_) => self.put(
                &head,
                &Response::Result(result::Outcome::Prepared(prepared())),
            ),
            Request::Execute(execute) => {
                assert_eq!(execute.id, ID);
                assert_eq!(
                    execute.result_metadata_id,
                    (version == Version::V5).then_some(&b"columns"[..])
                );
                self.put_echo(&head, &execute.parameters);
            }
            Request::Batch(batch) => {
                assert_eq!(batch.statements.len(), 2);
                self.put(&head, &Response::Result(result::Outcome::Void));
            }
            Request::Options => self.put(&head, &response::supported()),
        }
    }

    fn open(&mut self, startup: &request::Startup<'_>, head: &Head<'_>) {
        let compression = startup.compression(head.version).unwrap();
        if let (Version::V4, Some(compression)) = (head.version, compression) {
            self.encoder.use_compression(compression);
            self.decoder.use_compression(compression);
        }
        let answer = if self.asks_for_password {
            Response::Authenticate(PASSWORD_AUTHENTICATOR)
        } else {
            Response::Ready
        };
        self.put(head, &answer);
        if head.version == Version::V5 {
            self.format =
                compression.map_or(segment::Format::Uncompressed, |_| segment::Format::Lz4);
            self.encoder.use_segments(self.format);
            self.decoder.use_segments(self.format);
        }
    }

    fn put(&mut self, head: &Head<'_>, response: &Response<'_>) {
        response::encode(response, head, self.encoder.buffer());
    }

    fn refuse(&mut self, head: &Head<'_>, error: crate::Error) {
        response::encode_error(&error, head, self.encoder.buffer());
    }

    /// Ten numbers, in pages; the paging state is the first number of the page.
    fn put_numbers(&mut self, head: &Head<'_>, parameters: &Parameters<'_>) {
        let first = parameters.paging_state.map_or(0, |state| state[0]);
        let last = first
            .saturating_add(parameters.page_size.unwrap_or(10) as u8)
            .min(10);
        let out = self.encoder.buffer();
        let mut rows = RowsWriter::begin(out, head, &column("n"), MetadataChoice::Full, Some(1));
        for number in first..last {
            rows.cell(out, Some(&[number]));
            rows.end_row();
        }
        rows.finish(
            out,
            (last < 10).then_some(&[last][..]),
            &["paged".to_owned()],
        );
    }

    /// The bound values as rows, on and on.
    fn put_echo(&mut self, head: &Head<'_>, parameters: &Parameters<'_>) {
        let out = self.encoder.buffer();
        let mut rows = RowsWriter::begin(out, head, &column("v"), MetadataChoice::Skip, None);
        for value in parameters.values {
            rows.cell(
                out,
                if let Value::Set(bytes) = value {
                    Some(bytes)
                } else {
                    None
                },
            );
            rows.end_row();
        }
        rows.finish(out, None, &[]);
    }
}

fn column(name: &str) -> Metadata {
    let column = ColumnSpec {
        keyspace: "ks".into(),
        table: "t".into(),
        name: name.to_owned(),
        ty: Type::TinyInt,
    };
    Metadata::new(vec![column])
}

fn prepared() -> Prepared<'static> {
    Prepared {
        id: Cow::Borrowed(ID),
        result_metadata_id: Cow::Borrowed(b"columns"),
        variables: Cow::Owned(column("v")),
        partition_key: Cow::Borrowed(&[0]),
        result: Cow::Owned(column("v")),
    }
}

fn created() -> Event {
    let target = Target::Table("t".to_owned());
    Event::Schema(SchemaChange {
        change: Change::Created,
        keyspace: "ks".to_owned(),
        target,
    })
}

fn password(password: &str) -> Option<(String, String)> {
    Some(("cassandra".to_owned(), password.to_owned()))
}

/// Runs a client against the server until the client is done.
async fn with_server<T>(
    options: Options,
    asks_for_password: bool,
    run: impl AsyncFnOnce(Result<Client<DuplexStream>, Error>) -> T,
) -> T {
    let (near, far) = tokio::io::duplex(1000);
    let client = async { run(Client::open(near, options).await).await };
    tokio::join!(client, Server::new(asks_for_password).serve(far)).0
}

/// All ways to open a connection.
fn ways() -> Vec<Options> {
    let way = |version, compression| Options {
        version,
        compression,
        ..Options::default()
    };
    vec![
        way(Version::V4, None),
        way(Version::V4, Some(Compression::Lz4)),
        way(Version::V4, Some(Compression::Snappy)),
        way(Version::V5, None),
        way(Version::V5, Some(Compression::Lz4)),
    ]
}

#[tokio::test]
async fn every_way_of_connecting_executes() {
    for options in ways() {
        with_server(options, false, async |client| {
            let mut client = client.unwrap();
            let reply = client.run("USE flights").await.unwrap();
            assert_eq!(reply.outcome, Outcome::SetKeyspace("flights".to_owned()));
            let statement = client.prepare("SELECT ?").await.unwrap();
            assert_eq!(
                (&statement.id[..], &statement.partition_key[..]),
                (ID, &[0][..])
            );
            // More than a segment holds.
            let large = vec![b'x'; 200_000];
            let values = Bindings::of([Value::Set(&large), Value::Null, Value::Set(b"")]);
            let reply = client
                .execute_with(&statement, &values, Consistency::One)
                .await
                .unwrap();
            let expected = [
                vec![Some(Bytes::from(large))],
                vec![None],
                vec![Some(Bytes::new())],
            ];
            assert!(reply.into_page().rows == expected);
            let mut builder = BatchBuilder::new();
            builder
                .push_text("A", &Bindings::new())
                .push_prepared(ID, &values);
            let batch = Batch::new(BatchKind::Logged, builder.statements(), Consistency::Quorum);
            assert_eq!(client.batch(batch).await.unwrap().outcome, Outcome::Void);
        })
        .await;
    }
}

#[tokio::test]
async fn pages_are_followed_to_the_end() {
    with_server(Options::default(), false, async |client| {
        let mut client = client.unwrap();
        let parameters = Parameters {
            page_size: Some(4),
            ..Parameters::new(Consistency::One)
        };
        let first = client.query("numbers", parameters.clone()).await.unwrap();
        assert_eq!(first.warnings, ["paged"]);
        let first = first.into_page();
        assert_eq!(
            (first.rows.len(), first.paging_state.as_deref()),
            (4, Some(&[4][..]))
        );
        let all = client.query_all("numbers", parameters).await.unwrap();
        assert_eq!(all.column("n"), Some(0));
        let numbers: Vec<u8> = all
            .rows
            .iter()
            .map(|row| row[0].as_ref().unwrap()[0])
            .collect();
        assert_eq!(numbers, (0..10).collect::<Vec<u8>>());
        assert_eq!(all.paging_state, None);
    })
    .await;
}

#[tokio::test]
async fn passwords_are_told_when_asked_for() {
    for options in ways() {
        let with = |credentials| Options {
            credentials,
            ..options.clone()
        };
        with_server(with(password("secret")), true, async |client| {
            assert!(client.unwrap().run("USE a").await.is_ok());
        })
        .await;
        with_server(with(password("wrong")), true, async |client| {
            let error = client.unwrap_err();
            assert!(
                matches!(error.server(), Some(crate::Error::BadCredentials(_))),
                "{error}"
            );
        })
        .await;
        with_server(with(None), true, async |client| {
            assert_eq!(
                client.unwrap_err().to_string(),
                "protocol: The server asks for a name and a password"
            );
        })
        .await;
    }
}

#[tokio::test]
async fn answers_are_found_by_stream_and_events_kept() {
    with_server(Options::default(), false, async |client| {
        let mut client = client.unwrap();
        client.register(&[event::Kind::SchemaChange]).await.unwrap();
        let first = client.send(&Request::Options, 0).unwrap();
        let second = client
            .send(&Request::Register(vec![event::Kind::SchemaChange]), 0)
            .unwrap();
        assert_ne!(first, second);
        assert_eq!(
            client.answer(second).await.unwrap().opcode,
            frame::Opcode::Ready
        );
        assert_eq!(
            client.answer(first).await.unwrap().opcode,
            frame::Opcode::Supported
        );
        assert_eq!(client.event().await.unwrap(), created());
        assert_eq!(client.event().await.unwrap(), created());
    })
    .await;
}

#[tokio::test]
async fn errors_keep_the_servers_words() {
    with_server(Options::default(), false, async |client| {
        let error = client.unwrap().run("sense").await.unwrap_err();
        assert_eq!(error.to_string(), "no sense");
        assert_eq!(error.server().map(crate::Error::code), Some(0x2000));
    })
    .await;
}

#[tokio::test]
async fn captures_are_replayed() {
    let mut capture = BytesMut::new();
    let query = request::Query {
        text: "USE captured",
        parameters: Parameters::new(Consistency::One),
    };
    Request::Query(query).encode(Version::V4, 0, 77, &mut capture);
    let captured = Decoder::of_requests(1 << 20)
        .decode(&mut capture)
        .unwrap()
        .unwrap();
    let options = Options {
        version: Version::V4,
        ..Options::default()
    };
    with_server(options, false, async |client| {
        let mut client = client.unwrap();
        let stream = client.send_captured(&captured).unwrap();
        let reply = Reply::of(&client.answer(stream).await.unwrap()).unwrap();
        assert_eq!(reply.outcome, Outcome::SetKeyspace("captured".to_owned()));
    })
    .await;
}

#[test]
fn streams_are_unique_while_in_use() {
    let mut connection = Connection::new(Options {
        version: Version::V4,
        ..Options::default()
    });
    assert!(
        connection.send(&Request::Options, 0).is_err(),
        "not ready yet"
    );
    let mut ready = BytesMut::new();
    response::encode(&Response::Ready, &Head::new(Version::V4, 0), &mut ready);
    assert_eq!(connection.receive(&mut ready).unwrap(), None);
    let streams: Vec<i16> = (0..32768)
        .map(|_| connection.send(&Request::Options, 0).unwrap())
        .collect();
    assert_eq!(streams, (0..=i16::MAX).collect::<Vec<i16>>());
    assert_eq!(
        connection
            .send(&Request::Options, 0)
            .unwrap_err()
            .to_string(),
        "protocol: All streams of the connection are in use"
    );
    let mut answer = BytesMut::new();
    response::encode(
        &response::supported(),
        &Head::new(Version::V4, 123),
        &mut answer,
    );
    assert_eq!(
        connection.receive(&mut answer).unwrap().unwrap().stream,
        123
    );
    assert_eq!(connection.send(&Request::Options, 0).unwrap(), 123);
}

#[test]
fn a_refused_version_is_an_error_of_the_server() {
    let mut connection = Connection::new(Options::default());
    let mut refusal = BytesMut::new();
    response::encode_unsupported_version(&Version::unsupported(66), 0, &mut refusal);
    let error = connection.receive(&mut refusal).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("Invalid or unsupported protocol version (66)"),
        "{error}"
    );
}

/// The environment's streams, real and simulated, carry a client from task to task.
#[test]
fn a_client_fits_the_environment() {
    fn is_sent(_: impl Future<Output = Result<Client<base::env::Stream>, Error>> + Send) {}
    let (near, _far) = tokio::io::duplex(10);
    is_sent(Client::open(
        Box::new(near) as base::env::Stream,
        Options::default(),
    ));
}
