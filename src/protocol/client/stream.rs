//! A connection over an asynchronous stream: real, simulated, or a pipe in a test.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::io;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::{Connection, Error, Options, Outcome, Page, Reply, Statement};
use crate::consistency::Consistency;
use crate::event::{self, Event};
use crate::frame::{EVENT_STREAM, Envelope};
use crate::request::{Batch, Bindings, Execute, Parameters, Prepare, Query, Request};
use crate::response::{self, Response};
use crate::version::Version;

/// How much room is made for each read.
const READ_BYTES: usize = 16 * 1024;

/// A client of one connection.
pub struct Client<S> {
    stream: S,
    connection: Connection,
    input: BytesMut,
    /// Answers that came while another was awaited.
    answers: BTreeMap<i16, Envelope>,
    events: VecDeque<Event>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    /// Carries out the handshake.
    pub async fn open(stream: S, options: Options) -> Result<Client<S>, Error> {
        let mut client = Client {
            stream,
            connection: Connection::new(options),
            input: BytesMut::new(),
            answers: BTreeMap::new(),
            events: VecDeque::new(),
        };
        loop {
            client.flush().await?;
            client.sort_input()?;
            if client.connection.is_ready() {
                return Ok(client);
            }
            // The handshake may have something to say before it waits.
            if client.connection.output().is_empty() {
                client.read().await?;
            }
        }
    }

    /// The version spoken.
    pub fn version(&self) -> Version {
        self.connection.version()
    }

    /// Executes a text without values at level ONE, unpaged.
    pub async fn run(&mut self, text: &str) -> Result<Reply, Error> {
        self.query(text, Parameters::new(Consistency::One)).await
    }

    /// Executes a text.
    pub async fn query(&mut self, text: &str, parameters: Parameters<'_>) -> Result<Reply, Error> {
        self.call(&Request::Query(Query { text, parameters })).await
    }

    /// Executes a text, and asks for page after page until all rows are there.
    pub async fn query_all(
        &mut self,
        text: &str,
        parameters: Parameters<'_>,
    ) -> Result<Page, Error> {
        let mut all = self.query(text, parameters.clone()).await?.into_page();
        while let Some(state) = all.paging_state.take() {
            let next = Parameters {
                paging_state: Some(&state),
                ..parameters.clone()
            };
            let page = self.query(text, next).await?.into_page();
            all.rows.extend(page.rows);
            all.paging_state = page.paging_state;
        }
        Ok(all)
    }

    /// Prepares a text.
    pub async fn prepare(&mut self, text: &str) -> Result<Statement, Error> {
        match self
            .call(&Request::Prepare(Prepare {
                text,
                keyspace: None,
            }))
            .await?
            .outcome
        {
            Outcome::Prepared(statement) => Ok(statement),
            _ => Err(Error::Protocol(
                "no statement in the answer to PREPARE".to_owned(),
            )),
        }
    }

    /// Executes a prepared statement.
    pub async fn execute(
        &mut self,
        statement: &Statement,
        parameters: Parameters<'_>,
    ) -> Result<Reply, Error> {
        self.call(&Request::Execute(execution(statement, parameters)))
            .await
    }

    /// Executes a prepared statement with these values at this level.
    pub async fn execute_with(
        &mut self,
        statement: &Statement,
        values: &Bindings,
        consistency: Consistency,
    ) -> Result<Reply, Error> {
        let parameters = Parameters {
            values: values.values(),
            ..Parameters::new(consistency)
        };
        self.execute(statement, parameters).await
    }

    /// Executes a prepared statement, and asks for page after page until all rows are there.
    pub async fn execute_all(
        &mut self,
        statement: &Statement,
        parameters: Parameters<'_>,
    ) -> Result<Page, Error> {
        let mut all = self
            .execute(statement, parameters.clone())
            .await?
            .into_page();
        while let Some(state) = all.paging_state.take() {
            let next = Parameters {
                paging_state: Some(&state),
                ..parameters.clone()
            };
            let page = self.execute(statement, next).await?.into_page();
            all.rows.extend(page.rows);
            all.paging_state = page.paging_state;
        }
        Ok(all)
    }

    /// Executes a batch.
    pub async fn batch(&mut self, batch: Batch<'_>) -> Result<Reply, Error> {
        self.call(&Request::Batch(batch)).await
    }

    /// Asks for events of these kinds.
    pub async fn register(&mut self, kinds: &[event::Kind]) -> Result<(), Error> {
        let envelope = self.exchange(&Request::Register(kinds.to_vec()), 0).await?;
        match response::decode(&envelope)?.response {
            Response::Ready => Ok(()),
            Response::Error(error, message) => Err(Error::Server {
                error,
                message: message.to_owned(),
            }),
            other => Err(Error::Protocol(format!(
                "{} in answer to REGISTER",
                other.opcode().name()
            ))),
        }
    }

    /// The next event. Dropping the future loses none.
    pub async fn event(&mut self) -> Result<Event, Error> {
        loop {
            self.sort_input()?;
            if let Some(event) = self.events.pop_front() {
                return Ok(event);
            }
            self.read().await?;
        }
    }

    /// Sends a request and waits for its answer.
    pub async fn call(&mut self, request: &Request<'_>) -> Result<Reply, Error> {
        Reply::of(&self.exchange(request, 0).await?)
    }

    /// Sends a request with these flags and waits for its answer, whatever it is.
    pub async fn exchange(&mut self, request: &Request<'_>, flags: u8) -> Result<Envelope, Error> {
        let stream = self.send(request, flags)?;
        self.answer(stream).await
    }

    /// Takes a request to be sent with the next `flush` or `answer`, and gives the stream of its answer.
    pub fn send(&mut self, request: &Request<'_>, flags: u8) -> Result<i16, Error> {
        let stream = self.connection.send(request, flags)?;
        self.answers.remove(&stream);
        Ok(stream)
    }

    /// Like `send`, with a request from a capture.
    pub fn send_captured(&mut self, request: &Envelope) -> Result<i16, Error> {
        let stream = self.connection.send_captured(request)?;
        self.answers.remove(&stream);
        Ok(stream)
    }

    /// Waits for the answer on this stream; what else comes meanwhile is kept.
    pub async fn answer(&mut self, stream: i16) -> Result<Envelope, Error> {
        self.flush().await?;
        loop {
            self.sort_input()?;
            if let Some(envelope) = self.answers.remove(&stream) {
                return Ok(envelope);
            }
            self.read().await?;
        }
    }

    /// Sends everything that waits.
    pub async fn flush(&mut self) -> Result<(), Error> {
        while !self.connection.output().is_empty() {
            self.stream.write_buf(self.connection.output()).await?;
        }
        Ok(self.stream.flush().await?)
    }

    async fn read(&mut self) -> Result<(), Error> {
        self.input.reserve(READ_BYTES);
        match self.stream.read_buf(&mut self.input).await? {
            0 => Err(Error::Connection(io::ErrorKind::UnexpectedEof.into())),
            _ => Ok(()),
        }
    }

    /// Takes all messages out of the bytes that were read.
    fn sort_input(&mut self) -> Result<(), Error> {
        while let Some(envelope) = self.connection.receive(&mut self.input)? {
            if envelope.stream != EVENT_STREAM {
                self.answers.insert(envelope.stream, envelope);
                continue;
            }
            if let Response::Event(event) = response::decode(&envelope)?.response {
                self.events.push_back(event);
            }
        }
        Ok(())
    }
}

impl<S> fmt::Debug for Client<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("connection", &self.connection)
            .finish_non_exhaustive()
    }
}

fn execution<'a>(statement: &'a Statement, parameters: Parameters<'a>) -> Execute<'a> {
    Execute {
        id: &statement.id,
        result_metadata_id: Some(&statement.result_metadata_id),
        parameters,
    }
}
