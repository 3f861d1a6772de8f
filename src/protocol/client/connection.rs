//! One connection, without I/O.
//!
//! 1. `new` writes STARTUP.
//! 2. The server answers READY, or AUTHENTICATE; the latter is answered with name and password (SASL PLAIN: NUL name NUL
//!    password). On v5 both sides send segments from that answer on.
//! 3. From READY or AUTH_SUCCESS on, `receive` gives the caller every envelope: answers by stream, events on stream -1.

use std::collections::BTreeSet;

use bytes::BytesMut;

use super::Error;
use crate::compress::Compression;
use crate::frame::{self, Decoder, Encoder, Envelope, Failure, Opcode};
use crate::request::{Request, Startup};
use crate::response::{self, Response};
use crate::segment;
use crate::version::Version;

/// How to open a connection.
#[derive(Debug, Clone)]
pub struct Options {
    /// The version to speak; no other is tried.
    pub version: Version,
    /// The compression to ask for.
    pub compression: Option<Compression>,
    /// Name and password, if the server asks.
    pub credentials: Option<(String, String)>,
    /// More options for STARTUP, such as `DRIVER_NAME`.
    pub startup: Vec<(String, String)>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            version: Version::V5,
            compression: None,
            credentials: None,
            startup: Vec::new(),
        }
    }
}

/// One connection, without I/O.
#[derive(Debug)]
pub struct Connection {
    options: Options,
    encoder: Encoder,
    decoder: Decoder,
    is_ready: bool,
    in_flight: BTreeSet<i16>,
    next_stream: i16,
}

impl Connection {
    /// A connection on which STARTUP waits to be sent.
    pub fn new(options: Options) -> Connection {
        let mut connection = Connection {
            options,
            encoder: Encoder::new(),
            decoder: Decoder::of_responses(),
            is_ready: false,
            in_flight: BTreeSet::new(),
            next_stream: 0,
        };
        connection.start();
        connection
    }

    fn start(&mut self) {
        let mut startup = vec![("CQL_VERSION", "3.0.0")];
        startup.extend(
            self.options
                .compression
                .map(|compression| ("COMPRESSION", compression.name())),
        );
        startup.extend(
            self.options
                .startup
                .iter()
                .map(|(key, value)| (key.as_str(), value.as_str())),
        );
        Request::Startup(Startup::new(startup)).encode(
            self.options.version,
            0,
            0,
            self.encoder.buffer(),
        );
        if let (Version::V4, Some(compression)) = (self.options.version, self.options.compression) {
            self.encoder.use_compression(compression);
            self.decoder.use_compression(compression);
        }
    }

    /// The version spoken.
    pub fn version(&self) -> Version {
        self.options.version
    }

    /// Whether requests can be sent.
    pub fn is_ready(&self) -> bool {
        self.is_ready
    }

    /// The bytes to be sent; the caller consumes what it sent.
    pub fn output(&mut self) -> &mut BytesMut {
        self.encoder.output()
    }

    /// Writes a request and gives the stream on which its answer will come.
    pub fn send(&mut self, request: &Request<'_>, flags: u8) -> Result<i16, Error> {
        let stream = self.take_stream()?;
        request.encode(self.options.version, flags, stream, self.encoder.buffer());
        Ok(stream)
    }

    /// Writes the request of a capture, whose body is not looked at, and gives the stream of its answer.
    pub fn send_captured(&mut self, request: &Envelope) -> Result<i16, Error> {
        let stream = self.take_stream()?;
        let out = self.encoder.buffer();
        let (version, opcode) = (self.options.version, request.opcode);
        let envelope = frame::begin(
            out,
            opcode.direction(),
            version,
            request.flags,
            stream,
            opcode,
        );
        out.extend_from_slice(&request.body);
        frame::finish(out, envelope);
        Ok(stream)
    }

    /// Takes the next answer or event from the bytes that came in; `None` if there is none yet.
    pub fn receive(&mut self, input: &mut BytesMut) -> Result<Option<Envelope>, Error> {
        while let Some(envelope) = self.decoder.decode(input).map_err(unreadable)? {
            if self.is_ready {
                self.in_flight.remove(&envelope.stream);
                return Ok(Some(envelope));
            }
            self.shake_hands(&envelope)?;
        }
        Ok(None)
    }

    fn shake_hands(&mut self, envelope: &Envelope) -> Result<(), Error> {
        if matches!(envelope.opcode, Opcode::Ready | Opcode::Authenticate) {
            self.use_segments();
        }
        match response::decode(envelope)?.response {
            Response::Ready | Response::AuthSuccess(_) => {
                self.is_ready = true;
                Ok(())
            }
            Response::Authenticate(_) => self.authenticate(),
            Response::Error(error, message) => Err(Error::Server {
                error,
                message: message.to_owned(),
            }),
            other => Err(Error::Protocol(format!(
                "{} instead of READY",
                other.opcode().name()
            ))),
        }
    }

    fn use_segments(&mut self) {
        if self.options.version != Version::V5 {
            return;
        }
        let format = match self.options.compression {
            Some(Compression::Lz4) => segment::Format::Lz4,
            Some(Compression::Snappy) | None => segment::Format::Uncompressed,
        };
        self.encoder.use_segments(format);
        self.decoder.use_segments(format);
    }

    fn authenticate(&mut self) -> Result<(), Error> {
        let Some((name, password)) = &self.options.credentials else {
            return Err(Error::Protocol(
                "The server asks for a name and a password".to_owned(),
            ));
        };
        let token = [b"\0", name.as_bytes(), b"\0", password.as_bytes()].concat();
        Request::AuthResponse(Some(&token)).encode(
            self.options.version,
            0,
            0,
            self.encoder.buffer(),
        );
        Ok(())
    }

    /// The next stream that no request is using.
    fn take_stream(&mut self) -> Result<i16, Error> {
        if !self.is_ready {
            return Err(Error::Protocol(
                "The connection is not ready for requests".to_owned(),
            ));
        }
        if self.in_flight.len() > i16::MAX as usize {
            return Err(Error::Protocol(
                "All streams of the connection are in use".to_owned(),
            ));
        }
        while !self.in_flight.insert(self.next_stream) {
            self.next_stream = next(self.next_stream);
        }
        let stream = self.next_stream;
        self.next_stream = next(stream);
        Ok(stream)
    }
}

/// Streams of requests go from 0 to 32767; negative ones belong to the server.
fn next(stream: i16) -> i16 {
    stream.checked_add(1).unwrap_or(0)
}

fn unreadable(failure: Failure) -> Error {
    Error::Protocol(failure.to_string())
}
