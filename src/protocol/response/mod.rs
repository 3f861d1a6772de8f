//! What servers answer: the bodies of the eight response opcodes, read and written.
//!
//! | Opcode | Body |
//! |---|---|
//! | ERROR | see `error` |
//! | READY | empty |
//! | AUTHENTICATE | `[string]` class of the authenticator |
//! | SUPPORTED | `[string multimap]` |
//! | RESULT | see `result` |
//! | EVENT | see `event` |
//! | AUTH_CHALLENGE | `[bytes]` token |
//! | AUTH_SUCCESS | `[bytes]` token |
//!
//! Before the body, in this order and each with its flag in the header: the tracing id (`[uuid]`), warnings (`[string list]`),
//! the custom payload (`[bytes map]`).

#[cfg(test)]
mod tests;

use bytes::{BufMut, BytesMut};
use uuid::Uuid;

use crate::error::Error;
use crate::event::Event;
use crate::frame::{self, Direction, EVENT_STREAM, Envelope, Opcode, Unfinished, flags};
use crate::result::Outcome;
use crate::version::Version;
use crate::wire::{self, Malformed, Reader};

/// What every answer has beside its body.
#[derive(Debug, Clone, PartialEq)]
pub struct Head<'a> {
    /// The version of the connection.
    pub version: Version,
    /// The stream of the request.
    pub stream: i16,
    /// The id of the trace, if the request was traced.
    pub tracing_id: Option<Uuid>,
    /// What a person should know.
    pub warnings: &'a [String],
    /// Bytes for whoever understands them.
    pub payload: &'a [(&'a str, Option<&'a [u8]>)],
}

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Response<'a> {
    /// A failure, and the words for it. A server lets the error speak: see `error`.
    Error(Error, &'a str),
    /// The connection is open.
    Ready,
    /// Say who you are, to this class of authenticator.
    Authenticate(&'a str),
    /// What STARTUP may ask for.
    Supported(Vec<(&'a str, Vec<&'a str>)>),
    /// What a statement gave.
    Result(Outcome<'a>),
    /// Something happened.
    Event(Event),
    /// One more question about who you are.
    AuthChallenge(Option<&'a [u8]>),
    /// You are who you say, and the connection is open.
    AuthSuccess(Option<&'a [u8]>),
}

/// An answer as a client receives it.
#[derive(Debug, Clone, PartialEq)]
pub struct Received<'a> {
    /// The id of the trace, if the request was traced.
    pub tracing_id: Option<Uuid>,
    /// What a person should know.
    pub warnings: Vec<&'a str>,
    /// Bytes for whoever understands them.
    pub payload: wire::BytesMap<'a>,
    /// The answer.
    pub response: Response<'a>,
}

impl<'a> Head<'a> {
    /// Only version and stream.
    pub fn new(version: Version, stream: i16) -> Head<'a> {
        Head {
            version,
            stream,
            tracing_id: None,
            warnings: &[],
            payload: &[],
        }
    }

    /// Appends the header and what comes before the body.
    pub(crate) fn begin(&self, opcode: Opcode, out: &mut BytesMut) -> Unfinished {
        let mut bits = 0;
        bits |= if self.tracing_id.is_some() {
            flags::TRACING
        } else {
            0
        };
        bits |= if self.warnings.is_empty() {
            0
        } else {
            flags::WARNING
        };
        bits |= if self.payload.is_empty() {
            0
        } else {
            flags::CUSTOM_PAYLOAD
        };
        let envelope = frame::begin(
            out,
            Direction::Response,
            self.version,
            bits,
            self.stream,
            opcode,
        );
        if let Some(id) = self.tracing_id {
            out.put_slice(id.as_bytes());
        }
        if !self.warnings.is_empty() {
            wire::put_string_list(out, self.warnings);
        }
        if !self.payload.is_empty() {
            wire::put_bytes_map(out, self.payload);
        }
        envelope
    }

    /// How many bytes the tracing id takes.
    pub(crate) fn tracing_bytes(&self) -> usize {
        if self.tracing_id.is_some() { 16 } else { 0 }
    }

    /// How many bytes the warnings take.
    pub(crate) fn warnings_bytes(&self) -> usize {
        if self.warnings.is_empty() {
            return 0;
        }
        let mut list = BytesMut::new();
        wire::put_string_list(&mut list, self.warnings);
        list.len()
    }
}

/// Appends an envelope with this answer.
pub fn encode(response: &Response<'_>, head: &Head<'_>, out: &mut BytesMut) {
    let envelope = head.begin(response.opcode(), out);
    response.encode_body(head.version, out);
    frame::finish(out, envelope);
}

/// Appends an envelope with this error, in the error's own words.
pub fn encode_error(error: &Error, head: &Head<'_>, out: &mut BytesMut) {
    let envelope = head.begin(Opcode::Error, out);
    error.encode(head.version, out);
    frame::finish(out, envelope);
}

/// Appends an envelope with this event, for a connection that registered for its kind.
pub fn encode_event(event: &Event, version: Version, out: &mut BytesMut) {
    let envelope = Head::new(version, EVENT_STREAM).begin(Opcode::Event, out);
    event.encode(out);
    frame::finish(out, envelope);
}

/// Appends the refusal of a version that is not spoken: an envelope of the newest version, which never travels in a segment.
/// The connection is closed after it, and the driver comes back with another version.
pub fn encode_unsupported_version(error: &Error, stream: i16, out: &mut BytesMut) {
    encode_error(error, &Head::new(Version::NEWEST, stream), out);
}

/// Reads an answer.
pub fn decode(envelope: &Envelope) -> Result<Received<'_>, Malformed> {
    let mut reader = Reader::new(&envelope.body);
    let has = |flag: u8| envelope.flags & flag != 0;
    let tracing_id = if has(flags::TRACING) {
        Some(reader.uuid("the tracing id")?)
    } else {
        None
    };
    let warnings = if has(flags::WARNING) {
        reader.string_list("the warnings")?
    } else {
        Vec::new()
    };
    let payload = if has(flags::CUSTOM_PAYLOAD) {
        reader.bytes_map("the custom payload")?
    } else {
        Vec::new()
    };
    let response = Response::decode_body(envelope.version, envelope.opcode, &mut reader)?;
    Ok(Received {
        tracing_id,
        warnings,
        payload,
        response,
    })
}

impl<'a> Response<'a> {
    /// The opcode of the answer.
    pub fn opcode(&self) -> Opcode {
        match self {
            Response::Error(..) => Opcode::Error,
            Response::Ready => Opcode::Ready,
            Response::Authenticate(_) => Opcode::Authenticate,
            Response::Supported(_) => Opcode::Supported,
            Response::Result(_) => Opcode::Result,
            Response::Event(_) => Opcode::Event,
            Response::AuthChallenge(_) => Opcode::AuthChallenge,
            Response::AuthSuccess(_) => Opcode::AuthSuccess,
        }
    }

    fn encode_body(&self, version: Version, out: &mut BytesMut) {
        match self {
            Response::Error(error, message) => error.encode_with_message(message, version, out),
            Response::Ready => {}
            Response::Authenticate(class) => wire::put_string(out, class),
            Response::Supported(options) => put_multimap(out, options),
            Response::Result(outcome) => outcome.encode(version, out),
            Response::Event(event) => event.encode(out),
            Response::AuthChallenge(token) | Response::AuthSuccess(token) => {
                wire::put_bytes(out, *token)
            }
        }
    }

    fn decode_body(
        version: Version,
        opcode: Opcode,
        reader: &mut Reader<'a>,
    ) -> Result<Response<'a>, Malformed> {
        match opcode {
            Opcode::Error => Error::decode(reader, version)
                .map(|(error, message)| Response::Error(error, message)),
            Opcode::Ready => Ok(Response::Ready),
            Opcode::Authenticate => reader
                .string("the authenticator")
                .map(Response::Authenticate),
            Opcode::Supported => multimap(reader).map(Response::Supported),
            Opcode::Result => Outcome::decode(version, reader).map(Response::Result),
            Opcode::Event => Event::decode(reader).map(Response::Event),
            Opcode::AuthChallenge => reader.bytes("the token").map(Response::AuthChallenge),
            Opcode::AuthSuccess => reader.bytes("the token").map(Response::AuthSuccess),
            request => Err(Malformed::new(
                frame::wrong_direction(request, frame::Direction::Response).to_string(),
            )),
        }
    }
}

/// What SUPPORTED says: the dialect, both codecs, both versions.
pub fn supported() -> Response<'static> {
    Response::Supported(vec![
        ("CQL_VERSION", vec!["3.4.7"]),
        ("COMPRESSION", vec!["snappy", "lz4"]),
        ("PROTOCOL_VERSIONS", vec!["4/v4", "5/v5"]),
    ])
}

fn put_multimap(out: &mut BytesMut, map: &[(&str, Vec<&str>)]) {
    let map = &map[..map.len().min(usize::from(u16::MAX))];
    out.put_u16(map.len() as u16);
    for (key, values) in map {
        wire::put_string(out, key);
        wire::put_string_list(out, values);
    }
}

fn multimap<'a>(reader: &mut Reader<'a>) -> Result<Vec<(&'a str, Vec<&'a str>)>, Malformed> {
    let count = usize::from(reader.short("the options")?);
    let mut map = Vec::with_capacity(reader.count_within(count, 4, "the options")?);
    for _ in 0..count {
        map.push((
            reader.string("an option")?,
            reader.string_list("an option's values")?,
        ));
    }
    Ok(map)
}
